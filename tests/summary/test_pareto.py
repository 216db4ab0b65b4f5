"""The Pareto front against a double loop, and which way is better."""

from __future__ import annotations

import math
import random

import pytest

from ablate.errors import StoreError
from ablate.summary.pareto import pareto_front
from ablate.summary.search_report import ranked
from ablate.types import TrialResult
from tests.summary.rows import of, row


def front_by_double_loop(points: dict[str, tuple[float, ...]]) -> set[str]:
    """Ids of the points (smaller is better) that no other is at least as good as everywhere and better than somewhere."""
    kept = set()
    for id, point in points.items():
        beaten = False
        for other in points.values():
            no_worse = all(o <= p for o, p in zip(other, point, strict=True))
            better = any(o < p for o, p in zip(other, point, strict=True))
            beaten = beaten or (no_worse and better)
        if not beaten:
            kept.add(id)
    return kept


@pytest.mark.parametrize("seed", range(40))
def test_the_front_is_that_of_a_double_loop_over_points_with_ties(seed: int) -> None:
    rng = random.Random(seed)
    levels = rng.choice([2, 4, 20])
    numbers = {
        f"{i:04d}": (rng.randrange(levels) / levels, float(rng.randrange(levels)), float(rng.randrange(levels)))
        for i in range(rng.randrange(1, 60))
    }
    rows = [row(id, recall=recall, flops=flops, latency=latency) for id, (recall, flops, latency) in numbers.items()]
    front = pareto_front(of(*rows))
    assert front.costs == ("cost/flops", "cost/latency_ms_p50")
    expected = front_by_double_loop({id: (-recall, flops, latency) for id, (recall, flops, latency) in numbers.items()})
    assert {trial.id for trial in front.trials} == expected
    recalls = [trial.metrics["val/recall_at_1"] for trial in front.trials]
    assert recalls == sorted(recalls, reverse=True)


def ids(trials: list[TrialResult]) -> list[str]:
    return [trial.id for trial in trials]


def test_metrics_where_less_is_better_are_minimised_whatever_the_objective_is() -> None:
    study = of(row("0001", recall=0.9, eer=0.3, flops=1), row("0002", recall=0.8, eer=0.1, flops=1))
    assert ids(pareto_front(study).trials) == ["0001"]
    assert ids(pareto_front(study, "val/eer", ["cost/flops"]).trials) == ["0002"]


def test_any_two_or_three_metrics_or_costs_make_a_front_each_by_its_own_goal() -> None:
    study = of(
        row("0001", recall=0.9, eer=0.3, flops=3),
        row("0002", recall=0.8, eer=0.1, flops=3),
        row("0003", recall=0.7, eer=0.3, flops=1),
    )
    assert set(ids(pareto_front(study, "cost/flops", ["val/eer"]).trials)) == {"0002", "0003"}
    assert ids(pareto_front(study, "val/recall_at_1", ["val/eer", "cost/flops"]).trials) == ["0001", "0002", "0003"]


@pytest.mark.parametrize("costs", [["val/recall_at_1"], ["cost/flops", "cost/params", "val/eer"]])
def test_a_name_twice_and_more_than_three_are_refused(costs: list[str]) -> None:
    with pytest.raises(StoreError, match="a front is of two or three different metrics or costs\n  as in --pareto"):
        pareto_front(of(row("0001", recall=0.9, flops=1)), "val/recall_at_1", costs)


def test_of_trials_that_are_equally_good_the_one_of_fewest_flops_is_the_best() -> None:
    study = of(row("0001", recall=0.9, flops=3), row("0002", recall=0.9, flops=1), row("0003", recall=0.9))
    assert study.best is not None and study.best.id == "0002"
    assert ids(ranked(study)) == ["0002", "0001", "0003"]


def test_of_a_rate_more_is_better() -> None:
    study = of(
        row("0001", recall=0.5, cost__samples_per_second=10.0), row("0002", recall=0.5, cost__samples_per_second=20.0)
    )
    assert ids(pareto_front(study, costs=["cost/samples_per_second"]).trials) == ["0002"]


def test_the_objectives_own_goal_counts_for_it() -> None:
    study = of(row("0001", recall=0.9, flops=1), row("0002", recall=0.8, flops=1), goal="minimize")
    assert ids(pareto_front(study).trials) == ["0002"]


def test_only_complete_trials_with_every_number_are_compared() -> None:
    study = of(
        row("0001", recall=0.5, flops=2),
        row("0002", "pruned", recall=0.9, flops=1),
        row("0003", recall=0.9),
        row("0004", recall=math.nan, flops=1),
        row("0005", recall=0.4, flops=math.inf),
    )
    front = pareto_front(study)
    assert (ids(front.trials), front.unmeasured) == (["0001"], 3)


def test_without_a_complete_trial_the_front_is_empty() -> None:
    assert pareto_front(of()).trials == []
    assert pareto_front(of(row("0001", "running", recall=0.4)), "val/auc", ["cost/params"]).trials == []


@pytest.mark.parametrize("name", ["val/recall", "val/threshold"])
def test_a_name_that_nothing_has_or_that_has_no_better_is_refused(name: str) -> None:
    study = of(row("0001", recall=0.5, flops=2, val__threshold=0.3))
    with pytest.raises(StoreError, match=rf"has '{name}'\n  they have: cost/flops, val/recall_at_1$"):
        pareto_front(study, name)
