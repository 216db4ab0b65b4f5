"""Tuples: what a miner chose, in the form that the loss learns from.

Shapes: B samples of a batch, D embedding width, T triplets.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ablate.training.build import Parts

Tuples = tuple[Tensor, ...]
"""Indices into the batch: (anchor, positive, negative), or (anchor, positive, anchor, negative) for pairs."""


def choose_tuples(parts: Parts, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, "B"]) -> Tuples | None:
    """What the sampler picks from the batch; None means all of it."""
    if parts.miner is None:
        return None
    tuples: Tuples = parts.miner(embeddings, labels)
    if parts.learns_from_pairs and len(tuples) == 3:
        return pairs_of(*tuples, num_samples=len(labels))
    return tuples


def pairs_of(
    anchor: Int[Tensor, "T"], positive: Int[Tensor, "T"], negative: Int[Tensor, "T"], *, num_samples: int
) -> Tuples:
    """The pairs in some triplets, each once: a pair does not count more because it is in many triplets."""
    first, second = _unique_pairs(anchor, positive, num_samples)
    third, fourth = _unique_pairs(anchor, negative, num_samples)
    return first, second, third, fourth


def _unique_pairs(one: Int[Tensor, "T"], other: Int[Tensor, "T"], num_samples: int) -> tuple[Tensor, Tensor]:
    pair = torch.unique(one * num_samples + other)
    return pair // num_samples, pair % num_samples
