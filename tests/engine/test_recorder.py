"""The recorder: what a trial that ended leaves in the driver's memory."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ray.tune.experiment import Trial

from ablate.engine.holding import Holding
from ablate.engine.recorder import Recorder
from ablate.engine.resources import Budget
from ablate.study.spending import Resources
from tests.store.studies import open_memory, report


def test_an_ended_trial_leaves_none_of_tunes_statistics_behind(tmp_path: Path) -> None:
    memory = open_memory(tmp_path / "made-up")
    recorder = Recorder(
        memory, {}, [], lambda: None, lambda number: None, Counter(), Holding(Resources(), Budget(1, 0))
    )
    asked = memory.ask()
    assert asked is not None
    trial = Trial("made-up", stub=True, config={"number": asked.number})
    for epoch in range(1, 5):
        recorder.on_trial_result(epoch, [trial], trial, report(epoch, 0.5))
        trial.update_last_result({**report(epoch, 0.5), "training_iteration": epoch})
    assert len(trial.metric_analysis) >= 7  # as many as a report has: Tune keeps them
    recorder.on_trial_complete(5, [trial], trial)
    assert memory.result(asked.id).state == "complete"
    assert trial.metric_analysis == trial.metric_n_steps == {}
    assert trial.last_result["val/recall_at_1"] == 0.5
