"""Order by several numbers at once: by non-dominated rank, within a rank the ends, then by what each adds to the hypervolume.

The ends of a rank are its best points in each objective, the first objective's first. By volume alone they would come late,
for a box that is thin in one direction is small, however good a point is in another: the most accurate network would be lost.
Volumes are of whole numbers and exact, so that equal gains are equal: of those the first point comes first.
Sources: ranks, Deb et al. 2002 (NSGA-II); ends before all others, Beume et al. 2007 (SMS-EMOA, 3.2); greedy choice by
hypervolume, Guerreiro et al. 2016; a gain only falls as more is chosen, so an old one is a bound (lazy greedy), Minoux 1978.
Smaller is better in all.
Shapes: N points of M objectives, M = 2 or 3; K of one rank.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from jaxtyping import Float

from ablate.metrics.front import ranks
from ablate.metrics.hypervolume import hypervolume

UNITS, REFERENCE = 10, 11
"""Of each objective's range: the reference point lies a tenth beyond the worst, so that what is near an end adds something."""


def order(points: Sequence[Sequence[float]]) -> list[int]:
    """Positions of all points, the best first; of equal ones the first. All numbers are finite."""
    if not len(points):
        return []
    array = np.asarray(points, dtype=float)
    (scaled, reference), place = _scaled(array), ranks(array)
    found: list[int] = []
    for rank in range(int(place.max()) + 1):
        members = np.flatnonzero(place == rank)
        found += [int(members[each]) for each in _greedy(scaled[members], reference)]
    return found


def is_among(which: int, points: Sequence[Sequence[float]], most: float) -> bool:
    """Whether fewer than `most` points come before the one at position `which` in `order`, which is asked no more than that."""
    array = np.asarray(points, dtype=float)
    rank = ranks(array)
    members, before = np.flatnonzero(rank == rank[which]), int((rank < rank[which]).sum())
    if before >= most or before + len(members) <= most:
        return before < most
    scaled, reference = _scaled(array)
    first = islice(_greedy(scaled[members], reference), math.ceil(most - before))
    return int(np.searchsorted(members, which)) in first


def _scaled(points: Float[np.ndarray, "N M"]) -> tuple[Float[np.ndarray, "N M"], Float[np.ndarray, "M"]]:
    """Each objective by its place among its values: four decades of FLOPs count like a few points of recall. Whole numbers.

    And the reference point. That objectives have ranges of their own changes no order: each scales all volumes alike.
    """
    columns = [np.unique(column, return_inverse=True)[1] for column in points.T]
    most = np.array([max(column.max(), 1) for column in columns], dtype=float)
    return UNITS * np.stack(columns, axis=1).astype(float), REFERENCE * most


def _greedy(front: Float[np.ndarray, "K M"], reference: Float[np.ndarray, "M"]) -> Iterator[int]:
    """Positions: the ends, then in the order in which each adds the most volume to those before it."""
    return _greedy_of_two(front, reference) if front.shape[1] == 2 else _greedy_lazily(front, reference)


def _ends(front: Float[np.ndarray, "K M"]) -> list[int]:
    """Positions of the best in each objective, of equal ones the best in the next, then the first; none twice."""
    turns = (np.lexsort(np.roll(front, -objective, axis=1).T[::-1]) for objective in range(front.shape[1]))
    return list(dict.fromkeys(int(order[0]) for order in turns))


def _greedy_of_two(front: Float[np.ndarray, "K 2"], reference: Float[np.ndarray, "2"]) -> Iterator[int]:
    """A point adds a rectangle, between its chosen neighbours: choosing it splits their gap and leaves all others as they are.

    O(K log K) where gaps are split near their middle, as the largest rectangle does; K^2 / 2 multiplications at worst.
    """
    along = np.lexsort((front[:, 1], front[:, 0]))
    x, y = front[along].T
    gaps: list[tuple[float, int, int, int, int]] = []

    def open_gap(begin: int, end: int) -> None:
        """Those from `begin` up to `end` along the front, between two that are chosen."""
        if begin == end:
            return
        right, top = x[end] if end < len(x) else reference[0], y[begin - 1] if begin else reference[1]
        gains = (right - x[begin:end]) * (top - y[begin:end])
        best = gains.max()
        first = begin + min(np.flatnonzero(gains == best), key=lambda at: along[begin + at])
        heapq.heappush(gaps, (-float(best), int(along[first]), begin, int(first), end))

    where = np.empty(len(along), dtype=int)
    where[along] = np.arange(len(along))
    ends = _ends(front)
    yield from ends
    chosen = sorted(int(where[end]) for end in ends)
    for before, after in zip([-1, *chosen], [*chosen, len(x)], strict=True):
        open_gap(before + 1, after)
    while gaps:
        _, position, begin, at, end = heapq.heappop(gaps)
        yield position
        open_gap(begin, at)
        open_gap(at + 1, end)


def _greedy_lazily(front: Float[np.ndarray, "K M"], reference: Float[np.ndarray, "M"]) -> Iterator[int]:
    """Gains are computed anew only of points whose old gain, a bound, is the largest."""
    found = _ends(front)
    yield from found
    gains = (reference - front).prod(axis=1)
    bounds = [(-float(gain), position, 0) for position, gain in enumerate(gains) if position not in found]
    heapq.heapify(bounds)
    while bounds:
        _, position, known = heapq.heappop(bounds)
        if known == len(found):
            found.append(position)
            yield position
            continue
        hidden = np.maximum(front[found], front[position])  # what of the point's own box is dominated already
        gain = float((reference - front[position]).prod()) - hypervolume(hidden, reference)
        heapq.heappush(bounds, (-gain, position, len(found)))
