"""What could not be measured is said once, and what was is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ablate.store.read import StudyResults
from ablate.summary.pareto import pareto_front
from ablate.summary.render import render
from tests.summary.ablations import design, one_at_a_time, study
from tests.summary.rows import of, row

ENERGY = "energy: not measured: it takes a counter"


def searched(resolved: dict[str, Any] | None = None, **costs: float) -> StudyResults:
    """Two trained trials, the first with these costs, too."""
    first, second = (row(id, recall=0.9, latency=1.0, cost__train_seconds=3.0) for id in ("0001", "0002"))
    extra = {name.replace("__", "/"): value for name, value in costs.items()}
    return replace(of(replace(first, cost={**first.cost, **extra}), second), resolved=resolved or {})


def ablated() -> StudyResults:
    arms = one_at_a_time()
    made = study(design("one_at_a_time", arms, seeds=2), {(arm, seed): 0.5 for arm in arms for seed in range(2)})
    return replace(
        made, trials=[replace(each, cost={"cost/train_seconds": 1.0, "cost/flops": 2e6}) for each in made.trials]
    )


def shown(found: StudyResults, format: str = "table") -> str:
    return " ".join(render(found, pareto_front(found), format).split())


@pytest.mark.parametrize("format", ["table", "md", "html"])
@pytest.mark.parametrize("found", [searched(), ablated()], ids=["search", "ablation"])
def test_energy_that_no_trial_has_is_said_once_to_be_not_measured(found: StudyResults, format: str) -> None:
    assert shown(found, format).count(ENERGY) == 1


def test_energy_that_was_measured_is_a_column_and_lacking_in_a_trial_a_dash() -> None:
    lines = render(found := searched(cost__cpu_energy_joules=1234.0), pareto_front(found), "table").splitlines()
    head = next(line for line in lines if line.startswith("trial "))
    place = head.index("CPU J") + len("CPU J")
    cells = [next(line for line in lines if line.split()[:1] == [id])[:place].split()[-1] for id in ("0001", "0002")]
    assert cells == ["1234", "-"]
    assert "not measured" not in shown(found) and "GPU J" not in head


def test_costs_that_the_study_asked_for_are_named_where_no_trial_has_them() -> None:
    asked = {
        "cost": {"measure": ["throughput", "int8"], "prices": "prices.yaml", "machine": "office"},
        "constraints": {"cost/latency_ms_p50": {"max": 5}, "cost/gpu_energy_joules": {"max": 9}},
    }
    text = shown(searched(asked, cost__throughput_per_second=7.0))
    assert text.count("asked for and not measured: cost/latency_int8_ms_p50, cost/usd") == 1
    assert text.count("not measured") == 2, "energy, which a constraint names, too, is said with its reason alone"


def test_before_a_trial_has_trained_nothing_is_said_to_lack() -> None:
    assert "not measured" not in shown(of()) + shown(of(row("0001", state="running")))
