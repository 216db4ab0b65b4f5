"""Stopping: Ray Tune's ASHA, made to survive a restart and to say whom it stopped.

Source: Li et al. 2020 (arXiv:1810.05934). Reads `_trial_info`, `_metric`, `_time_attr` and `_max_t` of Ray 2.60's
AsyncHyperBandScheduler; tests/engine/test_stopping.py fails where these change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from ablate.store.rows import Curve
from ablate.study.schema import Asha
from ablate.study.study import Objective


class Stopping(AsyncHyperBandScheduler):  # type: ignore[misc]
    """ASHA keyed by the study's trial number, which is the same after a restart; Tune's own ids are not."""

    def __init__(self, asha: Asha, objective: Objective, epochs: int, stopped: dict[int, str] | None = None) -> None:
        super().__init__(
            time_attr="epoch",
            metric=objective.metric,
            mode=objective.mode,
            grace_period=asha.grace_epochs,
            reduction_factor=asha.reduction_factor,
            max_t=epochs + 1,  # at `epochs` ASHA would stop a trial that is about to end by itself
        )
        self.epochs = epochs
        self.stopped: dict[int, str] = {} if stopped is None else stopped
        """Trial number -> why it was stopped; groups share theirs."""

    def replay(self, curves: Mapping[int, Curve]) -> None:
        """Rebuild the rungs from the curves of earlier trials; old decisions are not asked again."""
        for number, curve in curves.items():
            past = SimpleNamespace(config={"number": number})
            self.on_trial_add(None, past)
            for epoch in sorted(curve):
                self._decide(past, epoch, curve[epoch])
            self.on_trial_remove(None, past)
            self.stopped.pop(number, None)

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        super().on_trial_add(tune_controller, _keyed(trial))

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        value = self.value_of(trial, result)
        if value is None:
            return str(TrialScheduler.CONTINUE)  # a failure that the trial itself ends with
        return self._decide(trial, int(result[self._time_attr]), value)

    def value_of(self, trial: Any, result: dict[str, Any]) -> Any:
        """What is compared at the rungs; None where it is not known."""
        value = result.get(self._metric)
        return value if value is not None and math.isfinite(value) else None

    def _decide(self, trial: Any, epoch: int, value: Any) -> str:
        result = {self._time_attr: epoch, self._metric: value}
        decision = super().on_trial_result(None, _keyed(trial), result)
        if decision != TrialScheduler.STOP or epoch >= self.epochs:
            return str(TrialScheduler.CONTINUE)  # a rung at the last epoch is recorded, but stops nobody
        self.stopped[trial.config["number"]] = f"behind at epoch {epoch} (ASHA)"
        return str(TrialScheduler.STOP)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self.on_trial_remove(tune_controller, trial)  # its last report is recorded already

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        self._trial_info.pop(_keyed(trial).trial_id, None)


class GroupedStopping(FIFOScheduler):  # type: ignore[misc]
    """Each group of trials (see `store.asked.Asked.group`) is stopped by an ASHA of its own; trials of no group never are."""

    def __init__(self, asha: Asha | None, objectives: Sequence[Objective], epochs: int) -> None:
        super().__init__()
        self.make = None if asha is None else partial(stopping_of, asha, objectives, epochs)
        self.groups: dict[str, Stopping] = {}
        self.stopped: dict[int, str] = {}
        """Trial number -> why it was stopped, until the recorder takes it."""

    def replay(self, curves: Mapping[int, Curve], groups: Mapping[int, str | None]) -> None:
        """Rebuild the rungs from the curves of earlier trials; `groups` says in which each of them was."""
        for group in dict.fromkeys(groups.values()):
            scheduler = self._of(group)
            if scheduler is not None:
                scheduler.replay({number: curve for number, curve in curves.items() if groups[number] == group})

    def _of(self, group: str | None) -> Stopping | None:
        if group is None or self.make is None:
            return None
        if group not in self.groups:
            self.groups[group] = self.make(self.stopped)
        return self.groups[group]

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        if scheduler := self._of(trial.config["group"]):
            scheduler.on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        scheduler = self._of(trial.config["group"])
        if scheduler is None:
            return str(TrialScheduler.CONTINUE)
        return scheduler.on_trial_result(tune_controller, trial, result)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self.on_trial_remove(tune_controller, trial)

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        if scheduler := self._of(trial.config["group"]):
            scheduler.on_trial_remove(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """The next that waits. Tune's own looks for it among all trials of the study, twice in each turn of its loop."""
        pending = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
        return min(pending, key=lambda trial: trial.config["number"], default=None)


def stopping_of(
    asha: Asha, objectives: Sequence[Objective], epochs: int, stopped: dict[int, str] | None = None
) -> Stopping:
    """The ASHA that suits the number of objectives."""
    if len(objectives) == 1:
        return Stopping(asha, objectives[0], epochs, stopped)
    from ablate.engine.front_stopping import FrontStopping

    return FrontStopping(asha, objectives, epochs, stopped)


def _keyed(trial: Any) -> SimpleNamespace:
    """ASHA reads nothing of a trial but its id."""
    return SimpleNamespace(trial_id=str(trial.config["number"]))
