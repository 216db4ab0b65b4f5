"""A study's winner in use: exported with all it needs, embedding, verifying and finding pictures; no study, no Ray."""
