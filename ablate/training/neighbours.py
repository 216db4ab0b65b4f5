"""The items most similar to some queries, as retrieval finds them.

Shapes: N items of a split, D embedding width, Q queries, K neighbours of each.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


def nearest(
    embeddings: Float[Tensor, "N D"], queries: Int[Tensor, "Q"], *, most: int
) -> tuple[Float[Tensor, "Q K"], Int[Tensor, "Q K"]]:
    """Cosines and positions of the `most` nearest of all other items, the nearest first; embeddings have length 1."""
    similarity = embeddings[queries] @ embeddings.T
    similarity[torch.arange(len(queries)), queries] = -math.inf  # a query must not find itself
    found = similarity.topk(min(most, len(embeddings) - 1), dim=1)
    return found.values, found.indices


def draw_queries(labels: Int[np.ndarray, "N"], *, most: int, seed: int) -> Int[np.ndarray, "Q"]:
    """Positions of at most `most` items whose class has others to be found, of as many classes as can be, by class."""
    draw = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    order = draw.permutation(classes[counts > 1])
    turns: list[list[int]] = [
        [int(i) for i in draw.permutation(np.flatnonzero(labels == one))[:most]] for one in order[:most]
    ]
    chosen: list[int] = []
    for turn in range(max(map(len, turns), default=0)):  # one of each class, then a second of each
        chosen += [members[turn] for members in turns if turn < len(members)]
    chosen = sorted(chosen[:most], key=lambda i: (labels[i], i))
    return np.array(chosen, dtype=np.int64)
