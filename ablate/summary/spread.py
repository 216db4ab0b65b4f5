"""What some seeds reached in one number: its mean, with the interval in which the true mean lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablate.catalogue.entries import bounds_of
from ablate.summary.statistics import paired


@dataclass(frozen=True)
class Spread:
    """In the unit of the metric or cost."""

    mean: float
    low: float | None
    """Of the 95 % interval; None with one seed."""
    high: float | None
    n: int


def spread_of(values: Sequence[float], name: str) -> Spread:
    """Of one or more finite values of the metric or cost `name`, one a seed."""
    if len(values) == 1:
        return Spread(values[0], None, None, 1)
    found = paired(values)
    assert found.mean is not None, "there is a value"
    low, high = found.low, found.high
    if low is not None and high is not None:  # where the t interval leaves what the number can be
        least, most = bounds_of(name)
        low, high = max(low, least), min(high, most)
    return Spread(found.mean, low, high, found.n)
