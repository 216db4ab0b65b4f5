"""Hypervolume: how much of the space below a reference point a front dominates; the larger, the better the front.

Exact for two and three objectives, in O(N log N) by a sweep. Smaller is better in all objectives.
Sources: Zitzler & Thiele 1999 (IEEE TEC 3:257); the sweep, Fonseca et al. 2006 (CEC). Shapes: N points of M objectives.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
from jaxtyping import Float

from ablate.metrics.front import front


def hypervolume(points: Float[np.ndarray, "N M"], reference: Float[np.ndarray, "M"]) -> float:
    """Area (M = 2) or volume (M = 3) between the points and `reference`, which is finite; in the product of their units.

    A point that is not better than the reference in every objective adds nothing, nor does one with a NaN. 0 without a
    point; infinite where one that counts lies at minus infinity.
    """
    assert points.shape[1] in (2, 3), f"of two or three objectives, not of {points.shape[1]}"
    assert np.isfinite(reference).all(), f"the reference is finite, not {reference}"
    inside = points[(points < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if np.isneginf(inside).any():
        return np.inf
    if points.shape[1] == 2:
        return _area(inside[front(inside)], reference)
    return _volume(inside[np.argsort(inside[:, 2], kind="stable")], reference)


def _area(kept: Float[np.ndarray, "N 2"], reference: Float[np.ndarray, "2"]) -> float:
    """Columns from each point of a front to the next."""
    kept = kept[kept[:, 0].argsort()]
    widths = np.diff(np.append(kept[:, 0], reference[0]))
    return float((widths * (reference[1] - kept[:, 1])).sum())


def _volume(ascending: Float[np.ndarray, "N 3"], reference: Float[np.ndarray, "3"]) -> float:
    """Slices along the third objective, each the area below the staircase of the points so far."""
    stairs = _Stairs(float(reference[0]), float(reference[1]))
    volume, height = 0.0, float(ascending[0, 2])
    for first, second, third in ascending.tolist():
        volume += stairs.area * (third - height)
        height = third
        stairs.add(first, second)
    return volume + stairs.area * (float(reference[2]) - height)


class _Stairs:
    """The staircase of two objectives, the first ascending and the second descending, and the area that it dominates."""

    def __init__(self, right: float, top: float) -> None:
        self.firsts, self.seconds = [-np.inf, right], [top, -np.inf]  # walls, so that each step has neighbours
        self.area = 0.0

    def add(self, first: float, second: float) -> None:
        """Add a point; a dominated one changes nothing."""
        at = bisect_right(self.firsts, first)
        level = self.seconds[at - 1]
        if level <= second:
            return
        begin, end, left = at - (self.firsts[at - 1] == first), at, first
        while True:  # the new area, column by column, down from the old staircase
            right = self.firsts[end]
            self.area += (right - left) * (level - second)
            if self.seconds[end] < second:
                break
            left, level, end = right, self.seconds[end], end + 1
        self.firsts[begin:end], self.seconds[begin:end] = [first], [second]
