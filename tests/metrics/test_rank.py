"""The order by several numbers: a better rank first, then what is new."""

from __future__ import annotations

import math
import random

import numpy as np

from ablate.metrics.front import ranks
from ablate.metrics.rank import order, place_of

Point = tuple[float, ...]


def lattice(rng: random.Random, count: int, objectives: int, levels: int) -> list[Point]:
    return [tuple(float(rng.randrange(levels)) for _ in range(objectives)) for _ in range(count)]


def test_every_point_of_a_better_rank_comes_first() -> None:
    points = lattice(random.Random(0), 60, 2, 20)
    places = ranks(np.array(points))
    found = order(points)
    assert sorted(found) == list(range(60))
    assert [places[place] for place in found] == sorted(places)


def test_the_place_of_a_point_is_that_in_the_order() -> None:
    points = lattice(random.Random(2), 30, 3, 6)
    found = order(points)
    assert [place_of(which, points) for which in range(30)] == [found.index(which) for which in range(30)]


def test_within_a_front_a_double_comes_after_all_that_is_new() -> None:
    points = [(0.0, 4.0), (0.0, 4.0), (1.0, 1.0), (4.0, 0.0)]
    assert order(points)[-1] == 1
    assert order(points)[0] == 2  # the knee covers more than an end


def test_the_order_is_the_same_whatever_the_unit_of_an_objective() -> None:
    points = lattice(random.Random(1), 40, 2, 1000)
    assert order(points) == order([(math.exp(a / 100), 1e6 * b) for a, b in points])


def test_no_points_have_an_order_too() -> None:
    assert order([]) == []
