"""Who dominates whom, against a double loop, and the work that it takes by the comparisons that are made."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest

from ablate.metrics.front import front as on_front
from ablate.summary import trade_off
from ablate.summary.dominators import Points, dominators
from ablate.summary.pareto import pareto_front
from ablate.types import TrialResult
from tests.summary.rows import of, row

NAMES = ("val/recall_at_1", ["cost/latency_ms_p50"])


def sorted_front(points: Points) -> Points:
    ordered: Points = np.array(sorted(points[on_front(points)].tolist()))
    return ordered


def by_double_loop(front: Points, points: Points) -> list[list[int]]:
    return [[at for at, other in enumerate(front) if all(other <= point) and any(other < point)] for point in points]


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("seed", range(20))
def test_dominators_are_those_of_a_double_loop_also_where_many_are_equal(objectives: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    points: Points = draw.integers(0, 8, (60, objectives)).astype(float)  # ties in one objective, and in all
    front = sorted_front(points)
    better: Points = points - draw.integers(
        0, 3, points.shape
    )  # as the best ends of intervals are: some beyond the front
    for each in (points, better):
        assert [list(found) for found in dominators(front, each)] == by_double_loop(front, each)


class Counted(float):
    """A number that counts how often it is compared."""

    comparisons: ClassVar[int] = 0

    def __lt__(self, other: float) -> bool:
        Counted.comparisons += 1
        return float(self) < float(other)

    def __neg__(self) -> Counted:
        return Counted(-float(self))


@pytest.mark.parametrize("count", [1000, 4000])
def test_two_objectives_take_comparisons_as_the_logarithm_of_the_front(count: int) -> None:
    along = np.arange(count, dtype=float)
    front = np.stack([along, along[::-1]], axis=1)
    behind = front + 0.5 * count  # each is dominated by about half of the front
    counted = [np.vectorize(Counted, otypes=[object])(each) for each in (front, behind)]
    Counted.comparisons = 0
    assert sum(len(found) for found in dominators(counted[0], counted[1])) > count**2 / 4
    assert 0 < Counted.comparisons <= 2 * count * (math.log2(count) + 2)


def searched(points: Points) -> list[TrialResult]:
    return [row(f"{at:04d}", recall=1 - first, latency=second) for at, (first, second) in enumerate(points.tolist())]


def test_who_is_on_the_front_is_compared_with_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def spied(front: Points, points: Points) -> list[list[int]]:
        compared.append(len(points))
        return [list(found) for found in dominators(front, points)]

    monkeypatch.setattr(trade_off, "dominators", spied)
    along = np.linspace(0, 1, 50)
    study = of(*searched(np.stack([along, along[::-1]], axis=1)), row("9999", recall=0.0, latency=2.0))
    told = trade_off.trade_off(study, pareto_front(study, *NAMES))
    assert len(told.front) == 50 and set(compared) == {1}


def test_of_very_many_that_dominate_one_the_first_are_named_and_all_are_counted() -> None:
    along = np.linspace(0, 0.5, 150)
    study = of(*searched(np.stack([along, along[::-1]], axis=1)), row("9999", recall=0.0, latency=2.0))
    *_, last = trade_off.trade_off(study, pareto_front(study, *NAMES)).places
    assert (last.name, last.num_by) == ("9999", 150)
    assert last.by == tuple(f"{at:04d}" for at in range(trade_off.MOST_NAMED))
