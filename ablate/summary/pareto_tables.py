"""The tables of a front: who is on it or may be, what each step along it gains and costs, and who dominates the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from ablate.store.read import StudyResults
from ablate.summary.ablation_tables import POINTS, interval
from ablate.summary.pareto import Front
from ablate.summary.spread import Spread
from ablate.summary.table import Table
from ablate.summary.trade_off import Place, TradeOff, trade_off
from ablate.summary.words import head, short_number
from ablate.types import counted

MOST_ROWS = 20
"""Of a table of dominated ones; CSV and JSON have all."""


def pareto_report(study: StudyResults, front: Front) -> tuple[list[Table], dict[str, Any]]:
    """The tables, and the same for machines under "front"; nothing where nobody has asked for a front, or none is there."""
    if not front.asked:
        return [], {}
    found = trade_off(study, front)
    what = "trial" if study.design is None else "arm"
    tables = [_front(found, what), _steps(found), _dominated(found, what)]
    return [table for table in tables if table is not None], {"front": as_json(found)}


def as_json(found: TradeOff) -> dict[str, Any]:
    """For machines; numbers are as logged."""
    places = [
        {
            "name": place.name,
            "label": place.label,
            "standing": place.standing,
            "by": list(place.by),
            "num_by": place.num_by,
            "values": {name: asdict(spread) for name, spread in zip(found.names, place.spreads, strict=True)},
        }
        for place in found.places
    ]
    return {
        "objectives": [
            {"name": name, "goal": "minimize" if sign > 0 else "maximize"}
            for name, sign in zip(found.names, found.signs, strict=True)
        ],
        "places": places,
        "knee": found.knee,
        "steps": steps_of(found),
        "hypervolume": found.hypervolume if places else None,
        "hypervolume_share": found.share if places else None,
        "reference": dict(zip(found.names, found.reference, strict=True)) if places else None,
        "unmeasured": found.unmeasured,
    }


def steps_of(found: TradeOff) -> list[dict[str, Any]]:
    """From each on the front to the next better one in the first objective: what changes, in units of the objectives.

    Of those that are equal in all objectives one stands for all.
    """
    distinct = {tuple(spread.mean for spread in place.spreads): place.name for place in found.front[::-1]}
    return [
        {
            "from": distinct[one],
            "to": distinct[other],
            "changes": {name: b - a for name, a, b in zip(found.names, one, other, strict=True)},
        }
        for one, other in pairwise(distinct)
    ]


def change(value: float, name: str) -> str:
    """A difference with its unit: +1.20 points, -3.1 ms p50."""
    if not name.startswith("cost/"):
        return f"{value * POINTS:+.2f} points"
    return f"{'+' if value >= 0 else '-'}{short_number(abs(value), name)} {head(name)}"


def measured(spread: Spread, name: str) -> str:
    """A mean as tables have it, with its interval where there is one that is no point."""
    cost = name.startswith("cost/")
    mean = short_number(spread.mean, name) if cost else f"{spread.mean:.4f}"
    if spread.low is None or spread.high is None or spread.low == spread.high:
        return mean
    ends = [short_number(end, name) for end in (spread.low, spread.high)]
    return f"{mean} [{', '.join(ends)}]" if cost else f"{mean} {interval(spread.low, spread.high, 1.0, '.4f')}"


def _front(found: TradeOff, what: str) -> Table | None:
    shown = [place for place in found.places if place.standing != "dominated"]
    if not shown:
        return None
    rows = [
        [place.name, *_cells(found, place), *_seeds(place, what), _said(found, place), *_label(place, what)]
        for place in shown
    ]
    heads = [what, *map(head, found.names), *(["n"] if what == "arm" else []), "standing"]
    heads += ["configuration"] if what == "trial" else []
    title = f"Pareto front of the {what}s: {found.names[0]} against {' and '.join(found.names[1:])}"
    return Table(title, heads, rows, "\n".join(_notes(found, what)), words=(what, "standing"))


def _said(found: TradeOff, place: Place) -> str:
    if place.standing == "possible":
        return "possibly on the front"
    return "knee" if place.name == found.knee else "front"


def _notes(found: TradeOff, what: str) -> list[str]:
    units = " x ".join(found.names)
    reference = ", ".join(f"{name} {value:.4g}" for name, value in zip(found.names, found.reference, strict=True))
    notes = [
        f"hypervolume {found.hypervolume:.4g} ({units}), {found.share:.1%} of the box from the reference to the best of "
        f"each; reference: {reference} (a tenth of the range beyond the worst)"
    ]
    if found.knee is not None:
        notes.append("knee: farthest below the line between the ends of the front, each objective scaled to its range")
    if what == "trial":
        notes.append("one seed each: no intervals")
    elif any(place.spreads[0].low is None for place in found.places):
        notes.append("an arm with one seed has no interval")
    else:
        notes.append("possibly on the front: not dominated where each of its 95 % intervals is at its best end")
    if found.unmeasured:
        lack = "lacks" if found.unmeasured == 1 else "lack"
        notes.append(f"{counted(found.unmeasured, what)} {lack} one of these numbers")
    return notes


def _steps(found: TradeOff) -> Table | None:
    """A line for each step, cheapest first; the answer to "what does one more point cost?"."""
    rows = []
    for step in steps_of(found):
        gained, *paid = (change(value, name) for name, value in step["changes"].items())
        rows.append([step["from"], step["to"], f"{gained} for {', '.join(paid)}"])
    title = f"steps along the front, towards better {found.names[0]}"
    return Table(title, ["from", "to", "what it gains and costs"], rows, words=("from", "to")) if rows else None


def _dominated(found: TradeOff, what: str) -> Table | None:
    places = [place for place in found.places if place.standing == "dominated"]
    known = {place.name: place for place in found.front}
    rows = [
        [place.name, *_cells(found, place), _by(place), _lead(found, known[place.by[0]], place)]
        for place in places[:MOST_ROWS]
    ]
    more = len(places) - len(rows)
    note = f"and {more} more: --format csv" if more else ""
    heads = [what, *map(head, found.names), "by", "by how much"]
    title = "dominated trials" if what == "trial" else "dominated arms, by their means"
    return Table(title, heads, rows, note, words=(what, "by")) if rows else None


def _by(place: Place) -> str:
    others = place.num_by - 1
    return f"{place.by[0]} and {others} more" if others else place.by[0]


def _lead(found: TradeOff, better: Place, place: Place) -> str:
    """What the first that dominates a place has on it."""
    changes = zip(found.names, better.spreads, place.spreads, strict=True)
    return ", ".join(change(a.mean - b.mean, name) for name, a, b in changes if a.mean != b.mean)


def _cells(found: TradeOff, place: Place) -> list[str]:
    return [measured(spread, name) for spread, name in zip(place.spreads, found.names, strict=True)]


def _seeds(place: Place, what: str) -> Sequence[str]:
    return [str(place.spreads[0].n)] if what == "arm" else []


def _label(place: Place, what: str) -> Sequence[str]:
    return [place.label] if what == "trial" else []
