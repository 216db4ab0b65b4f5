"""The proposer: which configuration to try next, by an Optuna sampler that looks at an in-memory copy of the study's past.

The sampler sees every trial while there are few, later the best and the newest: TPE's time for a proposal grows with the trials
it sees (27 ms at 260 trials of the quickstart's space), and a driver that proposes lets its workers wait.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import cast

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from ablate.metrics.rank import order
from ablate.store.samplers import directions_of, lesson, population_of, sampler_of
from ablate.study.configuration import Configuration
from ablate.study.domain import Choice, Domain, Fixed, Int
from ablate.study.study import Objective
from ablate.study.tuning import Tuning
from ablate.types import Scalar

WINDOW = 100
"""Ended trials that the sampler sees after the oldest were dropped; it sees up to half as many again before that.

Measured on a made-up objective over the quickstart's space, 6 seeds, mean best error after 300 trials: 0.005 with 100, 0.023
with 60, 0.015 with all, 0.009 with all and TPE's `group`, which takes three times as long.
"""
MOST_GOOD = 25
"""Trials that TPE counts as good, at most (Optuna's default): the best that are never dropped."""
ATTEMPTS = 20
"""Proposals in a row that are all known already, before one that is not is drawn uniformly."""


@dataclass(frozen=True)
class Proposal:
    """A configuration, with Optuna's view of it."""

    configuration: Configuration
    params: dict[str, Scalar]
    distributions: dict[str, BaseDistribution]
    draft: int
    """Its number in the copy."""


class Proposer:
    """`propose`, then `start` it under the number it got, then `end` it."""

    def __init__(
        self, tuning: Tuning, objectives: Sequence[Objective], *, slots: int, known: list[FrozenTrial]
    ) -> None:
        self.tuning, self.space = tuning, tuning.space
        self.objectives = objectives
        seeds = np.random.SeedSequence(
            [tuning.seed, len(known)]
        )  # or a continued study would propose its beginning again
        self.rng = np.random.default_rng(seeds)
        self.ended = sorted((trial for trial in known if trial.state.is_finished()), key=_end_of)
        self.dropped = 0
        self.sampler = sampler_of(tuning, seed=int(seeds.generate_state(1)[0]), slots=slots)
        self.drafts: dict[int, int] = {}
        self._copy({trial.number: trial for trial in known if not trial.state.is_finished()})

    def propose(self, known: Container[str]) -> Proposal:
        """A configuration whose digest is not `known`. There must be one."""
        for _ in range(ATTEMPTS):
            proposal = self._ask()
            if proposal.configuration.digest not in known:
                return proposal
            self.copy.tell(proposal.draft, state=TrialState.FAIL)
        self.copy.enqueue_trial(self._draw(known))
        return self._ask()

    def start(self, number: int, proposal: Proposal) -> None:
        """The proposal is trial `number` of the study."""
        self.drafts[number] = proposal.draft

    def end(self, trial: FrozenTrial) -> None:
        """Learn from a trial that ended."""
        self.copy.tell(
            self.drafts.pop(trial.number), state=TrialState.FAIL
        )  # the draft makes way for what became of it
        self.ended.append(trial)
        self._teach(trial)
        if self.tuning.algorithm != "nsga2" and len(self.ended) - self.dropped > WINDOW * 1.5:
            drafts = self.copy.get_trials(deepcopy=False)
            self._copy({number: drafts[draft] for number, draft in self.drafts.items()})

    def _ask(self) -> Proposal:
        trial = self.copy.ask()
        configuration = self.space.resolve(partial(suggest, trial))
        return Proposal(configuration, dict(trial.params), dict(trial.distributions), trial.number)

    def _draw(self, known: Container[str]) -> dict[str, Scalar]:
        """Parameters of a configuration that is not known, uniformly."""
        while True:
            params: dict[str, Scalar] = {}

            def choose(name: str, domain: Domain, params: dict[str, Scalar] = params) -> Scalar:
                params[name] = draw(domain, self.rng)
                return params[name]

            if self.space.resolve(choose).digest not in known:
                return params

    def _copy(self, running: Mapping[int, FrozenTrial]) -> None:
        """Make the copy anew, of the ended trials and those that run, by their numbers."""
        self.copy = optuna.create_study(directions=directions_of(self.objectives), sampler=self.sampler)
        seen = self._seen()
        self.dropped = len(self.ended) - len(seen)
        self.complete = 0
        for trial in seen:
            self._teach(trial)
        for number, trial in running.items():
            self.drafts[number] = len(self.copy.get_trials(deepcopy=False))
            self.copy.add_trial(trial)

    def _teach(self, trial: FrozenTrial) -> None:
        """Let the sampler see a trial that ended; generations of NSGA-II are counted in the order of the ends."""
        generation = None
        if self.tuning.algorithm == "nsga2" and trial.state == TrialState.COMPLETE:
            generation = self.complete // population_of(self.tuning)
            self.complete += 1
        self.copy.add_trial(lesson(trial, objectives=self.objectives, generation=generation))

    def _seen(self) -> list[FrozenTrial]:
        """All ended trials while they are few; else the best complete ones (TPE takes them for good) and the newest others.

        NSGA-II sees all: it looks at one generation only, but at all of that.
        """
        if len(self.ended) <= WINDOW or self.tuning.algorithm == "nsga2":
            return self.ended
        complete = [trial for trial in self.ended if trial.state == TrialState.COMPLETE]
        best = {complete[place].number for place in self._order(complete)[:MOST_GOOD]}
        newest = [trial.number for trial in self.ended if trial.number not in best][len(best) - WINDOW :]
        numbers = best | set(newest)
        return [trial for trial in self.ended if trial.number in numbers]

    def _order(self, complete: list[FrozenTrial]) -> list[int]:
        """Positions, the best first."""
        points = [[-each.sign * v for each, v in zip(self.objectives, t.values, strict=True)] for t in complete]
        return sorted(range(len(points)), key=points.__getitem__) if len(self.objectives) == 1 else order(points)


def _end_of(trial: FrozenTrial) -> datetime:
    assert trial.datetime_complete is not None, f"trial {trial.number} has ended without a time"
    return trial.datetime_complete


def suggest(trial: optuna.Trial, name: str, domain: Domain) -> Scalar:
    """Let Optuna draw a value of `domain`."""
    assert not isinstance(domain, Fixed), "a fixed value is not drawn"
    if isinstance(domain, Choice):
        return cast(Scalar, trial.suggest_categorical(name, domain.options))
    if isinstance(domain, Int):
        return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)


def draw(domain: Domain, rng: np.random.Generator) -> Scalar:
    """A value of `domain`, each with the same chance; of a logarithmic range of reals, each logarithm."""
    assert not isinstance(domain, Fixed), "a fixed value is not drawn"
    if isinstance(domain, Choice):
        return domain.options[rng.integers(len(domain.options))]
    if isinstance(domain, Int):
        return int(rng.integers(domain.low, domain.high, endpoint=True))
    if domain.log:
        return min(domain.high, math.exp(rng.uniform(math.log(domain.low), math.log(domain.high))))
    return float(rng.uniform(domain.low, domain.high))
