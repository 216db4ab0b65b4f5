"""What progress says of a trial, and of the time that is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablate.engine.progress import Progress
from ablate.types import TrialResult
from tests.store.studies import report, study

DONE = TrialResult("0000", "complete", None, 0, "mlp triplet", {}, {"val/recall_at_1": 0.5}, {}, 4)


def progress(*, slots: int = 2, quiet: bool = False) -> Progress:
    return Progress(study("search.trials=20"), 20, done=[], quiet=quiet, slots=slots)


def test_a_trial_that_a_constraint_forbids_is_told_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "infeasible: cost/params is 7000, the study allows at most 5000"
    shown = progress()
    shown.started(0)
    shown.ended(replace(DONE, state="pruned", reason=reason, metrics={}, epochs=0))
    assert reason in capsys.readouterr().err


def test_the_time_left_is_told_once_two_trials_per_slot_have_ended(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress(slots=2)
    for number in range(5):
        shown.started(number)
        shown.reported(number, report(1, 0.5))
        shown.ended(replace(DONE, id=f"{number:04d}"))
    lines = capsys.readouterr().err.splitlines()
    assert ["time left: not known yet" in line for line in lines] == [True, True, True, False, False]
    assert "s left" in lines[3]


@pytest.mark.parametrize(
    ("unfinished", "longer", "lines"),
    [
        (0, 0, []),
        (1, 0, ["continuing 1 unfinished trial from its last checkpoint"]),
        (3, 0, ["continuing 3 unfinished trials from their last checkpoints"]),
        (0, 1, ["1 trial goes on to epoch 4"]),
        (2, 5, ["5 trials go on to epoch 4", "continuing 2 unfinished trials from their last checkpoints"]),
    ],
)
def test_trials_that_are_made_longer_are_not_called_unfinished(
    unfinished: int, longer: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    progress().say_continued(unfinished=unfinished, longer=longer)
    assert capsys.readouterr().err.splitlines() == lines


def test_a_trial_that_goes_on_is_told_and_no_longer_called_running(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress()
    shown.started(3)
    shown.taken_back(3, "from its last checkpoint: its node has died")
    assert capsys.readouterr().err.splitlines() == ["trial 0003 goes on from its last checkpoint: its node has died"]
    assert not shown.running


def test_one_epoch_is_no_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress()
    shown.ended(replace(DONE, epochs=1))
    shown.ended(replace(DONE, epochs=15))
    one, many = capsys.readouterr().err.splitlines()
    assert "   1 epoch  " in one and "  15 epochs  " in many
