"""The table of an official task: it names the task, and each arm's mean with its interval and its error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ablate.store.read import StudyResults
from ablate.summary.official import official_tables
from ablate.summary.pareto import pareto_front
from ablate.summary.render import FORMATS, render
from tests.summary.ablations import design, one_at_a_time, study
from tests.summary.rows import of, row

REACHED = {"baseline": [0.95, 0.96, 0.955], "sampler=hard": [0.97, 0.98, 0.9525]}


def ablation() -> StudyResults:
    """Two arms have read the official runs; of the others, one has none and one has failed."""
    arms = one_at_a_time()
    values: dict[tuple[str, int], float | None] = {(arm, seed): 0.9 for seed in range(3) for arm in arms}
    values["loss=circle", 0] = None
    found = study(design("one_at_a_time", arms, seeds=3), values)
    trials = [
        replace(trial, metrics={**trial.metrics, "test/official_accuracy": REACHED[trial.arm][trial.seed]})
        if trial.arm in REACHED
        else trial
        for trial in found.trials
    ]
    return replace(found, trials=trials)


def test_each_arm_has_its_mean_with_students_interval_and_its_error_the_best_first() -> None:
    (table,) = official_tables(ablation())
    assert table.title.startswith("official: Omniglot's official one-shot task: 20 runs of 20 ways within an alphabet")
    assert table.heads == ["arm", "test/official_accuracy", "95 % interval", "n", "error"]
    assert [cells[0] for cells in table.rows] == ["sampler=hard", "baseline"]
    for arm, mean, interval, n, error in table.rows:
        expected = float(np.mean(REACHED[arm]))
        low, high = stats.t.interval(0.95, 2, loc=expected, scale=stats.sem(REACHED[arm]))
        assert float(mean) == pytest.approx(expected, abs=5e-5)
        assert interval == f"[{low:.4f}, {min(high, 1.0):.4f}]", "no share is above 1"
        assert n == "3" and error == f"{100 - 100 * expected:.1f} %"


def test_a_search_shows_the_trial_that_has_read_the_test_without_an_interval() -> None:
    found = of(row("0001", recall=0.9, test__official_accuracy=0.945), row("0002", recall=0.8))
    (table,) = official_tables(found)
    assert table.heads[0] == "trial" and table.rows == [["0001", "0.9450", "-", "1", "5.5 %"]]


def test_a_study_without_official_runs_has_no_such_table() -> None:
    assert official_tables(of(row("0001", recall=0.9))) == []
    assert official_tables(of(row("0001", "failed", recall=0.9, test__official_accuracy=0.9))) == []


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in ("csv", "json")])
def test_a_summary_says_what_the_official_task_is(format: str) -> None:
    searched = of(row("0001", recall=0.9, flops=1e6, test__official_accuracy=0.945))
    for found in (ablation(), searched):
        text = render(found, pareto_front(found), format)
        assert "20 runs of 20 ways within an alphabet" in text.replace("\n", " ")
        assert "people 0.955" in text
