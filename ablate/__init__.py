"""ablate: which choices give the best Siamese network on your data, how sure you can be, and what it costs."""

from ablate.summary.results import results

__all__ = ["results"]
