"""How one network learns: torch only; no Ray, no MLflow, no Optuna."""
