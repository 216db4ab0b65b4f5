"""The order by several numbers: ranks against a plain peeling of fronts, volume against counted cells."""

from __future__ import annotations

import math
import random
from itertools import product

import numpy as np
import pytest

from ablate.metrics.rank import order, ranks, volume

Point = tuple[float, ...]


def lattice(rng: random.Random, count: int, objectives: int, levels: int) -> list[Point]:
    return [tuple(float(rng.randrange(levels)) for _ in range(objectives)) for _ in range(count)]


def dominates(one: Point, other: Point) -> bool:
    no_worse = all(a <= b for a, b in zip(one, other, strict=True))
    return no_worse and one != other


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_those_of_fronts_taken_off_one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    points = lattice(rng, rng.randrange(1, 40), rng.choice([2, 3]), rng.choice([3, 8, 50]))
    expected, left, rank = [-1] * len(points), set(range(len(points))), 0
    while left:
        front = {i for i in left if not any(dominates(points[j], points[i]) for j in left)}
        for i in front:
            expected[i] = rank
        left, rank = left - front, rank + 1
    assert ranks(np.array(points)).tolist() == expected


@pytest.mark.parametrize("seed", range(20))
def test_the_volume_is_the_number_of_cells_that_a_point_dominates(seed: int) -> None:
    rng = random.Random(seed)
    objectives, levels = rng.choice([2, 3]), 7
    points = lattice(rng, rng.randrange(1, 12), objectives, levels + 2)  # some lie beyond the reference point
    cells = product(range(levels), repeat=objectives)
    inside = sum(any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in points) for cell in cells)
    assert volume(np.array(points), reference=float(levels)) == inside


def test_every_point_of_a_better_rank_comes_first() -> None:
    points = lattice(random.Random(0), 60, 2, 20)
    places = ranks(np.array(points))
    found = order(points)
    assert sorted(found) == list(range(60))
    assert [places[place] for place in found] == sorted(places)


def test_within_a_front_a_double_comes_after_all_that_is_new() -> None:
    points = [(0.0, 4.0), (0.0, 4.0), (1.0, 1.0), (4.0, 0.0)]
    assert order(points)[-1] == 1
    assert order(points)[0] == 2  # the knee covers more than an end


def test_the_order_is_the_same_whatever_the_unit_of_an_objective() -> None:
    points = lattice(random.Random(1), 40, 2, 1000)
    assert order(points) == order([(math.exp(a / 100), 1e6 * b) for a, b in points])


def test_no_points_have_an_order_too() -> None:
    assert order([]) == []
