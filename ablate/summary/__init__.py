"""What was learned: rows, Pareto front, tables; no torch, no Ray."""
