"""Numbers and configurations as people read them: four digits, a unit, and only what differs between trials."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ablate.catalogue.costs import COSTS
from ablate.study.configuration import SLOTS
from ablate.types import TrialResult


def head(name: str) -> str:
    """The title of a column of costs or metrics."""
    return COSTS[name].title if name in COSTS else name


def number(row: TrialResult, name: str) -> str:
    """A metric with four decimals, a cost with four digits; `-` where it is missing."""
    value = {**row.metrics, **row.cost}.get(name)
    if value is None:
        return "-"
    if name in row.metrics or not math.isfinite(value):
        return f"{value:.4f}"
    return short_number(value, name)


def short_number(value: float, name: str) -> str:
    """A cost in its unit, four digits."""
    shown = value * (COSTS[name].scale if name in COSTS else 1.0)
    return f"{shown:.4g}" if abs(shown) < 1e4 else f"{shown:,.0f}"


def varied(trials: Iterable[TrialResult]) -> list[str]:
    """Parameters that differ between trials that have them, in the order of the configuration.

    A component's parameter differs only if it does so among the trials that have this very component.
    """
    seen: dict[tuple[str, object], set[object]] = {}
    for row in trials:
        for name, value in row.params.items():
            owner = row.params.get(name.partition(".")[0]) if "." in name else None
            seen.setdefault((name, owner), set()).add(value)
    return list(dict.fromkeys(name for (name, _), found in seen.items() if len(found) > 1))


def configuration(row: TrialResult, names: list[str]) -> str:
    """What was chosen, each component with its parameters: `mlp width=128, triplet margin=0.2, embedding_dim=64`."""
    parts = []
    for name in dict.fromkeys(n.partition(".")[0] if n.partition(".")[0] in SLOTS else n for n in row.params):
        own = [n for n in names if n.startswith(f"{name}.") and n in row.params] if name in SLOTS else []
        words = [f"{n.partition('.')[2]}={short(row.params[n])}" for n in own]
        if name in SLOTS and (name in names or own):
            level = str(row.params[name])
            parts.append(" ".join([f"no {name}" if level == "none" else level, *words]))
        elif name in names:
            parts.append(f"{name}={short(row.params[name])}")
    return ", ".join(parts) or row.arm


def cut(text: str, width: int) -> str:
    """The first line of `text`, at most `width` characters."""
    line = next(iter(text.splitlines()), "")
    return line if len(line) <= width else line[: width - 3] + "..."


def short(value: object) -> str:
    """A parameter in a table."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
