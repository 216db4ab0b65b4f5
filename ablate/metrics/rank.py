"""Order by several numbers at once: by non-dominated rank, within a rank by what each point adds to the hypervolume.

Sources: ranks, Deb et al. 2002 (NSGA-II); greedy choice by hypervolume, Guerreiro et al. 2016. Smaller is better in all.
Shapes: N points of M objectives, M = 2 or 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

MARGIN = 0.1
"""Of each objective's range, that the reference point lies beyond the worst: else the ends of a front would add nothing."""


def order(points: Sequence[Sequence[float]]) -> list[int]:
    """Positions of all points, the best first; of equal ones the first. Raises nothing for an empty list: it is empty then."""
    array = np.asarray(points, dtype=float)
    if not len(array):
        return []
    found: list[int] = []
    place = ranks(array)
    scaled = _scaled(array)
    for rank in range(int(place.max()) + 1):
        members = np.flatnonzero(place == rank)
        found += [int(members[each]) for each in _greedy(scaled[members])]
    return found


def ranks(points: Points) -> npt.NDArray[np.int64]:
    """0 for points that none dominates, 1 for those that only these dominate, and so on; equal points share theirs."""
    no_worse = (points[:, None] <= points[None]).all(axis=2)
    dominates = no_worse & (points[:, None] < points[None]).any(axis=2)
    found = np.zeros(len(points), dtype=np.int64)
    left, rank = np.ones(len(points), dtype=bool), 0
    while left.any():
        beaten = dominates[left].any(axis=0)
        found[left & ~beaten] = rank
        left, rank = left & beaten, rank + 1
    return found


def _scaled(points: Points) -> Points:
    """Each objective by its place among its values, 0 to 1: four decades of FLOPs count like a few points of recall."""
    columns = [np.unique(column, return_inverse=True)[1] for column in points.T]
    return np.stack([column / max(column.max(), 1) for column in columns], axis=1)


def _greedy(front: Points) -> list[int]:
    """Positions in the order in which each adds the most volume to those before it."""
    left, found = list(range(len(front))), list[int]()
    while left:
        volumes = [volume(front[[*found, each]], reference=1 + MARGIN) for each in left]
        found.append(left.pop(int(np.argmax(volumes))))
    return found


def volume(points: Points, *, reference: float) -> float:
    """Of what the points dominate in the box up to `reference` in every objective; 0 without a point below it.

    By slices along the last objective, in each of which the others are left.
    """
    points = points[(points < reference).all(axis=1)]
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return float(reference - points.min())
    points = points[np.argsort(points[:, -1], kind="stable")]
    heights = np.diff([*points[:, -1], reference])
    slices = [h * volume(points[: k + 1, :-1], reference=reference) for k, h in enumerate(heights) if h > 0]
    return float(sum(slices))
