"""What a trial holds: its share, and after it ran out of memory beside others everything that they would take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablate.engine.holding import Holding
from ablate.engine.resources import Budget, Machine
from ablate.store.asked import Asked
from ablate.study.spending import Resources
from tests.training.trials import CONFIGURATION

TRIAL = Asked(number=7, configuration=CONFIGURATION, seed=0)
OTHER = replace(TRIAL, number=8)


@pytest.mark.parametrize(
    ("trial", "allowed", "shared", "alone"),
    [
        (Resources(cpus=2), Budget(8, 0), {"cpu": 2, "gpu": 0}, {"cpu": 8, "gpu": 0}),
        (Resources(cpus=2, gpus=0.25), Budget(32, 4), {"cpu": 2, "gpu": 0.25}, {"cpu": 2, "gpu": 1}),
        (Resources(cpus=1, gpus=0.25), Budget(8, 0.5), {"cpu": 1, "gpu": 0.25}, {"cpu": 1, "gpu": 0.5}),
        (
            Resources(cpus=2),
            Budget(21, 0, (Machine(1, 0), Machine(4, 0), Machine(16, 0))),
            {"cpu": 2, "gpu": 0},
            {"cpu": 4, "gpu": 0},  # more would leave it but one machine to wait for
        ),
    ],
)
def test_a_trial_is_tried_alone_once(
    trial: Resources, allowed: Budget, shared: dict[str, float], alone: dict[str, float]
) -> None:
    holding = Holding(trial, allowed)
    assert holding.of(TRIAL) == shared
    assert holding.try_alone(TRIAL)
    assert holding.of(TRIAL) == alone and holding.of(OTHER) == shared
    assert not holding.try_alone(TRIAL)


@pytest.mark.parametrize(
    ("trial", "allowed"),
    [
        (Resources(cpus=8), Budget(8, 0)),
        (Resources(cpus=1, gpus=1), Budget(8, 4)),
        (Resources(cpus=1, workers=2), Budget(8, 0)),  # Ray Train holds what its workers need
    ],
)
def test_a_trial_without_neighbours_gains_nothing_by_a_second_try(trial: Resources, allowed: Budget) -> None:
    assert not Holding(trial, allowed).try_alone(TRIAL)
