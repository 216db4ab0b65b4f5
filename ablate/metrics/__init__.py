"""Numbers without state: retrieval and verification quality of a set of embeddings."""
