"""Optuna's samplers as a study uses them, and what each must be told of a trial that ended."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import optuna
from optuna.samplers import NSGAIISampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ablate.study.study import Objective
from ablate.study.tuning import Tuning

LEAST_POPULATION, MOST_POPULATION = 8, 50
"""Of NSGA-II, whose default of 50 would leave a search of 60 trials one generation, drawn at random."""
GENERATIONS = 5
"""As many as a search has trials for, where the population stays within its bounds."""


def directions_of(objectives: Sequence[Objective]) -> list[StudyDirection]:
    """Which way each objective is better, in Optuna's word."""
    return [StudyDirection[each.goal.upper()] for each in objectives]


def sampler_of(tuning: Tuning, *, seed: int, slots: int) -> optuna.samplers.BaseSampler:
    """What proposes the configurations of a search."""
    if tuning.algorithm == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if tuning.algorithm == "nsga2":
        return NSGAIISampler(population_size=population_of(tuning), seed=seed)
    return TPESampler(
        seed=seed,
        multivariate=True,  # what only some levels have is modelled apart, among the trials that have it
        constant_liar=True,  # running trials count as poor ones, so that slots do not try the same
        n_startup_trials=max(10, 2 * slots),
    )


def population_of(tuning: Tuning) -> int:
    """Complete trials of a generation of NSGA-II; where ASHA stops trials, few are complete."""
    complete = tuning.trials // (tuning.asha.reduction_factor if tuning.asha else 1)
    return min(MOST_POPULATION, max(LEAST_POPULATION, complete // GENERATIONS))


def lesson(trial: FrozenTrial, *, objectives: Sequence[Objective], generation: int | None) -> FrozenTrial:
    """A trial that ended as its sampler can read it.

    Of several objectives TPE cannot order stopped trials by what they had reached (it asks for the one direction, and raises):
    without that they rank behind all complete ones. A trial belongs to the `generation` of NSGA-II that it completed.
    """
    if len(objectives) == 1:
        return trial
    told = copy.copy(trial)
    told.intermediate_values = {}
    if generation is not None and trial.state == TrialState.COMPLETE:
        told.system_attrs = {**trial.system_attrs, NSGAIISampler._get_generation_key(): generation}
    return told
