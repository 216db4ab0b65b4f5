"""Order by several numbers at once: by non-dominated rank, within a rank by what each point adds to the hypervolume.

Sources: ranks, Deb et al. 2002 (NSGA-II); greedy choice by hypervolume, Guerreiro et al. 2016. Smaller is better in all.
Shapes: N points of M objectives, M = 2 or 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from ablate.metrics.front import ranks
from ablate.metrics.hypervolume import hypervolume

MARGIN = 0.1
"""Of each objective's range, that the reference point lies beyond the worst: else the ends of a front would add nothing."""


def order(points: Sequence[Sequence[float]]) -> list[int]:
    """Positions of all points, the best first; of equal ones the first. All numbers are finite."""
    if not len(points):
        return []
    array = np.asarray(points, dtype=float)
    scaled, place = _scaled(array), ranks(array)
    found: list[int] = []
    for rank in range(int(place.max()) + 1):
        members = np.flatnonzero(place == rank)
        found += [int(members[each]) for each in _greedy(scaled[members])]
    return found


def place_of(which: int, points: Sequence[Sequence[float]]) -> int:
    """How many points come before the one at position `which` in `order`, without ordering the other ranks."""
    array = np.asarray(points, dtype=float)
    rank = ranks(array)
    members = np.flatnonzero(rank == rank[which])
    within = _greedy(_scaled(array)[members]).index(int(np.searchsorted(members, which)))
    return int((rank < rank[which]).sum()) + within


def _scaled(points: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "N M"]:
    """Each objective by its place among its values, 0 to 1: four decades of FLOPs count like a few points of recall."""
    columns = [np.unique(column, return_inverse=True)[1] for column in points.T]
    return np.stack([column / max(column.max(), 1) for column in columns], axis=1)


def _greedy(front: Float[np.ndarray, "K M"]) -> list[int]:
    """Positions in the order in which each adds the most volume to those before it."""
    reference = np.full(front.shape[1], 1 + MARGIN)
    left, found = list(range(len(front))), list[int]()
    while left:
        volumes = [hypervolume(front[[*found, each]], reference) for each in left]
        found.append(left.pop(int(np.argmax(volumes))))
    return found
