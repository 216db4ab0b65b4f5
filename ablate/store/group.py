"""A group: trials that are searched together, each another configuration; a search is one, the tuning of each arm another."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.trial import FrozenTrial

from ablate.store.asked import asked_of
from ablate.store.proposer import Proposal, Proposer
from ablate.study.study import Objective
from ablate.study.tuning import Tuning


class Group:
    """What a group has handed out, and what it proposes next."""

    def __init__(
        self, tuning: Tuning, objectives: Sequence[Objective], *, slots: int, known: list[FrozenTrial]
    ) -> None:
        self.tuning = tuning
        self.proposer = Proposer(tuning, objectives, slots=slots, known=known)
        self.digests = {asked_of(trial).configuration.digest for trial in known}
        self.count = len(known)

    @property
    def emptied(self) -> bool:
        """Whether every configuration of the space has been handed out."""
        size = self.tuning.space.size
        return size is not None and len(self.digests) >= size

    @property
    def full(self) -> bool:
        """Whether no further trial will come of it."""
        return self.count >= self.tuning.trials or self.emptied

    def propose(self) -> Proposal | None:
        """A configuration that none of its trials had; None once there is none left."""
        return None if self.emptied else self.proposer.propose(self.digests)

    def start(self, number: int, proposal: Proposal) -> None:
        """The proposal is trial `number` of the study."""
        self.proposer.start(number, proposal)
        self.digests.add(proposal.configuration.digest)
        self.count += 1
