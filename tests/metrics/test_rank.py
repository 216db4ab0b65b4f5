"""The order by several numbers: a better rank first, then what is new."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from jaxtyping import Float

from ablate.metrics.front import ranks
from ablate.metrics.hypervolume import hypervolume
from ablate.metrics.rank import is_among, order

Point = tuple[float, ...]


def lattice(rng: random.Random, count: int, objectives: int, levels: int) -> list[Point]:
    return [tuple(float(rng.randrange(levels)) for _ in range(objectives)) for _ in range(count)]


def test_every_point_of_a_better_rank_comes_first() -> None:
    points = lattice(random.Random(0), 60, 2, 20)
    places = ranks(np.array(points))
    found = order(points)
    assert sorted(found) == list(range(60))
    assert [places[place] for place in found] == sorted(places)


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("most", [1.0, 7.0, 7.5, 10.0, 29.9, 30.0, 99.0])
def test_who_is_among_the_first_is_told_as_by_the_whole_order(objectives: int, most: float) -> None:
    points = lattice(random.Random(2), 30, objectives, 6)
    found = order(points)
    assert [is_among(which, points, most) for which in range(30)] == [found.index(which) < most for which in range(30)]


def test_within_a_front_a_double_comes_after_all_that_is_new() -> None:
    points = [(0.0, 4.0), (0.0, 4.0), (1.0, 1.0), (4.0, 0.0)]
    assert order(points) == [0, 3, 2, 1]


def test_the_ends_of_a_front_come_first_and_of_these_the_first_objectives() -> None:
    points = [(5.0, 5.0), (0.0, 9.0), (4.0, 6.0), (9.0, 0.0), (6.0, 4.0)]  # by volume alone the middle one
    assert order(points)[:2] == [1, 3]
    three = [(1.0, 1.0, 1.0), (2.0, 0.0, 2.0), (0.0, 9.0, 9.0), (3.0, 3.0, 0.0), (0.0, 9.0, 8.0)]
    assert order(three)[:3] == [4, 1, 3]


def test_the_order_is_the_same_whatever_the_unit_of_an_objective() -> None:
    points = lattice(random.Random(1), 40, 2, 1000)
    assert order(points) == order([(math.exp(a / 100), 1e6 * b) for a, b in points])


def test_no_points_have_an_order_too() -> None:
    assert order([]) == []


def simply(points: list[Point]) -> list[int]:
    """The same order by its definition: at each step every point of a rank that is left is tried."""
    array = np.array(points)
    places = np.stack([np.unique(column, return_inverse=True)[1] for column in array.T], axis=1).astype(float)
    reference, rank = 11 * np.maximum(places.max(axis=0), 1), ranks(array)
    found: list[int] = []
    for level in range(int(rank.max()) + 1):
        members = np.flatnonzero(rank == level)
        found += [int(members[each]) for each in each_tried(10 * places[members], reference)]
    return found


def each_tried(front: Float[np.ndarray, "K M"], reference: Float[np.ndarray, "M"]) -> list[int]:
    turns = range(front.shape[1])
    ends = [min(range(len(front)), key=lambda each, at=at: tuple(np.roll(front[each], -at))) for at in turns]  # type: ignore[misc]
    found = list(dict.fromkeys(ends))
    left = [each for each in range(len(front)) if each not in found]
    while left:
        volumes = [hypervolume(front[[*found, each]], reference) for each in left]
        found.append(left.pop(int(np.argmax(volumes))))
    return found


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("levels", [1, 2, 5, 1000])
def test_the_order_is_that_of_trying_every_point_at_every_step(objectives: int, levels: int) -> None:
    rng = random.Random(levels)
    for _ in range(8):
        points = lattice(rng, rng.randrange(1, 25), objectives, levels)
        assert order(points) == simply(points)
        opposed = [(*first, -sum(first)) for first in lattice(rng, 20, objectives - 1, levels)]  # all on one front
        assert order(opposed) == simply(opposed)


def test_ten_thousand_points_on_one_front_of_two_are_ordered() -> None:
    """In a tenth of a second; trying every point at every step would take hours."""
    draw = np.random.default_rng(0).permutation(10_000)
    found = order([(float(x), 1 / (1 + float(x))) for x in draw])
    assert sorted(found) == list(range(10_000))
