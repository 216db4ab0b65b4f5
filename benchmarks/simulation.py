"""Searches on a recorded grid: our proposer and our rungs, and Ray's stock pairing, with a clock and no training.

Slots report in the order in which real trials would have: each epoch takes the training seconds that were recorded.
"""

from __future__ import annotations

import csv
import gzip
import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import optuna
from optuna.trial import TrialState

from ablate.engine.stopping import Stopping, stopping_of
from ablate.store.group import Group
from ablate.store.proposer import Proposal, suggest
from ablate.study.configuration import Configuration
from ablate.study.schema import Asha
from ablate.study.space import Space
from ablate.study.study import Objective, Study
from ablate.study.tuning import Tuning

SECONDS = "cost/train_seconds"


class Grid:
    """The recorded table: the reports of every configuration."""

    def __init__(self, path: Path) -> None:
        self.curves: dict[tuple[str, ...], list[dict[str, float]]] = {}
        with gzip.open(path, "rt") as file:
            rows = list(csv.DictReader(file))
        self.names = list(rows[0])[: list(rows[0]).index("epoch")]
        for row in rows:
            key = tuple(row[name] for name in self.names)
            report = {name: float(row[name]) for name in row if name not in self.names}
            self.curves.setdefault(key, []).append(report)

    @property
    def epochs(self) -> int:
        """Of all configurations together."""
        return sum(map(len, self.curves.values()))

    def of(self, configuration: Configuration) -> list[dict[str, float]]:
        """The reports of one configuration."""
        return self.curves[tuple(str(configuration.params.get(name, "")) for name in self.names)]


@dataclass
class Found:
    """What a search had at any time."""

    complete: list[tuple[int, list[dict[str, float]]]] = field(default_factory=list)
    """Epochs spent by all trials when a trial had trained to its last epoch, and its reports."""
    trials: int = 0
    spent: int = 0


class Searcher(Protocol):
    """What decides in a search."""

    def start(self, number: int) -> Configuration | None:
        """None once there is nothing left to try."""

    def report(self, number: int, report: Mapping[str, float]) -> bool:
        """Whether the trial goes on."""

    def end(self, number: int, reports: Sequence[Mapping[str, float]], complete: bool) -> None:
        """Learn from it."""


def simulate(searcher: Searcher, grid: Grid, *, budget: int, slots: int) -> Found:
    """Run a search until its trials have spent `budget` epochs."""
    found, clock = Found(), 0.0
    waiting: list[tuple[float, int, int]] = []  # when, which trial, its epoch
    curves: dict[int, list[dict[str, float]]] = {}

    def begin() -> None:
        configuration = searcher.start(found.trials)
        if configuration is None:
            return
        curves[found.trials] = grid.of(configuration)
        heapq.heappush(waiting, (clock + curves[found.trials][0][SECONDS], found.trials, 1))
        found.trials += 1

    for _ in range(slots):
        begin()
    while waiting and found.spent < budget:
        clock, number, epoch = heapq.heappop(waiting)
        found.spent += 1
        curve = curves[number]
        goes_on, last = searcher.report(number, curve[epoch - 1]), epoch == len(curve)
        if goes_on and not last:
            heapq.heappush(waiting, (clock + curve[epoch][SECONDS] - curve[epoch - 1][SECONDS], number, epoch + 1))
            continue
        if last:
            found.complete.append((found.spent, curve))
        searcher.end(number, curve[:epoch], complete=last)
        begin()
    return found


class Ours:
    """Our proposer, that is told PRUNED of stopped trials, and our rungs."""

    def __init__(self, study: Study, tuning: Tuning, objectives: tuple[Objective, ...], *, slots: int) -> None:
        self.objectives, asha = objectives, tuning.asha
        self.group = Group(tuning, objectives, slots=slots, known=[])
        self.rungs: Stopping | None = None if asha is None else stopping_of(asha, objectives, study.space.epochs)
        self.proposals: dict[int, Proposal] = {}

    def start(self, number: int) -> Configuration | None:
        proposal = self.group.propose()
        if proposal is None:
            return None
        self.group.start(number, proposal)
        self.proposals[number] = proposal
        if self.rungs is not None:
            self.rungs.on_trial_add(None, _trial(number))
        return proposal.configuration

    def report(self, number: int, report: Mapping[str, float]) -> bool:
        return self.rungs is None or self.rungs.on_trial_result(None, _trial(number), dict(report)) == "CONTINUE"

    def end(self, number: int, reports: Sequence[Mapping[str, float]], complete: bool) -> None:
        proposal, lead = self.proposals.pop(number), self.objectives[0]
        best = max(reports, key=lambda report: lead.sign * report[lead.metric])
        reached = {**reports[-1], **{name: value for name, value in best.items() if name.startswith("val/")}}
        trial = optuna.trial.create_trial(
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            values=[reached[each.metric] for each in self.objectives] if complete else None,
            params=proposal.params,
            distributions=proposal.distributions,
            intermediate_values={int(report["epoch"]): report[lead.metric] for report in reports},
        )
        trial.number = number
        self.group.proposer.end(trial)


def _trial(number: int) -> SimpleNamespace:
    """What the rungs read of Tune's trial."""
    return SimpleNamespace(config={"number": number, "spec": {"known_costs": {}}})


class Stock(Searcher):
    """Ray Tune's OptunaSearch and ASHAScheduler as they are, called in the order in which Tune calls them."""

    def __init__(self, space: Space, objective: Objective, *, asha: Asha, seed: int) -> None:
        from ray.tune.schedulers import ASHAScheduler
        from ray.tune.search.optuna import OptunaSearch

        def define(trial: Any) -> None:
            space.resolve(partial(suggest, trial))

        self.space, self.epochs = space, space.epochs
        self.search = OptunaSearch(space=define, metric=objective.metric, mode=objective.mode, seed=seed)
        self.asha = ASHAScheduler(
            metric=objective.metric,
            mode=objective.mode,
            max_t=space.epochs,
            grace_period=asha.grace_epochs,
            reduction_factor=asha.reduction_factor,
        )

    def start(self, number: int) -> Configuration | None:
        values = self.search.suggest(str(number))
        assert values is not None, "OptunaSearch always has a suggestion"
        self.asha.on_trial_add(None, SimpleNamespace(trial_id=str(number)))
        return self.space.resolve(lambda name, domain: values[name])

    def report(self, number: int, report: Mapping[str, float]) -> bool:
        result = {**report, "training_iteration": int(report["epoch"])}
        decision = self.asha.on_trial_result(None, SimpleNamespace(trial_id=str(number)), result)
        if decision == "CONTINUE":
            self.search.on_trial_result(str(number), result)
        return bool(decision == "CONTINUE")

    def end(self, number: int, reports: Sequence[Mapping[str, float]], complete: bool) -> None:
        result = {**reports[-1], "training_iteration": int(reports[-1]["epoch"])}
        self.asha.on_trial_complete(None, SimpleNamespace(trial_id=str(number)), result)
        self.search.on_trial_complete(str(number), result)


Make = Callable[[int], Searcher]
"""A search, by its seed."""


def repeated(make: Make, grid: Grid, *, repeats: int, budget: int, slots: int) -> Iterator[Found]:
    """The same search with seeds 0, 1, 2, ..."""
    for seed in range(repeats):
        yield simulate(make(seed), grid, budget=budget, slots=slots)
