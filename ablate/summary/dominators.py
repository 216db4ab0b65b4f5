"""Who on a front dominates each of some points; smaller is better in every objective.

Two objectives need no comparison of every point with the front: on a front that ascends in the first objective the second
descends, so that what is no worse in both is one stretch of it, whose ends are found by bisection.
Shapes: F points of the front, N points, M objectives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

CHUNK = 1000
"""Points compared with a front at once: few enough for memory, and many enough to leave the loop to numpy."""
Points = npt.NDArray[np.float64]


def dominators(front: Points, points: Points) -> Iterator[Sequence[int]]:
    """Of each of `points` the places on `front` that dominate it, ascending; none of what equals a point of the front.

    The front ascends in its first objective, equal ones in the next. Two objectives take O(N log F), more take O(N F).
    """
    return _of_two(front, points) if points.shape[1] == 2 else _of_more(front, points)


def _of_two(front: Points, points: Points) -> Iterator[range]:
    begins = np.searchsorted(-front[:, 1], -points[:, 1], side="left")  # the first that is no worse in the second
    ends = np.searchsorted(front[:, 0], points[:, 0], side="right")  # behind the last that is no worse in the first
    known = front.tolist()
    for begin, end, point in zip(begins.tolist(), ends.tolist(), points.tolist(), strict=True):
        yield range(0) if begin >= end or known[begin] == point else range(begin, end)


def _of_more(front: Points, points: Points) -> Iterator[list[int]]:
    for start in range(0, len(points), CHUNK):
        chunk = points[start : start + CHUNK, None]
        beaten = np.all(front <= chunk, axis=2) & np.any(front < chunk, axis=2)
        for row in beaten:
            yield np.flatnonzero(row).tolist()
