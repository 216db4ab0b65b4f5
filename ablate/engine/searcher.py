"""The searcher: hands Tune the trials of a study, unfinished ones first, then what the study's queue says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ray.tune.search import Searcher

from ablate.engine.holding import Holding
from ablate.store.asked import Asked
from ablate.store.asked import trial_id as name_of
from ablate.store.memory import Memory
from ablate.store.queue import Queue
from ablate.training.spec import TrialSpec
from ablate.types import TrialResult


class StudySearcher(Searcher):  # type: ignore[misc]
    """One queue, one number per trial. What becomes of a trial is written down by the recorder, not here.

    `holding` says what each of them holds; `reused` is told of each trial that was found finished, and so never reaches Tune;
    `met` is called before each proposal of a study that several drivers share, to see how far the others have come.
    """

    def __init__(
        self,
        memory: Memory,
        queue: Queue,
        specify: Callable[[Asked], TrialSpec],
        holding: Holding,
        reused: Callable[[Asked, TrialResult], None],
        met: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(metric=memory.objective.metric, mode=memory.objective.mode)
        self.memory, self.queue, self.specify, self.reused, self.met = memory, queue, specify, reused, met
        self.holding = holding
        self.unfinished = memory.unfinished()

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial's config; None while it depends on trials that run; FINISHED.

        Not None without such trials: it would let an idle Tune sleep for a second.
        """
        asked = self._taken_up() or self._new()
        if asked is None and self.memory.driver.shares:
            self.unfinished += self.memory.others.orphans()  # to those of ours that wait to train alone
            asked = self._taken_up()
        if asked is None:  # last: whoever wants a machine for itself waits until nothing else is to be placed there
            asked = self._taken_up(alone=True)
        if asked is not None:
            held = self.holding.held_for(asked)
            spec = self.specify(asked)
            spec = replace(spec, gpus=held["gpu"], usd_per_hour=self.holding.price(held, spec.usd_per_hour))
            return {"number": asked.number, "group": asked.group, "held": held, "spec": spec.to_dict()}
        return str(Searcher.FINISHED) if self.queue.over else None

    def _taken_up(self, *, alone: bool = False) -> Asked | None:
        """An unfinished trial that no other driver has taken up first, among those that do or do not train alone."""
        for asked in list(self.unfinished):
            if (asked.number in self.holding.alone) == alone:
                self.unfinished.remove(asked)
                if self.memory.claim(asked.number):
                    return asked
        return None

    def _new(self) -> Asked | None:
        if self.memory.driver.shares:
            self.met()
        while (asked := self.queue.next()) is not None:
            found = self.memory.reuse(asked)
            if found is None:
                return asked
            self.reused(asked, found)
        return None

    def take_back(self, number: int) -> None:
        """A trial that was handed out is not over: hand it out again, before any new one."""
        self.unfinished.append(self.memory.asked(name_of(number)))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: see `recorder`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher for a restore of its own, which is not used."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the memory is on disk already."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a study is continued from its memory, not from Tune's."""
