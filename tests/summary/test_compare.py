"""Comparing two studies, or two arms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ablate.errors import StoreError
from ablate.summary.compare import Side, compare
from ablate.summary.render import as_table
from tests.summary.ablations import design, grid, one_at_a_time, study
from tests.summary.rows import of, row


def ablation(shift: float, seeds: int = 4) -> Side:
    arms, draw = one_at_a_time(), np.random.default_rng(int(shift * 100))
    values: dict[tuple[str, int], float | None] = {
        (arm, s): 0.6 + s / 30 + shift + draw.normal(0, 0.002) for s in range(seeds) for arm in arms
    }
    return Side(f"shift {shift}", study(design("one_at_a_time", arms, seeds=seeds), values), None)


def test_every_arm_that_both_have_is_compared_over_paired_seeds() -> None:
    one, other = ablation(0.1), ablation(0.0)
    (table,) = compare(one, other).tables
    assert [cells[0] for cells in table.rows] == ["baseline", "loss=info_nce", "loss=circle", "sampler=hard"]

    def values(side: Side) -> list[float]:
        return [r.metrics["test/recall_at_1"] for r in side.study.trials if r.arm == "baseline"]

    test = stats.ttest_rel(values(one), values(other))
    low, high = test.confidence_interval(0.95)
    assert table.rows[0][2] == f"[{low * 100:+.2f}, {high * 100:+.2f}]"
    assert {cells[-1] for cells in table.rows} == {"better"}


def test_two_arms_that_are_named_are_compared() -> None:
    side = ablation(0.0)
    one, other = Side("a", side.study, "loss=circle"), Side("b", side.study, "baseline")
    (table,) = compare(one, other).tables
    assert [cells[:2] for cells in table.rows] == [["loss=circle", "baseline"]]
    assert "cannot tell apart" in as_table(compare(one, other))


def test_an_arm_is_found_however_its_levels_are_ordered() -> None:
    arms = grid()
    found = study(design("grid", arms, seeds=2), {(arm, seed): 0.5 for arm in arms for seed in (0, 1)})
    one, other = Side("a", found, "sampler=hard loss=circle"), Side("b", found, "loss=triplet sampler=random")
    (table,) = compare(one, other).tables
    assert table.rows[0][:2] == ["loss=circle sampler=hard", "loss=triplet sampler=random"]
    with pytest.raises(StoreError, match="has no arm 'sampler=hard'"):
        compare(Side("a", found, "sampler=hard"), other)


def test_what_else_differs_between_two_studies_is_told() -> None:
    one, other = (
        Side(s.name, replace(s.study, meaning={"data": data, "space.epochs": "3", "arm x: space.loss": data}), None)
        for s, data in ((ablation(0.1), "mnist"), (ablation(0.0), "digits"))
    )
    (_, warning) = compare(one, other).answer
    assert warning == "careful: not the arms alone differ, but also data: mnist / digits"


def test_the_margin_of_the_first_study_makes_arms_equivalent() -> None:
    side = ablation(0.0, seeds=8)
    assert side.study.design is not None
    stated = replace(side.study, design=replace(side.study.design, margin=0.05))
    (table,) = compare(Side("a", stated, "loss=circle"), Side("b", stated, "baseline")).tables
    assert table.rows[0][-1] == "equivalent"


def test_two_searches_have_one_seed_and_no_test() -> None:
    one, other = (Side(name, of(row("0001", recall=value)), None) for name, value in (("a", 0.9), ("b", 0.8)))
    (table,) = compare(one, other).tables
    assert table.rows[0][2:6] == ["+10.00", "-", "-", "1"] or table.rows[0][1:5] == ["+10.00", "-", "-", "1"]
    assert table.rows[0][-1] == "one seed: not tested"


def test_what_cannot_be_compared_is_refused_with_what_there_is() -> None:
    side = ablation(0.0)
    with pytest.raises(StoreError, match="has no arm 'loss=x'"):
        compare(Side("a", side.study, "loss=x"), side)
    with pytest.raises(StoreError, match="is a search and has no arms"):
        compare(Side("a", of(row("0001", recall=0.9)), "baseline"), side)
    with pytest.raises(StoreError, match="no complete trial has 'test/nothing'"):
        compare(side, side, "test/nothing")
    with pytest.raises(StoreError, match="no trial is complete"):
        compare(Side("a", of(), None), side)


def test_equivalence_is_corrected_for_all_arms_that_are_compared() -> None:
    """True differences of just the margin: an uncorrected test would call one of four arms equivalent in a fifth of studies."""
    arms, draw, false = one_at_a_time(), np.random.default_rng(0), 0
    made = design("one_at_a_time", arms, seeds=5, margin=0.01)
    for _ in range(200):
        one, other = (
            Side("x", study(made, {(a, s): 0.5 + shift + draw.normal(0, 0.004) for s in range(5) for a in arms}), None)
            for shift in (0.01, 0.0)
        )
        (table,) = compare(one, other).tables
        false += any(cells[-1] == "equivalent" for cells in table.rows)
    assert false <= 20  # 5 % of 200, and four deviations


def test_two_searches_are_compared_by_a_metric_that_has_a_better() -> None:
    one, other = (Side(name, of(row("0001", recall=0.9, val__threshold=0.4)), None) for name in "ab")
    with pytest.raises(StoreError, match="neither more nor less of 'val/threshold'"):
        compare(one, other, "val/threshold")


def test_an_arm_is_not_compared_with_itself_however_its_study_was_read(tmp_path: Path) -> None:
    """Its own row would count among the tests that p is corrected for."""
    one, other = (replace(ablation(0.0).study, folder=tmp_path) for _ in range(2))
    (table,) = compare(Side("a", one, None), Side("a:baseline", other, "baseline")).tables
    assert [cells[0] for cells in table.rows] == ["loss=info_nce", "loss=circle", "sampler=hard"]
    with pytest.raises(StoreError, match="a and b are the same"):
        compare(Side("a", one, None), Side("b", other, None))
    with pytest.raises(StoreError, match="a and b are the same"):
        compare(Side("a", one, "baseline"), Side("b", other, "baseline"))
