"""The rates of each schedule are those of torch's scheduler of that name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, ReduceLROnPlateau, StepLR

from ablate.catalogue.rates import Rates
from ablate.catalogue.schedules import Course, cosine, one_cycle, plateau, step

EPOCHS, STEPS, LR = 9, 5, 0.3
COURSE = Course(EPOCHS, STEPS, "maximize")
OBJECTIVES = [0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.25, 0.3, 0.3]


def optimizer() -> Optimizer:
    return SGD([nn.Parameter(torch.ones(1))], lr=LR)


def rate(of: Optimizer) -> float:
    return float(of.param_groups[0]["lr"])


def ours(follow: Optimizer, schedule: Rates) -> list[float]:
    """The rate of every step."""
    found = []
    for objective in OBJECTIVES:
        for _ in range(STEPS):
            schedule.begin_step()
            found.append(rate(follow))
        schedule.end_epoch(objective)
    return found


def theirs(follow: Optimizer, scheduler: LRScheduler) -> Iterator[float]:
    """Stepped once an epoch."""
    for objective in OBJECTIVES:
        for _ in range(STEPS):
            yield rate(follow)
            follow.step()
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(objective)
        else:
            scheduler.step()


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.77])
def test_one_cycle_is_torchs_with_the_optimizers_rate_at_its_peak(rise: float) -> None:
    follow, other = optimizer(), optimizer()
    scheduler = OneCycleLR(other, max_lr=LR, total_steps=EPOCHS * STEPS, pct_start=rise, cycle_momentum=False)
    expected = [rate(other)]
    for _ in range(EPOCHS * STEPS - 1):
        other.step()
        scheduler.step()
        expected.append(rate(other))
    assert ours(follow, one_cycle(follow, COURSE, rise=rise)) == pytest.approx(expected)
    assert max(expected) > 0.95 * LR


def test_cosine_and_step_and_plateau_are_torchs() -> None:
    pairings: list[tuple[Callable[[Optimizer], Rates], Callable[[Optimizer], LRScheduler]]] = [
        (lambda o: cosine(o, COURSE), lambda o: CosineAnnealingLR(o, T_max=EPOCHS)),
        (lambda o: step(o, COURSE, every=2, factor=0.5), lambda o: StepLR(o, step_size=2, gamma=0.5)),
        (
            lambda o: plateau(o, COURSE, patience=1, factor=0.5),
            lambda o: ReduceLROnPlateau(o, mode="max", factor=0.5, patience=1),
        ),
    ]
    for build, torchs in pairings:
        follow, other = optimizer(), optimizer()
        expected = list(theirs(other, torchs(other)))
        assert len(set(expected)) > 2
        assert ours(follow, build(follow)) == pytest.approx(expected)


def test_a_warm_up_of_part_of_an_epoch_ends_within_it() -> None:
    follow = optimizer()
    rates = ours(follow, step(follow, COURSE, every=100, warmup=0.8))
    assert rates[:6] == pytest.approx([LR / 4, LR / 2, LR * 3 / 4, LR, LR, LR])
