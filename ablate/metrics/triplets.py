"""Triplet order accuracy: of an anchor, an item of its class and one of another, is the former nearer?

Over all triplets of an anchor that share is the area under the ROC curve of "is it of the anchor's class?" by similarity
to the anchor (Hanley & McNeil 1982); so this is the mean over anchors of their AUC, estimated from a sample. The metric
`auc` differs: it ranks pairs of all anchors together, and asks for one scale of similarity that fits them all.
Shapes: I items, D embedding width, T triplets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

_CHUNK = 4096
"""Triplets compared at once: 24 MiB for embeddings of 512."""


@dataclass(frozen=True, eq=False)
class Triplets:
    """Triplets of items by their index."""

    anchor: Int[Tensor, "T"]
    positive: Int[Tensor, "T"]
    """Of the anchor's class, and not the anchor itself."""
    negative: Int[Tensor, "T"]
    """Of another class."""


def sample_triplets(labels: Int[Tensor, "I"], *, num_triplets: int, seed: int) -> Triplets:
    """Anchors uniform over the items that have a positive; positive and negative uniform over all that the anchor has.

    The same labels and seed give the same triplets on every device. ValueError where there is no triplet.
    """
    draw, of_item = np.random.default_rng(seed), labels.cpu().numpy()
    order = np.argsort(of_item, kind="stable")
    _, start, size = np.unique(of_item[order], return_index=True, return_counts=True)
    start, size = start.repeat(size), size.repeat(size)  # of the class of each place in `order`
    places = np.flatnonzero(size > 1)
    if len(places) == 0 or size[0] == len(order):
        raise ValueError(
            f"{len(order)} items have no triplet of two from one class and one from another\n"
            "  evaluate on two classes, one of them with two items"
        )
    anchor = draw.choice(places, num_triplets)
    start, size = start[anchor], size[anchor]
    positive = start + draw.integers(size - 1)
    positive += positive >= anchor  # an anchor is not its own positive
    negative = draw.integers(len(order) - size)
    negative += size * (negative >= start)  # the anchor's class is stepped over
    drawn = torch.from_numpy(order[np.stack([anchor, positive, negative])]).to(labels.device)
    return Triplets(*drawn)


@torch.no_grad()
def triplet_accuracy(embeddings: Float[Tensor, "I D"], triplets: Triplets) -> float:
    """Share of the triplets whose positive is more similar to the anchor than the negative; a tie counts half.

    Embeddings are L2-normalised, so that the dot product is the cosine, which orders as the distance does.
    """
    total = torch.zeros((), dtype=torch.float64, device=embeddings.device)
    parts = (torch.split(indices, _CHUNK) for indices in (triplets.anchor, triplets.positive, triplets.negative))
    for anchor, positive, negative in zip(*parts, strict=True):
        near, far = ((embeddings[anchor] * embeddings[other]).sum(dim=1) for other in (positive, negative))
        total += ((near > far).double() + 0.5 * (near == far).double()).sum()
    return float(total) / len(triplets.anchor)
