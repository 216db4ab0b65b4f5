"""The knee of a front: the point farthest below the line between its ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ablate.metrics.front import front
from ablate.metrics.knee import knee


def below_the_line(points: list[list[float]]) -> list[float]:
    """How far each point lies below the line between the ends, both objectives scaled to 0..1."""
    (x0, y0), (x1, y1) = min(points), max(points)
    scaled = [((x - x0) / (x1 - x0), (y - y1) / (y0 - y1)) for x, y in points]
    return [(1 - x - y) / math.sqrt(2) for x, y in scaled]


@pytest.mark.parametrize("seed", range(20))
def test_the_knee_of_two_objectives_is_farthest_below_the_line_between_the_ends(seed: int) -> None:
    draw = np.random.default_rng(seed)
    first = draw.random(50)
    points = np.column_stack([first, (1 - first) ** draw.choice([2, 3, 4]) + draw.normal(0, 0.02, 50)])
    points = points[front(points)]
    depths, found = below_the_line(points.tolist()), knee(points)
    assert len(points) > 5 and found is not None
    assert depths[found] == pytest.approx(max(depths)) and depths[found] > 0.1


def test_a_bend_of_three_objectives_is_found_whatever_their_units() -> None:
    corners = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.2, 0.2, 0.2]]
    assert knee(np.array(corners) * [1e9, 1.0, 1e-3]) == 3


@pytest.mark.parametrize(
    "points",
    [
        [[0.0, 1.0]],
        [[0.0, 1.0], [1.0, 0.0]],
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]],
        [[0.0, 1.0], [0.9, 0.9], [1.0, 0.0]],
        [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]],
    ],
)
def test_a_front_without_a_bend_has_no_knee(points: list[list[float]]) -> None:
    assert knee(np.array(points)) is None
