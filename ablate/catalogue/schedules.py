"""Schedules: the learning rate from epoch to epoch.

A builder gets the optimizer, the number of epochs and the objective's goal, and returns a function to call after each
epoch with the objective's value. `reads_epochs` says whether the first epochs depend on how many will follow: a study with
such a schedule cannot be made longer afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

SCHEDULES: Registry[LRScheduler] = Registry("schedule", "ablate.catalogue.schedules")

READS_EPOCHS = frozenset({"cosine"})
"""Schedules whose early epochs depend on the number of epochs."""


@SCHEDULES.register("constant", source="the optimizer's own learning rate throughout")
def constant(optimizer: Optimizer, epochs: int, goal: str) -> LRScheduler:
    """The learning rate stays."""
    from torch.optim.lr_scheduler import LambdaLR

    return LambdaLR(optimizer, lambda epoch: 1.0)


@SCHEDULES.register("cosine", source="Loshchilov & Hutter 2017 (arXiv:1608.03983), without restarts")
def cosine(optimizer: Optimizer, epochs: int, goal: str) -> LRScheduler:
    """Half a cosine from the learning rate to 0 over all epochs."""
    from torch.optim.lr_scheduler import CosineAnnealingLR

    return CosineAnnealingLR(optimizer, T_max=epochs)


_BOUNDS = {"every": (1.0, 1e6), "patience": (0.0, 1e6), "factor": (1e-6, 0.999)}


@SCHEDULES.register(
    "step",
    space={"every": {"int": [2, 10]}},
    bounds=_BOUNDS,
    source="He et al. 2016 (arXiv:1512.03385), section 3.4",
)
def step(optimizer: Optimizer, epochs: int, goal: str, *, every: int = 5, factor: float = 0.1) -> LRScheduler:
    """Multiplied by `factor` after each `every` epochs."""
    from torch.optim.lr_scheduler import StepLR

    return StepLR(optimizer, step_size=every, gamma=factor)


@SCHEDULES.register(
    "plateau", bounds=_BOUNDS, source="torch.optim.lr_scheduler.ReduceLROnPlateau, on the study's objective"
)
def plateau(optimizer: Optimizer, epochs: int, goal: str, *, patience: int = 2, factor: float = 0.1) -> LRScheduler:
    """Multiplied by `factor` once the objective has not improved for `patience` epochs."""
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    return ReduceLROnPlateau(optimizer, mode="max" if goal == "maximize" else "min", factor=factor, patience=patience)
