"""The schema of what a trial holds, of what its costs are worth, and of what they may be."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ablate.study.strict import Strict


class Resources(Strict):
    """What one trial holds while it trains."""

    cpus: int = Field(1, ge=1)
    """CPU threads of each worker."""
    gpus: Annotated[float, Field(ge=0)] | Literal["auto"] = 0.0
    """Accelerators of each worker; 0 trains on the CPU, 0.25 shares one among four trials, auto among as many as fit."""
    workers: int = Field(1, ge=1)
    """Processes that train one trial together: each takes its share of every batch."""

    @field_validator("gpus", mode="before")
    @classmethod
    def _share(cls, value: object) -> object:
        if value == "auto":
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{'nothing' if value is None else repr(value)} is no number\nwrite a number, or auto")
        if value < 0:
            raise ValueError(f"{value:g} is too small\nwrite 0 or more, or auto")
        if value > 1:
            raise ValueError(
                f"{value:g} is more than one GPU, but a worker trains on one\n"
                f"write 1, or a fraction such as 0.5; several train a trial together with workers: {value:g}, gpus: 1"
            )
        return value

    @model_validator(mode="after")
    def _whole(self) -> Resources:
        if self.workers > 1 and (self.gpus == "auto" or 0 < self.gpus < 1):
            raise ValueError(
                f"{self.workers} workers cannot share GPUs: NCCL, by which they talk, wants one for each\n"
                "write gpus: 1, or workers: 1"
            )
        return self

    @property
    def gpu_share(self) -> float:
        """`gpus` as a number: a whole one where each architecture's share is found out on the machine (`auto`)."""
        return 1.0 if self.gpus == "auto" else self.gpus

    @property
    def workers_per_gpu(self) -> int:
        """How many share a GPU where `gpus` is above 0: a fraction never spans two. 1e-9: 1 / (1/3) must be 3."""
        return math.floor(1 / self.gpu_share + 1e-9)

    def with_share(self, share: float) -> Resources:
        """The same with `share` of a GPU."""
        return self.model_copy(update={"gpus": share})

    @property
    def all_cpus(self) -> int:
        """CPU threads of all workers."""
        return self.cpus * self.workers

    @property
    def all_gpus(self) -> float:
        """Accelerators of all workers."""
        return self.gpu_share * self.workers


class Cost(Strict):
    """What is measured beyond what every study measures, and what a trial's time is worth."""

    measure: list[Literal["throughput", "bf16", "int8"]] = Field(default_factory=list)
    """Timed of each architecture, too: images per second at the best batch; the latency of one image in bf16, in int8.

    What a constraint names is measured unasked.
    """
    prices: str | None = None
    """Path of a price list such as cluster/prices.yaml, absolute or from where ablate is started."""
    machine: str | None = None
    """Which entry of the list the trials are trained on."""

    @model_validator(mode="after")
    def _both(self) -> Cost:
        if (self.prices is None) != (self.machine is None):
            raise ValueError(
                "a price needs a list and a machine in it\nwrite {prices: cluster/prices.yaml, machine: NAME}"
            )
        return self


class Limit(Strict):
    """A bound on one cost; at least one of the two."""

    max: float | None = Field(None, ge=0)
    """Largest value allowed."""
    min: float | None = Field(None, ge=0)
    """Smallest value allowed."""

    @model_validator(mode="after")
    def _one(self) -> Limit:
        if self.max is None and self.min is None:
            raise ValueError("there is no bound\nwrite max or min, as in {max: 5}")
        if self.max is not None and self.min is not None and self.min > self.max:
            raise ValueError(
                f"nothing is at least {self.min:g} and at most {self.max:g}\nswap min and max, or leave one out"
            )
        return self

    def allows(self, value: float) -> bool:
        """Whether `value` is within the bound."""
        return (self.max is None or value <= self.max) and (self.min is None or value >= self.min)

    def describe(self) -> str:
        """For people: `at least 2, at most 5`."""
        bounds = {"at least": self.min, "at most": self.max}
        return ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
