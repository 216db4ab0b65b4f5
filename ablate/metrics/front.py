"""The Pareto front: points that no other beats in one objective without losing in another. Smaller is better in all.

A point dominates another if it is no worse in every objective and better in one; points that are equal in all objectives
do not dominate each other. A point with a NaN is on no front and dominates nothing; infinities are compared as numbers.
Sources: Kung et al. 1975 (J. ACM 22:469) for the sweep; Jensen 2003 (IEEE TEC 7:503) for ranks of two objectives.
Shapes: N points of M objectives.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from jaxtyping import Bool, Float, Int

UNRANKED = -1
"""The rank of a point with a NaN."""


def front(points: Float[np.ndarray, "N M"]) -> Bool[np.ndarray, "N"]:
    """Which points none dominates: in O(N log N) for up to three objectives, else in O(N x front).

    Three objectives move a sorted list: where the front is long, its moves count, though as copies of memory.
    """
    there = ~np.isnan(points).any(axis=1)
    kept = np.zeros(len(points), dtype=bool)
    order = np.lexsort(points.T[::-1])  # by the first objective, of equal ones by the next: what dominates comes before
    order = order[there[order]]
    ordered = points[order]
    if not len(ordered):
        return kept
    same = np.append(False, (ordered[1:] == ordered[:-1]).all(axis=1))
    sweep = {1: _sweep_two, 2: _sweep_two, 3: _sweep_three}.get(points.shape[1], _sweep_many)
    unique = sweep(ordered[~same])
    kept[order] = unique[np.cumsum(~same) - 1]  # equal points stand or fall together
    return kept


def ranks(points: Float[np.ndarray, "N M"]) -> Int[np.ndarray, "N"]:
    """0 for the front, 1 for the front of the rest, and so on; UNRANKED with a NaN. Two objectives take O(N log N)."""
    found = np.full(len(points), UNRANKED)
    if points.shape[1] == 2:
        return _ranks_of_two(points, found)
    left = ~np.isnan(points).any(axis=1)
    rank = 0
    while left.any():
        here = front(np.where(left[:, None], points, np.nan))
        found[here] = rank
        left &= ~here
        rank += 1
    return found


def _ranks_of_two(points: Float[np.ndarray, "N 2"], found: Int[np.ndarray, "N"]) -> Int[np.ndarray, "N"]:
    """Each point joins the first front whose least second objective is above its own; those leasts ascend by rank."""
    leasts: list[float] = []
    before, rank = (np.nan, np.nan), 0
    order = np.lexsort(points.T[::-1])
    for place, point in zip(order.tolist(), points[order].tolist(), strict=True):
        first, second = point
        if first != first or second != second:
            continue
        if (first, second) != before:
            rank = bisect_right(leasts, second)
            leasts[rank : rank + 1] = [second]
        found[place] = rank
        before = (first, second)
    return found


def _sweep_two(ordered: Float[np.ndarray, "N M"]) -> Bool[np.ndarray, "N"]:
    """One or two objectives: on the front is what is below all that came before."""
    last = ordered[:, -1]
    best_before = np.minimum.accumulate(last)[:-1]
    return np.append(True, last[1:] < best_before)


def _sweep_three(ordered: Float[np.ndarray, "N 3"]) -> Bool[np.ndarray, "N"]:
    """Keeps the staircase of the last two objectives: the second ascends, the third descends."""
    kept = np.zeros(len(ordered), dtype=bool)
    seconds: list[float] = []
    thirds: list[float] = []
    for place, (_, second, third) in enumerate(ordered.tolist()):
        at = bisect_right(seconds, second)
        if at and thirds[at - 1] <= third:
            continue
        kept[place] = True
        begin, end = at - (at > 0 and seconds[at - 1] == second), at
        while end < len(thirds) and thirds[end] >= third:
            end += 1  # steps that the new one hides
        seconds[begin:end], thirds[begin:end] = [second], [third]
    return kept


def _sweep_many(ordered: Float[np.ndarray, "N M"]) -> Bool[np.ndarray, "N"]:
    """Each point against the front so far: what dominates a point is on it, or is dominated from there."""
    kept = np.zeros(len(ordered), dtype=bool)
    for place, point in enumerate(ordered):
        kept[place] = not (ordered[:place][kept[:place]] <= point).all(axis=1).any()
    return kept
