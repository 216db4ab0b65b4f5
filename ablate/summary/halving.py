"""How far trials come under ASHA, by playing it: the rule is Ray's, the trials are of random quality.

There is no short formula: the first trials at a rung are compared with few, so more than one in `reduction_factor` go on.
Real trials come a little farther still where the search improves, for then the later ones are above the earlier.
"""

from __future__ import annotations

import random
from bisect import insort

from ablate.study.schema import Asha

RUNS = 30
MOST_TRIALS = 500
"""More are scaled up from so many: at that number the first few no longer count."""


def rungs_of(asha: Asha, epochs: int) -> list[int]:
    """The epochs at which ASHA stops trials; a rung at the last epoch would stop nobody."""
    rungs, epoch = [], asha.grace_epochs
    while epoch < epochs:
        rungs.append(epoch)
        epoch *= asha.reduction_factor
    return rungs


def reach(asha: Asha | None, *, trials: int, epochs: int) -> dict[int, float]:
    """Each rung, and last the last epoch -> about how many of `trials` come to it; all, where nothing stops them."""
    rungs = rungs_of(asha, epochs) if asha else []
    if asha is None or not rungs:
        return {epochs: float(trials)}
    draw, played = random.Random(0), min(trials, MOST_TRIALS)
    counts = [0] * (len(rungs) + 1)
    for _ in range(RUNS):
        seen: list[list[float]] = [[] for _ in rungs]
        for _ in range(played):
            for number in range(_rungs_passed(draw.random(), seen, 1 - 1 / asha.reduction_factor) + 1):
                counts[number] += 1
    scale = trials / played / RUNS
    return {epoch: count * scale for epoch, count in zip([*rungs, epochs], counts, strict=True)}


def epochs_of(come: dict[int, float]) -> float:
    """Epochs trained in all, by what `reach` gives."""
    in_all, last = 0.0, 0
    for epoch, count in come.items():
        in_all += count * (epoch - last)
        last = epoch
    return in_all


def _rungs_passed(quality: float, seen: list[list[float]], share: float) -> int:
    """At how many rungs a trial is not below the `share` quantile of those before it; it is added to all it comes to."""
    for number, earlier in enumerate(seen):
        if is_behind(quality, earlier, share):
            return number
    return len(seen)


def is_behind(quality: float, earlier: list[float], share: float) -> bool:
    """Whether a trial that comes to a rung is below the `share` quantile of those before it, `earlier`; it is added to them."""
    behind = bool(earlier) and quality < _quantile(earlier, share)
    insort(earlier, quality)
    return behind


def _quantile(values: list[float], share: float) -> float:
    """Of sorted values, linear between two."""
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])
