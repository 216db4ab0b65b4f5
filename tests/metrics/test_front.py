"""Fronts and ranks against double loops over points with ties, NaN and infinities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ablate.metrics.front import UNRANKED, front, ranks

VALUES = (0.0, 0.25, 0.5, 1.0, 1.0, 2.0, math.inf, -math.inf, math.nan)


def dominates(one: list[float], other: list[float]) -> bool:
    """By the definition; a NaN compares false with everything."""
    no_worse = all(a <= b for a, b in zip(one, other, strict=True))
    return no_worse and any(a < b for a, b in zip(one, other, strict=True))


def ranks_by_loops(points: list[list[float]]) -> list[int]:
    """Take the front off again and again."""
    found = [UNRANKED] * len(points)
    left = [place for place, point in enumerate(points) if not any(map(math.isnan, point))]
    rank = 0
    while left:
        here = [p for p in left if not any(dominates(points[q], points[p]) for q in left)]
        for place in here:
            found[place] = rank
        left = [place for place in left if place not in here]
        rank += 1
    return found


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(30))
def test_front_and_ranks_are_those_of_double_loops(objectives: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(0, 60)), objectives)
    points = draw.choice(VALUES, size=shape) if seed % 2 else draw.random(shape).round(int(draw.integers(1, 6)))
    expected = ranks_by_loops(points.tolist())
    assert ranks(points).tolist() == expected
    assert front(points).tolist() == [rank == 0 for rank in expected]


def test_equal_points_are_all_on_the_front() -> None:
    assert front(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 3.0]])).tolist() == [True, True, False]
    assert ranks(np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 2.0], [1.0, 3.0]])).tolist() == [0, 1, 0, 1]
