"""Stopping: Ray Tune's ASHA, made to survive a restart and to say whom it stopped.

Source: Li et al. 2020 (arXiv:1810.05934). Reads `_trial_info`, `_metric`, `_time_attr` and `_max_t` of Ray 2.60's
AsyncHyperBandScheduler; tests/engine/test_stopping.py fails where these change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from ablate.study.schema import Asha
from ablate.study.study import Objective


class Stopping(AsyncHyperBandScheduler):  # type: ignore[misc]
    """ASHA keyed by the study's trial number, which is the same after a restart; Tune's own ids are not."""

    def __init__(self, asha: Asha, objective: Objective, epochs: int) -> None:
        super().__init__(
            time_attr="epoch",
            metric=objective.metric,
            mode=objective.mode,
            grace_period=asha.grace_epochs,
            reduction_factor=asha.reduction_factor,
            max_t=epochs + 1,  # at `epochs` ASHA would stop a trial that is about to end by itself
        )
        self.epochs = epochs
        self.stopped: dict[int, str] = {}
        """Trial number -> why it was stopped, until the recorder takes it."""

    def replay(self, curves: Mapping[int, Mapping[int, float]]) -> None:
        """Rebuild the rungs from the curves of earlier trials; old decisions are not asked again."""
        for number, curve in curves.items():
            past = SimpleNamespace(config={"number": number})
            self.on_trial_add(None, past)
            for epoch in sorted(curve):
                self.on_trial_result(None, past, {self._time_attr: epoch, self._metric: curve[epoch]})
            self.on_trial_remove(None, past)
            self.stopped.pop(number, None)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_add(tune_controller, _keyed(trial))

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        value = result.get(self._metric)
        if value is None or not math.isfinite(value):
            return str(TrialScheduler.CONTINUE)  # a failure that the trial itself ends with
        epoch = int(result[self._time_attr])
        decision = super().on_trial_result(tune_controller, _keyed(trial), result)
        if decision != TrialScheduler.STOP or epoch >= self.epochs:
            return str(TrialScheduler.CONTINUE)  # a rung at the last epoch is recorded, but stops nobody
        self.stopped[trial.config["number"]] = f"behind at epoch {epoch} (ASHA)"
        return str(TrialScheduler.STOP)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self.on_trial_remove(tune_controller, trial)  # its last report is recorded already

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        self._trial_info.pop(_keyed(trial).trial_id, None)


class NoStopping(FIFOScheduler):  # type: ignore[misc]
    """Every trial trains to its last epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped: dict[int, str] = {}

    def replay(self, curves: Mapping[int, Mapping[int, float]]) -> None:
        """There is nothing to rebuild."""


def _keyed(trial: Any) -> SimpleNamespace:
    """ASHA reads nothing of a trial but its id."""
    return SimpleNamespace(trial_id=str(trial.config["number"]))
