"""Curves over epochs: means and bands against a loop, who is named, and what is not drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablate.store import curves
from ablate.store.read import read_folder
from ablate.summary.curve_figures import MOST_NAMED, arm_curves, learning_curves, trial_curves
from ablate.summary.figures import figures_of
from ablate.summary.png import png
from tests.store import ablations
from tests.store.studies import new, open_memory, run_to_the_end, train

METRIC = "val/recall_at_1"


def test_an_arm_s_curve_is_the_mean_over_its_seeds_between_the_least_and_the_greatest(tmp_path: Path) -> None:
    memory = ablations.open_memory(tmp_path / "made-up", "ablation.seeds=3", "space.epochs=3")
    queue = ablations.arm_queue(memory)
    draw, values = np.random.default_rng(0), {}
    while (asked := queue.next()) is not None:
        values[asked.arm, asked.seed] = draw.random(3).round(3).tolist()
        train(memory, asked, *values[asked.arm, asked.seed])
        memory.finish(asked.number, "complete")
    found = arm_curves(read_folder(tmp_path / "made-up"))
    assert len(found) == 3 and {curve.name for curve in found} == {arm for arm, _ in values}
    for curve in found:
        seeds = [values[curve.name, seed] for seed in range(3)]
        assert list(curve.epochs) == [1, 2, 3] and curve.num_seeds == 3
        assert list(curve.mean) == pytest.approx([sum(epoch) / 3 for epoch in zip(*seeds, strict=True)])
        assert list(curve.low) == pytest.approx([min(epoch) for epoch in zip(*seeds, strict=True)])
        assert list(curve.high) == pytest.approx([max(epoch) for epoch in zip(*seeds, strict=True)])
    last = [curve.mean[-1] for curve in found]
    assert last == sorted(last, reverse=True)


def test_of_an_ablation_only_complete_final_trials_count(tmp_path: Path) -> None:
    memory = ablations.open_memory(tmp_path / "made-up", *ablations.TUNED)
    ablations.run(memory, ablations.arm_queue(memory), most=10)  # nine of them tune
    found = arm_curves(read_folder(tmp_path / "made-up"))
    assert [curve.num_seeds for curve in found] == [1]


def test_learning_curves_of_an_ablation_have_a_band_for_each_arm(tmp_path: Path) -> None:
    memory = ablations.open_memory(tmp_path / "made-up")
    ablations.run(memory, ablations.arm_queue(memory))
    figure = learning_curves(read_folder(tmp_path / "made-up"))
    assert figure is not None
    (axes,) = figure.axes
    assert (len(axes.lines), len(axes.collections)) == (3, 3)
    assert "2 seeds each; lines: mean over seeds" in axes.get_title()
    assert axes.get_ylabel() == METRIC


def test_a_search_shows_each_trial_as_far_as_it_came_and_names_the_best(tmp_path: Path) -> None:
    memory = open_memory(tmp_path / "made-up", "search.trials=16")
    run_to_the_end(memory)
    study = read_folder(tmp_path / "made-up")
    figure = learning_curves(study)
    assert figure is not None and study.best is not None
    named = [line for line in figure.axes[0].lines if not str(line.get_label()).startswith("_")]
    assert len(named) == MOST_NAMED and str(named[0].get_label()).startswith(study.best.id)
    reports = curves.read(tmp_path / "made-up" / "trials" / study.best.id)
    assert np.asarray(named[0].get_ydata()).tolist() == [report[METRIC] for report in reports]
    assert (
        figure.legends[0].get_title().get_text() == "the best 10; grey: 5 more"
    )  # of 16 one failed before it reported


def test_a_study_without_a_report_has_no_learning_curves(tmp_path: Path) -> None:
    new(open_memory(tmp_path / "made-up"))
    assert learning_curves(read_folder(tmp_path / "made-up")) is None
    assert figures_of(read_folder(tmp_path / "made-up")) == {}


def test_the_pictures_of_a_search_are_its_learning_curves(tmp_path: Path) -> None:
    run_to_the_end(open_memory(tmp_path / "made-up"))
    assert set(figures_of(read_folder(tmp_path / "made-up"))) == {"learning_curves.png"}


def test_a_trial_s_curves_have_a_panel_for_every_metric_with_the_best_epoch_marked() -> None:
    reports = [
        {
            "epoch": e,
            "train/loss": 1 / e,
            "train/lr": 0.1,
            METRIC: 0.5 + 0.1 * (e == 2),
            "val/eer": 0.2,
            "best/epoch": min(e, 2),
        }
        for e in (1, 2, 3)
    ]
    figure = trial_curves(reports, metric=METRIC, title="trial 0007")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == ["train/loss", f"{METRIC} (objective)", "val/eer", "train/lr"]
    curve, mark = shown[1].lines
    assert np.asarray(curve.get_xydata()).tolist() == [[1, 0.5], [2, 0.6], [3, 0.5]]
    assert np.asarray(mark.get_xydata()).tolist() == [[2, 0.6]]
    assert figure.get_suptitle() == "trial 0007; circle: best epoch, 2"


def test_a_number_that_is_not_finite_is_left_out_of_a_curve() -> None:
    reports = [{"epoch": e, METRIC: float("nan") if e == 1 else 0.5, "best/epoch": 2} for e in (1, 2)]
    figure = trial_curves(reports, metric=METRIC, title="trial")
    assert np.asarray(figure.axes[0].lines[0].get_xydata()).tolist() == [[2, 0.5]]
    assert png(figure)
