"""Scaling: what `ablate plan --gpus` says, from a probe and from trials that were trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablate.store.curves import append
from ablate.store.read import StudyResults
from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.summary.cluster import Cluster
from ablate.summary.plan import as_json, as_text, make_plan
from ablate.summary.scaling import scaling, scaling_lines
from ablate.summary.trial_paces import Measured, probed, trained, trials_of
from ablate.training.probe import Pace
from ablate.types import TrialResult

ABLATION = """
ablation:
  design: one_at_a_time
  factors: {loss: [triplet, info_nce, contrastive]}
  seeds: 2
  tune: {trials: 3, epochs: 2}
"""


def asked(*, trials: int = 64, gpus: float = 0.5, ablation: bool = False) -> Study:
    text = f"""study: s
data: {{name: digits, protocol: closed}}
space: {{backbone: mlp, loss: {{triplet: , info_nce: , contrastive: }}, batch: {{classes: 10}}, epochs: 4}}
resources: {{cpus: 2, gpus: {gpus}}}
"""
    return parse_study(text + (ABLATION if ablation else f"search: {{trials: {trials}}}\n"), "f.yaml")


def row(id: str, *, arm: str = "x", state: str = "complete", epochs: int = 2, phase: str = "search") -> TrialResult:
    return TrialResult(id, state, None, 0, arm, {}, epochs=epochs, phase=phase)


def earlier(study: Study, folder: Path, *rows: TrialResult, epoch_seconds: float = 3.0) -> StudyResults:
    """A study of these rows, each with curves: a second of set-up, then its epochs."""
    for each in rows:
        for epoch in range(1, each.epochs + 1):
            numbers = {"time/epoch_seconds": epoch_seconds, "cost/seconds": 1.0 + epoch * epoch_seconds}
            append(folder / "trials" / each.id, {"epoch": epoch, **numbers})
    return StudyResults("s", "", study.objective, list(rows), folder=folder, meaning=study.meaning)


def measured(found: Measured | str) -> Measured:
    assert isinstance(found, Measured), found
    return found


def test_a_probe_gives_hours_efficiency_and_speed_up_of_each_size() -> None:
    study = asked(trials=64)
    found = scaling(study, probed(study, {"mlp": Pace(0.0, 900.0, 0.0)}), Cluster(2))
    assert [(size.devices, size.slots) for size in found.sizes] == [(1, 2), (2, 4), (4, 8), (32, 64), (256, 512)]
    one, two, four, many, more = found.sizes
    for size, rounds in ((one, 32), (two, 16), (four, 8), (many, 1)):
        assert size.hours == pytest.approx(rounds * 1.0, abs=0.01)  # an hour a trial, and half a minute around them
        assert size.efficiency == pytest.approx(1.0, abs=0.02)
        assert size.speed_up == pytest.approx(32 / rounds, rel=0.02)
    assert more.hours == pytest.approx(1.0, abs=0.01) and more.efficiency == pytest.approx(32 / 256, abs=0.01)


def test_trials_that_were_trained_are_measured_by_their_curves(tmp_path: Path) -> None:
    study = asked()
    rows = [row("0000"), row("0001", state="pruned"), row("0002", state="failed"), row("0003", epochs=0)]
    found = measured(trained(study, earlier(study, tmp_path / "runs" / "s", *rows)))
    assert found.paces == {"": [Pace(1.0, 3.0, 0.0), Pace(1.0, 3.0, 0.0)]}
    assert found.rests_on == "the seconds of 2 trials in runs/s (0000 to 0001)"


def test_every_arm_takes_the_seconds_of_its_own_trials_and_an_arm_without_one_is_not_guessed(tmp_path: Path) -> None:
    study = asked(ablation=True)
    assert study.ablation is not None
    first, second, third = (arm.name for arm in study.ablation.arms)
    rows = [row("0000", arm=first, phase="tune"), row("0001", arm=second, phase="final")]
    lacking = trained(study, earlier(study, tmp_path / "runs" / "s", *rows))
    assert lacking == f"no trial of {third} has ended in runs/s"
    rows.append(row("0002", arm=third))
    found = measured(trained(study, earlier(study, tmp_path / "runs" / "s", *rows)))
    assert list(found.paces) == [first, second, third]


def test_arms_take_turns_in_tuning_and_are_judged_after_it() -> None:
    study = asked(ablation=True)
    assert study.ablation is not None
    names = [arm.name for arm in study.ablation.arms]
    planned = trials_of(
        study, probed(study, {arm: Pace(0.0, float(place), 0.0) for place, arm in enumerate(names)}), seed=0
    )
    told = [(trial.pace.epoch, trial.epochs, trial.group, trial.after, trial.tested) for trial in planned]
    tuning = [(place, 2, arm, None, False) for place, arm in enumerate(names)] * 3
    assert told == tuning + [(place, 4, None, arm, True) for place, arm in enumerate(names)] * 2


def test_without_a_measurement_there_are_no_figures_but_the_way_to_them(tmp_path: Path) -> None:
    study = asked()
    nothing = scaling_lines(scaling(study, trained(study, None), Cluster(32)))
    assert nothing[0] == "not known: nothing was measured, and there are no trials of s in --out"
    assert "--probe" in nothing[1] and len(nothing) == 2
    other = earlier(asked(gpus=1.0), tmp_path / "runs" / "s", row("0000"))
    assert trained(study, other) == "the trials in runs/s are of another study (resources differ)"


def test_the_plan_shows_the_table_and_the_json_has_it() -> None:
    study = asked(trials=8, gpus=1.0)
    found = scaling(study, probed(study, {"mlp": Pace(0.0, 900.0, 0.0)}), Cluster(8, cpus=8))
    plan = make_plan(study, {}, scaling=found)
    lines = as_text(plan, "f.yaml").splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("scaling"))
    assert (
        lines[place] == "scaling        simulated for the whole study, from a probe of 1 configuration on this machine"
    )
    assert lines[place + 1].split() == ["GPUs", "at", "once", "hours", "efficiency", "speed-up"]
    assert [line.split()[0] for line in lines[place + 2 : place + 7]] == ["1", "4", "8", "32", "256"]
    assert "too few for one trial" in lines[place + 2]  # a trial needs 2 CPUs, and each GPU comes with one
    sizes = json.loads(as_json(plan))["scaling"]["sizes"]
    assert sizes[0] == {"devices": 1, "slots": 0, "hours": None, "efficiency": None, "speed_up": None}


def test_a_study_on_cpus_is_told_by_cpus() -> None:
    study = asked(trials=8, gpus=0)
    found = scaling(study, probed(study, {"mlp": Pace(0.0, 900.0, 0.0)}), Cluster(0, 6))
    assert found.device == "CPU"
    assert [(size.devices, size.slots) for size in found.sizes] == [(1, 0), (4, 2), (6, 3), (32, 16), (256, 128)]
    assert found.sizes[1].speed_up == 1.0


def test_trials_whose_folder_was_removed_measure_nothing(tmp_path: Path) -> None:
    study = asked()
    found = earlier(study, tmp_path / "runs" / "s", row("0000"), row("0001"))
    (tmp_path / "runs" / "s" / "trials" / "0000" / "metrics.jsonl").unlink()
    assert measured(trained(study, found)).rests_on == "the seconds of 1 trial in runs/s (0001)"


def test_a_study_of_more_trials_than_were_measured_is_told_with_that_limit() -> None:
    def lines(trials: int) -> list[str]:
        study = asked(trials=trials)
        return scaling_lines(scaling(study, probed(study, {"mlp": Pace(0.0, 900.0, 0.0)}), Cluster(32)))

    assert "taken to be the same" not in "".join(lines(10_000))
    assert lines(10_001)[-1].endswith("up to 10,000 trials, and did not grow; for 10,001 it is taken to be the same")
