"""What the other drivers of a study do, as its storage tells."""

from __future__ import annotations

from collections.abc import Callable

from optuna.trial import FrozenTrial, TrialState

from ablate.store.asked import Asked, asked_of, trial_id
from ablate.store.drivers import Driver


class Others:
    """Those beside `driver`, of a study whose trials `known` gives; nobody where it does not share the study.

    `asks_for` tells whether the study still asks for a trial.
    """

    def __init__(
        self, driver: Driver, known: Callable[[], list[FrozenTrial]], asks_for: Callable[[Asked], bool]
    ) -> None:
        self.driver, self.known, self.asks_for = driver, known, asks_for
        self._states: dict[int, TrialState] = {}
        self._reported: dict[int, int] = {}

    def have_moved(self) -> bool:
        """Whether they have handed out or ended trials since this was asked last."""
        before, self._states = self._states, {trial.number: trial.state for trial in self._theirs()}
        return self._states != before

    def news(self) -> list[int]:
        """Their trials that have come further since this was asked last."""
        before = self._reported
        self._reported = {trial.number: len(trial.intermediate_values) for trial in self._theirs()}
        return [number for number, epochs in self._reported.items() if before.get(number) != epochs]

    def run(self) -> list[str]:
        """Ids of the trials that they train now."""
        theirs = self._theirs()
        return [trial_id(t.number) for t in theirs if t.state == TrialState.RUNNING and not self.left(t)]

    def orphans(self) -> list[Asked]:
        """Unfinished trials of those that have died, as far as the study asks for them."""
        return self._to_finish(self._theirs())

    def unfinished(self) -> list[Asked]:
        """The same of all that nobody sees to, whoever began them."""
        return self._to_finish(self.known())

    def _to_finish(self, trials: list[FrozenTrial]) -> list[Asked]:
        return [asked for trial in trials if self.left(trial) and self.asks_for(asked := asked_of(trial))]

    def left(self, trial: FrozenTrial) -> bool:
        """Whether a trial is unfinished and none of them sees to it."""
        mark = trial.user_attrs["trial"]
        return trial.state == TrialState.RUNNING and (self.driver.is_mine(mark) or not self.driver.lives(mark))

    def _theirs(self) -> list[FrozenTrial]:
        if not self.driver.shares:
            return []
        return [trial for trial in self.known() if not self.driver.is_mine(trial.user_attrs["trial"])]
