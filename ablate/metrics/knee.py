"""The knee of a front: where a little more of one objective begins to cost much of another. Smaller is better in all.

Each objective is scaled from 0, its best on the front, to 1, its worst; the knee is the point with the least sum. Of two
objectives that is the point farthest below the line between the front's ends.
Source: Das 1999 (Structural Optimization 18:107). Shapes: N points of M objectives.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

DUST = 1e-9
"""Sums that differ by less are equal: what is left is rounding."""


def knee(points: Float[np.ndarray, "N M"]) -> int | None:
    """Its place among the finite points of a front; of equal ones the first.

    None where the front has no bend: fewer than three different points, or a point that is best in an objective has the
    least sum. Scaling is linear: an objective that spans decades is ruled by its largest values.
    """
    if len(np.unique(points, axis=0)) < 3:
        return None
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    sums = scaled.sum(axis=1)
    ends = (scaled[:, high > low] == 0).any(axis=1)
    found = int(sums.argmin())
    return found if sums[found] < sums[ends].min() - DUST else None
