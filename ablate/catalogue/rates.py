"""Rates: the learning rate of each step, as a factor of what the optimizer was built with.

Every parameter group keeps its own rate and all follow the same factor, a function of the steps taken: a trial that goes on
from its checkpoint needs no more than their number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau


class Rates:
    """Sets the rate of every group before each step."""

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        """`factor` of the number of steps taken before; 1 leaves each group its own rate."""
        self.optimizer, self.factor = optimizer, factor
        self.full = [float(group["lr"]) for group in optimizer.param_groups]
        self.steps = 0

    def begin_step(self) -> None:
        """Call it before the optimizer's step."""
        factor = self.factor(self.steps)
        for group, full in zip(self.optimizer.param_groups, self.full, strict=True):
            group["lr"] = full * factor
        self.steps += 1

    def end_epoch(self, objective: float) -> None:
        """Call it after validation, with the objective's value."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.steps = state["steps"]


class PlateauRates(Rates):
    """Multiplied by `drop` too, each time that the objective has not improved for `patience` epochs."""

    def __init__(
        self, optimizer: Optimizer, factor: Callable[[int], float], *, goal: str, patience: int, drop: float
    ) -> None:
        # torch's scheduler moves the rate of an optimizer that trains nothing: 1, then what is left of it
        self.stand_in = SGD([nn.Parameter(torch.empty(0))], lr=1.0)
        mode: Literal["max", "min"] = "max" if goal == "maximize" else "min"
        self.watch = ReduceLROnPlateau(self.stand_in, mode=mode, factor=drop, patience=patience)
        super().__init__(optimizer, lambda steps: factor(steps) * self.left)

    @property
    def left(self) -> float:
        """What the plateaus so far have left of the rate."""
        return float(self.stand_in.param_groups[0]["lr"])

    def end_epoch(self, objective: float) -> None:
        """Look whether it has improved."""
        self.watch.step(objective)

    def state_dict(self) -> dict[str, Any]:
        """Steps, what has been the best, and how far the rate has dropped."""
        return {**super().state_dict(), "watch": self.watch.state_dict(), "left": self.left}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        super().load_state_dict(state)
        self.watch.load_state_dict(state["watch"])
        self.stand_in.param_groups[0]["lr"] = state["left"]
