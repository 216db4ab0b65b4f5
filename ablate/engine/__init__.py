"""Where it runs: the only folder that imports Ray."""
