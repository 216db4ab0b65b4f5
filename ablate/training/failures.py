"""Ways in which a trial ends that are no mistake of the code: each is written down as its reason."""

from __future__ import annotations


class Diverged(Exception):
    """The loss or the embeddings are no longer numbers."""


class Infeasible(Exception):
    """The configuration breaks a constraint that is known before training."""
