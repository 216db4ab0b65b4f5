"""The queue of an ablation: every arm is tuned by as many trials as every other, then judged by each seed.

Arms take turns, and so do seeds: whenever a study is interrupted, its arms have had about the same.
"""

from __future__ import annotations

from ablate.store.asked import Asked
from ablate.store.memory import Memory
from ablate.store.rows import front_of
from ablate.study.ablation import Ablation
from ablate.study.configuration import Configuration
from ablate.types import TrialResult


class ArmQueue:
    """What an ablation runs next; asks its memory, which knows what is done."""

    def __init__(self, memory: Memory, ablation: Ablation) -> None:
        self.memory, self.ablation = memory, ablation
        self._read()
        self.ended: dict[str, TrialResult] = {}
        """Those that have ended: Tune asks again at each event while an arm waits, too often to read thousands of rows."""
        self.chosen: dict[str, Configuration] = {}
        """Configurations that were found to judge their arms: that does not change any more."""

    def _read(self) -> None:
        """What the memory says of what was handed out."""
        known = [self.memory.asked(row.id) for row in self.memory.results()]
        begun = {(asked.arm, asked.seed) for asked in known if asked.phase == "final"}
        self.left = [cell for cell in self.ablation.cells if cell not in begun]
        """What is to judge the arms and has not been handed out."""
        self.tuning: dict[str, list[str]] = {arm.name: [] for arm in self.ablation.arms}
        """The tuning trials of each arm, by their ids."""
        for asked in known:
            if asked.phase == "tune" and asked.arm in self.tuning:
                self.tuning[asked.arm].append(asked.id)

    @property
    def total(self) -> int:
        """Trials of the whole ablation."""
        tuned = sum(self.ablation.tuning_trials(arm.name) for arm in self.ablation.arms)
        return tuned + len(self.ablation.cells)

    @property
    def over(self) -> bool:
        """Whether nothing is left to hand out, now or later: an arm whose tuning trials all failed is never judged."""
        if self._tuned_least() is not None:
            return False
        if not self.left or self.ablation.tune is None:
            return not self.left
        waiting = {arm for arm, _ in self.left}
        return not any(row.state in ("complete", "running") for arm in waiting for row in self._rows(arm))

    def next(self) -> Asked | None:
        """The next trial; None while all that is left waits for an arm's tuning to end, or nothing is left."""
        with self.memory.driver.turn():
            if self.memory.look_around():
                self._read()
            return self._next()

    def _next(self) -> Asked | None:
        arm = self._tuned_least()
        if arm is not None:
            asked = self.memory.ask(arm)
            if asked is not None:
                self.tuning[arm].append(asked.id)
            return asked
        self._choose()
        for place, (arm, seed) in enumerate(self.left):
            if arm in self.chosen:
                del self.left[place]
                return self.memory.ask_final(arm, self.chosen[arm], seed)
        return None

    def _tuned_least(self) -> str | None:
        """Of the arms whose tuning has not handed out all its trials the one that has had the fewest."""
        if self.ablation.tune is None:
            return None
        groups = {arm.name: self.memory.group(arm.name) for arm in self.ablation.arms}
        unfilled = [name for name, group in groups.items() if not group.full]
        return min(unfilled, key=lambda name: groups[name].count, default=None)

    def _choose(self) -> None:
        """What judges each arm: its only configuration, or the best of its tuning once that is over."""
        objective = self.memory.objective
        for arm in self.tuning.keys() - self.chosen.keys():
            if self.ablation.tune is None:
                self.chosen[arm] = self.ablation.configuration(arm)
                continue
            rows = self._rows(arm)
            complete = [row for row in rows if row.state == "complete"]
            if complete and not any(row.state == "running" for row in rows):
                (best,) = front_of(complete, (objective,))
                self.chosen[arm] = self.ablation.at_full_length(self.memory.asked(best.id).configuration)

    def _rows(self, arm: str) -> list[TrialResult]:
        """The tuning trials of an arm, as far as they have come."""
        for id in self.tuning[arm]:
            if id not in self.ended and (row := self.memory.result(id)).state != "running":
                self.ended[id] = row
        return [self.ended.get(id) or self.memory.result(id) for id in self.tuning[arm]]


class SearchQueue:
    """What a search runs next."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    @property
    def total(self) -> int:
        """Trials of the whole search."""
        return self.memory.study.search.trials

    @property
    def over(self) -> bool:
        """Whether nothing is left to hand out."""
        return self.memory.group().full

    def next(self) -> Asked | None:
        """The next trial; None where nothing is left."""
        with self.memory.driver.turn():
            self.memory.look_around()
            return None if self.over else self.memory.ask()


Queue = ArmQueue | SearchQueue
"""What a study runs next."""


def queue_of(memory: Memory) -> Queue:
    """The queue that suits the study."""
    return SearchQueue(memory) if memory.study.ablation is None else ArmQueue(memory, memory.study.ablation)
