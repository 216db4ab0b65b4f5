"""Every cost says what it is, in which unit, which way is better and when it is known."""

from __future__ import annotations

from ablate.catalogue.costs import COSTS, MEASURES


def test_every_cost_is_described() -> None:
    assert len(COSTS) > 20
    for name, cost in COSTS.items():
        assert name == cost.name and name.startswith("cost/")
        assert cost.unit and cost.summary and cost.title
        assert cost.goal in ("minimize", "maximize")
        assert cost.known in ("counted", "timed", "trained")
        assert not cost.grows or (cost.known == "trained" and cost.goal == "minimize")
        assert not cost.measure or cost.known == "timed"


def test_no_two_costs_have_one_title() -> None:
    assert len({cost.title for cost in COSTS.values()}) == len(COSTS)


def test_a_study_can_ask_for_three_more_measures() -> None:
    assert MEASURES == ("throughput", "bf16", "int8")
