"""The recorder: Tune's callback that writes down every report and every end, and tells those who watch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import ray.tune

from ablate.engine.failing import LOW_ON_MEMORY, NOT_KEPT, OUT_OF_GPU_MEMORY, OUT_OF_MEMORY, why_lost
from ablate.engine.holding import Holding
from ablate.errors import StoreError
from ablate.store.asked import trial_id
from ablate.store.memory import Memory
from ablate.types import INFEASIBLE, TrialResult

REPORTED = ("train/", "val/", "test/", "time/", "cost/", "best/")
"""What of a report is ours; the rest is Tune's."""

MOST_LOSSES = 3
"""A trial that has lost so many nodes may be what ends them, by taking all of their memory. A disk that so many tries found
full is full."""


class Watcher(Protocol):
    """Somebody who looks on: the progress display, the mirror in MLflow."""

    def started(self, number: int) -> None:
        """A trial begins, or begins again."""

    def reported(self, number: int, report: dict[str, float]) -> None:
        """One epoch."""

    def taken_back(self, number: int, how: str) -> None:
        """A trial that was not over has lost its process; `how` it goes on, and why."""

    def ended(self, result: TrialResult) -> None:
        """A trial is over."""


class Recorder(ray.tune.Callback):  # type: ignore[misc]
    """Writes into the study's memory first, then tells the watchers.

    `stopped` is the scheduler's list of trials that it stopped, and why: only the scheduler knows. `check` is called at every
    turn of Tune's loop, and may raise to end it. `take_back` is told of each trial that is not over: its node died, and it goes
    on elsewhere (`losses` counts these), or it ran out of memory beside others, and goes on alone (`holding`).
    """

    def __init__(
        self,
        memory: Memory,
        stopped: dict[int, str],
        watchers: list[Watcher],
        check: Callable[[], None],
        take_back: Callable[[int], None],
        losses: Counter[int],
        holding: Holding,
    ) -> None:
        self.memory, self.stopped, self.watchers, self.check = memory, stopped, watchers, check
        self.take_back, self.losses, self.holding = take_back, losses, holding

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its callbacks for a restore of its own, which is not used."""
        return {}

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self.check()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        for watcher in self.watchers:
            watcher.started(trial.config["number"])

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        value = result.get(self.memory.objective.metric)
        if value is None or not math.isfinite(value):
            return
        number = trial.config["number"]
        report = {name: float(value) for name, value in result.items() if name.startswith(REPORTED)}
        report = {"epoch": int(result["epoch"]), **report}
        self.memory.report(number, report)
        for watcher in self.watchers:
            watcher.reported(number, report)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        number, result = trial.config["number"], trial.last_result or {}
        if number in self.stopped:
            self._end(number, "pruned", self.stopped.pop(number))
        elif "infeasible" in result:
            self.memory.mark_infeasible(number)
            self._end(number, "pruned", f"{INFEASIBLE}{result['infeasible']}")
        elif "failure" in result:
            self._fail(number, result["failure"])
        elif broken := self._broken_constraint(number):
            self.memory.mark_infeasible(number)
            self._end(number, "pruned", f"{INFEASIBLE}{broken}")
        else:
            self._end(number, "complete", None)
        _forget_statistics(trial)

    def _broken_constraint(self, number: int) -> str | None:
        """A constraint on a cost that is known only now; None where all are kept."""
        cost = self.memory.result(trial_id(number)).cost
        for name, limit in self.memory.study.constraints.items():
            if name not in cost:
                return f"{name}, which the study limits, was not measured"
            if not limit.allows(cost[name]):
                return f"{name} is {cost[name]:g}, the study allows {limit.describe()}"
        return None

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.check()  # the signal that stops the study may have ended the trial's process first: it is not the trial's fault
        error, number = _error_of(trial), trial.config["number"]
        if (lost := why_lost(error)) and self._goes_on(number, lost):
            return
        lines = [line for line in error.splitlines() if line.strip()] or ["nobody knows why"]
        low = f"{OUT_OF_MEMORY}the machine had none left, and Ray ended the trial's process"
        self._fail(number, low if LOW_ON_MEMORY in error else f"process died: {lines[-1].strip()}")
        _forget_statistics(trial)

    def _fail(self, number: int, why: str) -> None:
        """A trial fails, unless it ran out of memory and had neighbours, or could not be kept for a while.

        Raises StoreError where that does not end: it stays unfinished, and so do all others, which would fare like it.
        """
        if why.startswith(NOT_KEPT):
            told = why.removeprefix(NOT_KEPT)
            if self._goes_on(number, told):
                return
            raise StoreError(
                f"{told}\n  make room there, or see that it is reached, and run the same command again: every trial goes on "
                "from its last checkpoint"
            )
        asked, on_gpu = self.memory.asked(trial_id(number)), why.startswith(OUT_OF_GPU_MEMORY)
        if (on_gpu or why.startswith(OUT_OF_MEMORY)) and self.holding.try_alone(asked, on_gpu=on_gpu):
            self.memory.folder.error_of(asked.id).unlink(missing_ok=True)  # of the first try
            self._take_back(number, "alone: beside others it ran out of memory")
        elif number in self.holding.alone:
            self._end(number, "failed", f"trained alone after it had run out of memory beside others: {why}")
        else:
            self._end(number, "failed", why)

    def _goes_on(self, number: int, why: str) -> bool:
        """Hand a trial out again that met with no fault of its own; False where it has often enough."""
        if self.losses[number] >= MOST_LOSSES:
            return False
        self.losses[number] += 1
        self._take_back(number, f"from its last checkpoint: {why}")
        return True

    def _take_back(self, number: int, how: str) -> None:
        self.take_back(number)
        for watcher in self.watchers:
            watcher.taken_back(number, how)

    def found(self, result: TrialResult) -> None:
        """A trial that need not be trained is over at once."""
        for watcher in self.watchers:
            watcher.ended(result)

    def _end(self, number: int, state: str, reason: str | None) -> None:
        self.found(self.memory.finish(number, state, reason))


def _error_of(trial: Any) -> str:
    """What Tune wrote down on this machine; `trial.get_error` looks where it has copied nothing to yet (Ray 2.60)."""
    if trial.error_file is None or not Path(trial.error_file).exists():
        return ""
    _, _, text = Path(trial.error_file).read_text().partition("\n")
    return text


def _forget_statistics(trial: Any) -> None:
    """Free what Tune keeps of every metric of a trial that ended (Ray 2.60), which nobody reads.

    88 KiB for 35 metrics: nearly a GB after 10,000 trials, and again as text in Tune's last snapshot.
    """
    trial.run_metadata.metric_analysis.clear()
    trial.run_metadata.metric_n_steps.clear()
