"""The study's memory (Optuna storage, metrics.jsonl) and its mirror in MLflow."""
