"""What a trial holds: its share, and after it ran out of memory beside others everything that they would take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablate.engine.holding import MOST_ON_A_GPU, Holding, shares_of
from ablate.engine.resources import Budget, Machine
from ablate.store.asked import Asked
from ablate.study.spending import Resources
from tests.training.trials import CONFIGURATION

TRIAL = Asked(number=7, configuration=CONFIGURATION, seed=0)
OTHER = replace(TRIAL, number=8)


@pytest.mark.parametrize(
    ("trial", "allowed", "on_gpu", "shared", "alone"),
    [
        (Resources(cpus=2), Budget(8, 0), False, {"cpu": 2, "gpu": 0}, {"cpu": 8, "gpu": 0}),
        (Resources(cpus=2, gpus=0.25), Budget(32, 4), True, {"cpu": 2, "gpu": 0.25}, {"cpu": 2, "gpu": 1}),
        (Resources(cpus=1, gpus=0.25), Budget(8, 0.5), True, {"cpu": 1, "gpu": 0.25}, {"cpu": 1, "gpu": 0.5}),
        (
            Resources(cpus=1, gpus=1),
            Budget(8, 4),
            False,
            {"cpu": 1, "gpu": 1},
            {"cpu": 8, "gpu": 1},
        ),  # memory of the host
        (
            Resources(cpus=2),
            Budget(37, 0, (Machine(1, 0), Machine(4, 0), Machine(16, 0), Machine(16, 0))),
            False,
            {"cpu": 2, "gpu": 0},
            {"cpu": 16, "gpu": 0},  # four could be those of a larger machine, beside others
        ),
        (
            Resources(cpus=2, gpus=0.5),
            Budget(80, 2, (Machine(64, 0), Machine(16, 2))),
            False,
            {"cpu": 2, "gpu": 0.5},
            {"cpu": 16, "gpu": 0.5},  # the largest has no GPU
        ),
    ],
)
def test_a_trial_is_tried_alone_once(
    trial: Resources, allowed: Budget, on_gpu: bool, shared: dict[str, float], alone: dict[str, float]
) -> None:
    holding = Holding(trial, allowed)
    assert holding.held_for(TRIAL) == shared
    assert holding.try_alone(TRIAL, on_gpu=on_gpu)
    assert holding.held_for(TRIAL) == alone and holding.held_for(OTHER) == shared
    assert not holding.try_alone(TRIAL, on_gpu=on_gpu)


@pytest.mark.parametrize(
    ("trial", "allowed", "on_gpu"),
    [
        (Resources(cpus=8), Budget(8, 0), False),
        (Resources(cpus=2), Budget(3, 0), False),  # the third CPU holds nobody
        (Resources(cpus=1, gpus=1), Budget(8, 4), True),
        (Resources(cpus=1, gpus=0.75), Budget(8, 1), True),
        (Resources(cpus=1, workers=2), Budget(8, 0), False),  # Ray Train holds what its workers need
    ],
)
def test_a_trial_without_neighbours_gains_nothing_by_a_second_try(
    trial: Resources, allowed: Budget, on_gpu: bool
) -> None:
    assert not Holding(trial, allowed).try_alone(TRIAL, on_gpu=on_gpu)


@pytest.mark.parametrize(
    ("taken", "trials"),
    [
        (100, 8),  # more would only wait for each other
        (9_999, 8),
        (10_001, 7),
        (16_000, 5),
        (40_000, 2),
        (40_001 * 2, 1),
        (float("inf"), 1),  # it does not fit, and its trial will say so
        (0.0, 1),  # it could not be tried
    ],
)
def test_a_gpu_is_divided_into_as_many_equal_parts_as_its_memory_holds(taken: float, trials: int) -> None:
    share = shares_of({"mlp": taken}, total=88_000)["mlp"]
    assert int(1 / share) == trials
    assert round(share * 10_000) * trials <= 10_000, "Ray rounds to ten-thousandths"


def test_what_was_measured_decides_how_many_trials_run_and_what_each_holds_and_costs() -> None:
    holding = Holding(Resources(cpus=1, gpus="auto"), Budget(32, 2))
    assert holding.slots == 2 * MOST_ON_A_GPU  # nothing is known yet
    holding.shares = {CONFIGURATION.architecture: 0.25, "another": 0.5}
    assert holding.slots == 8
    shared = holding.held_for(TRIAL)
    assert shared == {"cpu": 1, "gpu": 0.25}
    assert holding.price(shared, 4.0) == 1.0
    assert holding.try_alone(TRIAL, on_gpu=True)
    assert holding.price(holding.held_for(TRIAL), 4.0) == 4.0


def test_on_a_part_of_a_cluster_no_architecture_takes_more_than_that_part() -> None:
    """There are eight GPUs, and Ray gives a trial what it holds: only the number of trials keeps a study to two."""
    machines = (Machine(32, 4), Machine(32, 4))
    for gpus, slots in ((2, 2), (8, 64)):
        holding = Holding(Resources(cpus=1, gpus="auto"), Budget(64, gpus, machines))
        holding.shares = {"large": 1.0, "small": 0.125}
        assert holding.slots == slots


def test_a_trial_that_holds_all_cpus_costs_what_all_of_them_cost() -> None:
    holding = Holding(Resources(cpus=2), Budget(8, 0))
    assert holding.price(holding.held_for(TRIAL), 0.1) == pytest.approx(0.1)
    assert holding.try_alone(TRIAL, on_gpu=False)
    assert holding.price(holding.held_for(TRIAL), 0.1) == pytest.approx(0.4)
    assert holding.price(holding.held_for(TRIAL), None) is None
