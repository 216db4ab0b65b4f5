"""Tuples: what a miner chose, in the form that the loss learns from.

Shapes: B samples of a batch, D embedding width, T triplets.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ablate.training.build import Parts

Tuples = tuple[Tensor, ...]
"""Indices into the batch: (anchor, positive, negative), or (anchor, positive, anchor, negative) for pairs."""
_FAR = 1e3
"""Beyond every distance of embeddings that can be trained; infinity would make a miner's own arithmetic NaN."""


def choose_tuples(
    parts: Parts, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, "B"], spared: Bool[Tensor, "B B"] | None = None
) -> Tuples | None:
    """What the sampler picks from the batch; None means all of it. `spared` are pairs that must not count as negatives."""
    if spared is not None:
        return without_spared(parts, embeddings, labels, spared)
    if parts.miner is None:
        return None
    tuples: Tuples = parts.miner(embeddings, labels)
    if parts.learns_from_pairs and len(tuples) == 3:
        return pairs_of(*tuples, num_samples=len(labels))
    return tuples


def without_spared(
    parts: Parts, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, "B"], spared: Bool[Tensor, "B B"]
) -> Tuples:
    """The same choice from what is left where spared pairs are no negatives.

    A miner sees them farther away than anything else: they are then nobody's nearest negative, and no true one is missed
    for them. Where an anchor has no other negatives, what the miner picks all the same is taken out. Losses that
    look at pairs or triplets learn from these alone; one with proxies, or with pairs of its own making, looks at labels.
    """
    if parts.miner is not None:
        distance: Any = parts.miner.distance
        far = -_FAR if distance.is_inverted else _FAR
        with distance.register_forward_hook(lambda _, __, values: values.masked_fill(spared, far)):
            tuples: Tuples = parts.miner(embeddings, labels)
    else:
        tuples = _all_tuples(labels, pairs=parts.learns_from_pairs)
    anchor, *_, negative = tuples if len(tuples) == 3 else tuples[2:]
    left = ~spared[anchor, negative]
    tuples = tuple(part[left] for part in tuples) if len(tuples) == 3 else (*tuples[:2], anchor[left], negative[left])
    return pairs_of(*tuples, num_samples=len(labels)) if parts.learns_from_pairs and len(tuples) == 3 else tuples


def _all_tuples(labels: Int[Tensor, "B"], *, pairs: bool) -> Tuples:
    from pytorch_metric_learning.utils.loss_and_miner_utils import get_all_pairs_indices, get_all_triplets_indices

    found: Tuples = get_all_pairs_indices(labels) if pairs else get_all_triplets_indices(labels)
    return found


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
