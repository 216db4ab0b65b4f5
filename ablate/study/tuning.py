"""A tuning: configurations of one space are tried, one after the other; a search is one, and so is what each arm gets."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.study.schema import Asha
from ablate.study.space import Space


@dataclass(frozen=True)
class Tuning:
    """What is searched, how, and for how long."""

    space: Space
    algorithm: str
    """tpe or random."""
    trials: int
    """Configurations that are tried."""
    asha: Asha | None
    """How trials that are behind are stopped; None: each trains to its last epoch."""
    seed: int
    """Drives the proposals."""
