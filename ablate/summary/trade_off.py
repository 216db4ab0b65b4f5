"""The trade-off between objectives: which arms (of a search: trials) are on the front, who may be, and who beats the others.

An ablation's arms are compared by their means over seeds, with an interval in every objective; a search's trials have one
seed each and stand as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ablate.metrics.front import front as on_front
from ablate.metrics.hypervolume import hypervolume
from ablate.metrics.knee import knee
from ablate.store.read import StudyResults
from ablate.summary.cells import cells_of
from ablate.summary.dominators import Points, dominators
from ablate.summary.pareto import Front, sign_of
from ablate.summary.spread import Spread, spread_of
from ablate.summary.words import configuration, varied
from ablate.types import TrialResult

MARGIN = 0.1
"""Of each objective's range, that the reference of the hypervolume lies beyond the worst: else the front's ends add nothing."""
MOST_NAMED = 100
"""Of those that dominate one: where half of many trials dominate the other half, all names would fill the memory."""
Standing = Literal["front", "possible", "dominated"]


@dataclass(frozen=True)
class Place:
    """Where one arm or trial stands."""

    name: str
    """Of the arm; of a trial its id."""
    label: str
    """What was chosen, of a trial; of an arm its name again."""
    spreads: tuple[Spread, ...]
    """One of each objective."""
    standing: Standing
    """possible: dominated by the means, and yet not by them where each of its intervals is at its best end."""
    by: tuple[str, ...] = ()
    """Names on the front that dominate it, the best in the first objective first; at most MOST_NAMED."""
    num_by: int = 0
    """How many do in all."""


@dataclass(frozen=True)
class TradeOff:
    """All that is said of a front."""

    names: tuple[str, ...]
    """The objectives, as logged."""
    signs: tuple[int, ...]
    """1 where less is better, -1 where more is."""
    places: tuple[Place, ...]
    """The front from best to worst in the first objective, then the others likewise."""
    knee: str | None
    """Who is on the knee of the front (`metrics.knee`)."""
    reference: tuple[float, ...]
    """Of the hypervolume: MARGIN of the range beyond the worst of all, in each objective."""
    hypervolume: float
    """In the product of the objectives' units."""
    share: float
    """The same, of the box from the reference to the best of each objective: 0 to 1."""
    unmeasured: int
    """Arms or trials that lack one of the numbers."""

    @property
    def front(self) -> list[Place]:
        """Those on it, from best to worst in the first objective."""
        return [place for place in self.places if place.standing == "front"]


def trade_off(study: StudyResults, front: Front) -> TradeOff:
    """In the objectives of `front`: over the arms of an ablation, over the complete trials of a search."""
    names, signs = front.names, tuple(sign_of(name, study.objective) for name in front.names)
    rows = rows_of(study)
    spreads = {name: found for name, own in rows.items() if (found := _spreads(own, names)) is not None}
    labels = labels_of(study)
    points = np.array([[spread.mean for spread in found] for found in spreads.values()]).reshape(-1, len(names)) * signs
    best = np.array([_best_ends(found, signs) for found in spreads.values()]).reshape(-1, len(names))
    kept = on_front(points)
    ids = list(spreads)
    order = np.lexsort((*points.T[::-1], ~kept))
    front_at, beaten_at = np.split(order, [kept.sum()])
    names_on_front = [ids[at] for at in front_at.tolist()]
    places = [Place(name, labels[name], spreads[name], "front") for name in names_on_front]
    by_means, by_best_ends = (dominators(points[front_at], each[beaten_at]) for each in (points, best))
    for at, by, by_at_best in zip(beaten_at.tolist(), by_means, by_best_ends, strict=True):
        standing: Standing = "dominated" if by_at_best else "possible"
        named = tuple(names_on_front[other] for other in by[:MOST_NAMED])
        places.append(Place(ids[at], labels[ids[at]], spreads[ids[at]], standing, named, len(by)))
    knees = knee(points[front_at])
    reference, volume, share = _volume(points)
    return TradeOff(
        names,
        signs,
        tuple(places),
        None if knees is None else places[knees].name,
        tuple((reference * signs).tolist()),
        volume,
        share,
        len(rows) - len(spreads),
    )


def rows_of(study: StudyResults) -> dict[str, list[TrialResult]]:
    """Arm -> its complete final trials; of a search, trial -> itself."""
    if study.design is not None:
        return {arm: list(rows.values()) for arm, rows in cells_of(study).rows.items() if rows}
    return {row.id: [row] for row in study.trials if row.state == "complete"}


def labels_of(study: StudyResults) -> Mapping[str, str]:
    """What each of them is: of an arm its name again, of a trial its configuration."""
    if study.design is not None:
        return {arm: arm for arm in study.design.arms}
    names = varied(study.trials)
    return {row.id: configuration(row, names) for row in study.trials}


def _spreads(rows: Sequence[TrialResult], names: Sequence[str]) -> tuple[Spread, ...] | None:
    """None where a seed lacks a number, or has one that is not finite: else objectives would be of different seeds."""
    found = []
    for name in names:
        values = [{**row.metrics, **row.cost}.get(name, math.nan) for row in rows]
        if not all(map(math.isfinite, values)):
            return None
        found.append(spread_of(values, name))
    return tuple(found)


def _best_ends(spreads: Sequence[Spread], signs: Sequence[int]) -> list[float]:
    """The best that the intervals allow, as it is minimised; the mean where there is no interval."""
    ends = [spread.low if sign > 0 else spread.high for spread, sign in zip(spreads, signs, strict=True)]
    return [
        sign * (spread.mean if end is None else end) for spread, end, sign in zip(spreads, ends, signs, strict=True)
    ]


def _volume(points: Points) -> tuple[Points, float, float]:
    """Reference, hypervolume, and its share of the box from there to the best of each objective."""
    if not len(points):
        return np.full(points.shape[1], np.nan), 0.0, 0.0
    best, worst = points.min(axis=0), points.max(axis=0)
    span = np.where(worst > best, worst - best, np.where(worst == 0, 1.0, np.abs(worst)))  # all equal: of the value
    reference = worst + MARGIN * span
    volume = hypervolume(points, reference)
    return reference, volume, volume / float(np.prod(reference - best))
