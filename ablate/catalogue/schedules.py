"""Schedules: the learning rate from step to step.

A builder gets the optimizer and the Course of its training, and returns Rates, which the loop asks before each step and tells
the objective after each epoch. All but one_cycle, which rises by itself, take `warmup`: over so many epochs (2.5 are two and a
half) the rate climbs in equal steps to what the schedule says, for every group of weights (Goyal et al. 2017,
arXiv:1706.02677, section 2.2). `READS_EPOCHS` says which schedules depend in their first epochs on how many will follow: a
study with such a one cannot be made longer afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from ablate.catalogue.rates import Rates

SCHEDULES: Registry[Rates] = Registry("schedule", "ablate.catalogue.schedules")

READS_EPOCHS = frozenset({"cosine", "one_cycle"})
"""Schedules whose early epochs depend on the number of epochs."""


class Course(NamedTuple):
    """What lies before a trial."""

    epochs: int
    steps: int
    """Of one epoch."""
    goal: str
    """Of the objective: maximize or minimize."""


_BOUNDS = {
    "warmup": (0.0, 1e6),
    "every": (1.0, 1e6),
    "patience": (0.0, 1e6),
    "factor": (1e-6, 0.999),
    "rise": (0.01, 0.99),
}


def _warmed(
    course: Course, warmup: float, of_epoch: Callable[[int], float] = lambda epoch: 1.0
) -> Callable[[int], float]:
    """`of_epoch` (epochs before -> factor), and within the first `warmup` epochs the share of it that the step has reached."""
    climbing = warmup * course.steps

    def factor(steps: int) -> float:
        share = min(1.0, (steps + 1) / climbing) if climbing else 1.0
        return share * of_epoch(steps // course.steps)

    return factor


@SCHEDULES.register("constant", bounds=_BOUNDS, source="the optimizer's own learning rate throughout")
def constant(optimizer: Optimizer, course: Course, *, warmup: float = 0.0) -> Rates:
    """The learning rate stays, after `warmup` epochs."""
    from ablate.catalogue.rates import Rates

    return Rates(optimizer, _warmed(course, warmup))


@SCHEDULES.register(
    "cosine", bounds=_BOUNDS, source="Loshchilov & Hutter 2017 (arXiv:1608.03983), eq. 5, without restarts"
)
def cosine(optimizer: Optimizer, course: Course, *, warmup: float = 0.0) -> Rates:
    """Half a cosine from the learning rate to 0 over all epochs."""
    from ablate.catalogue.rates import Rates

    def of_epoch(epoch: int) -> float:
        return (1 + math.cos(math.pi * min(epoch / course.epochs, 1))) / 2

    return Rates(optimizer, _warmed(course, warmup, of_epoch))


@SCHEDULES.register(
    "step",
    space={"every": {"int": [2, 10]}},
    bounds=_BOUNDS,
    source="He et al. 2016 (arXiv:1512.03385), section 3.4",
)
def step(optimizer: Optimizer, course: Course, *, every: int = 5, factor: float = 0.1, warmup: float = 0.0) -> Rates:
    """Multiplied by `factor` after each `every` epochs."""
    from ablate.catalogue.rates import Rates

    return Rates(optimizer, _warmed(course, warmup, lambda epoch: float(factor ** (epoch // every))))


@SCHEDULES.register(
    "plateau", bounds=_BOUNDS, source="torch.optim.lr_scheduler.ReduceLROnPlateau, on the study's objective"
)
def plateau(
    optimizer: Optimizer, course: Course, *, patience: int = 2, factor: float = 0.1, warmup: float = 0.0
) -> Rates:
    """Multiplied by `factor` once the objective has not improved for `patience` epochs."""
    from ablate.catalogue.rates import PlateauRates

    return PlateauRates(optimizer, _warmed(course, warmup), goal=course.goal, patience=patience, drop=factor)


@SCHEDULES.register(
    "one_cycle",
    space={"rise": {"uniform": [0.1, 0.5]}},
    bounds=_BOUNDS,
    source="Smith & Topin 2018 (arXiv:1708.07120), with half cosines; the optimizer's momentum stays",
)
def one_cycle(optimizer: Optimizer, course: Course, *, rise: float = 0.3) -> Rates:
    """From 1/25 of the learning rate up to it over the share `rise` (0 to 1) of all steps, then down to 4e-6 of it."""
    from ablate.catalogue.rates import Rates

    total, low, lowest = course.epochs * course.steps, 1 / 25, 1 / 25 / 1e4  # torch's OneCycleLR, as is all of this
    peak = rise * total - 1

    def factor(steps: int) -> float:
        if steps <= peak:
            return _between(low, 1.0, steps / peak if peak else 1.0)
        down = total - 1 - peak
        return _between(1.0, lowest, min((steps - peak) / down, 1.0) if down else 1.0)

    return Rates(optimizer, factor)


def _between(start: float, end: float, share: float) -> float:
    """Along half a cosine."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
