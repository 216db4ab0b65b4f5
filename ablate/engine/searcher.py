"""The searcher: hands Tune the trials of a study, unfinished ones first, then what the study's memory proposes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ray.tune.search import Searcher

from ablate.store.memory import Asked, Memory
from ablate.training.spec import TrialSpec


class StudySearcher(Searcher):  # type: ignore[misc]
    """One queue, one number per trial. What becomes of a trial is written down by the recorder, not here."""

    def __init__(self, memory: Memory, queue: Iterable[Asked], specify: Callable[[Asked], TrialSpec]) -> None:
        super().__init__(metric=memory.objective.metric, mode=memory.objective.mode)
        self.memory, self.specify = memory, specify
        self.queue = list(queue)

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        """The next trial's config, or FINISHED; never None, which would let an idle Tune sleep for a second."""
        asked = self.queue.pop(0) if self.queue else self._new()
        if asked is None:
            return str(Searcher.FINISHED)
        return {"number": asked.number, "spec": self.specify(asked).to_dict()}

    def _new(self) -> Asked | None:
        return self.memory.ask() if self.memory.count() < self.memory.study.search.trials else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: see `recorder`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher for a restore of its own, which is not used."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the memory is on disk already."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a study is continued from its memory, not from Tune's."""
