"""The queue of an ablation: every arm is tuned by as many trials as every other, then judged by each seed.

Arms take turns, and so do seeds: whenever a study is interrupted, its arms have had about the same.
"""

from __future__ import annotations

from ablate.store.asked import Asked
from ablate.store.memory import Memory
from ablate.study.ablation import Ablation
from ablate.study.configuration import Configuration
from ablate.types import TrialResult


class ArmQueue:
    """What an ablation runs next; asks its memory, which knows what is done."""

    def __init__(self, memory: Memory, ablation: Ablation) -> None:
        self.memory, self.ablation = memory, ablation
        known = [memory.asked(row.id) for row in memory.results()]
        self.begun = {(asked.arm, asked.seed) for asked in known if asked.phase == "final"}
        self.chosen: dict[str, Configuration] = {}
        """Configurations that were found to judge their arms: that does not change any more."""

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
        left = {arm for arm, seed in self.ablation.cells if (arm, seed) not in self.begun}
        if not left or self.ablation.tune is None:
            return not left
        tuning = self._tuning()
        return not any(row.state in ("complete", "running") for arm in left for row in tuning[arm])

    def next(self) -> Asked | None:
        """The next trial; None while all that is left waits for an arm's tuning to end, or nothing is left."""
        arm = self._tuned_least()
        if arm is not None:
            return self.memory.ask(arm)
        left = [cell for cell in self.ablation.cells if cell not in self.begun]
        if any(arm not in self.chosen for arm, _ in left):
            self._choose()
        for arm, seed in left:
            if arm in self.chosen:
                self.begun.add((arm, seed))
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
        if self.ablation.tune is None:
            self.chosen = {arm.name: self.ablation.configuration(arm.name) for arm in self.ablation.arms}
            return
        objective = self.memory.objective
        for arm, rows in self._tuning().items():
            complete = [row for row in rows if row.state == "complete"]
            if complete and not any(row.state == "running" for row in rows):
                best = max(complete, key=lambda row: objective.sign * row.metrics[objective.metric])
                self.chosen[arm] = self.ablation.at_full_length(self.memory.asked(best.id).configuration)

    def _tuning(self) -> dict[str, list[TrialResult]]:
        """The tuning trials of each arm."""
        found: dict[str, list[TrialResult]] = {arm.name: [] for arm in self.ablation.arms}
        for row in self.memory.results():
            if row.phase == "tune" and row.arm in found:
                found[row.arm].append(row)
        return found


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
        return None if self.over else self.memory.ask()


Queue = ArmQueue | SearchQueue
"""What a study runs next."""


def queue_of(memory: Memory) -> Queue:
    """The queue that suits the study."""
    return SearchQueue(memory) if memory.study.ablation is None else ArmQueue(memory, memory.study.ablation)
