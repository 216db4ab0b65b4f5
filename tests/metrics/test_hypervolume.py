"""Hypervolume against counting the unit cubes that points on a grid dominate, and by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from ablate.metrics.hypervolume import hypervolume

EDGE = 6


def volume_by_counting(points: list[list[float]], objectives: int) -> int:
    """Unit cubes of the box up to EDGE whose lower corner some point reaches."""
    cubes = product(range(EDGE), repeat=objectives)
    return sum(any(all(p <= c for p, c in zip(point, cube, strict=True)) for point in points) for cube in cubes)


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("seed", range(40))
def test_the_volume_is_the_number_of_unit_cubes_that_are_dominated(objectives: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    points = draw.integers(0, EDGE + 2, size=(int(draw.integers(0, 30)), objectives)).astype(float)
    expected = volume_by_counting(points.tolist(), objectives)
    assert hypervolume(points, np.full(objectives, float(EDGE))) == expected


def test_a_front_by_hand() -> None:
    points = np.array([[1.0, 4.0], [2.0, 2.0], [4.0, 1.0]])  # columns of width 1, 2 and 1, 1, 3 and 4 high
    assert hypervolume(points, np.array([5.0, 5.0])) == 1 * 1 + 2 * 3 + 1 * 4


def test_nan_adds_nothing_and_minus_infinity_is_without_bounds() -> None:
    reference = np.array([1.0, 1.0])
    assert hypervolume(np.array([[0.5, 0.5], [math.nan, 0.0], [math.inf, 0.0]]), reference) == 0.25
    assert hypervolume(np.array([[-math.inf, 0.5]]), reference) == math.inf
    assert hypervolume(np.array([[-math.inf, 1.0]]), reference) == 0.0
