"""The cost card as a table, Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from ablate.catalogue.costs import COSTS
from ablate.cost.card import Card, Timing
from ablate.summary.render import as_markdown, as_table
from ablate.summary.table import Report, Table

PERCENTILES = ("p50", "p95", "p99", "iqr")
MOST_UNCOUNTED = 8
"""Operators that are named; JSON has all."""


def card_report(card: Card) -> Report:
    """What is counted in one table, what is timed in another for each device."""
    answer = [f"{card.architecture}: {card.item}", _uncounted(card)]
    devices = dict.fromkeys(timing.device for timing in card.timings)
    timed = [_timed(device, [timing for timing in card.timings if timing.device == device]) for device in devices]
    return Report(answer, [_counted(card), *timed])


def _counted(card: Card) -> Table:
    rows = [[name, _amount(value, COSTS[name].unit), COSTS[name].summary] for name, value in card.counted.items()]
    return Table("counted", ["cost", "amount", "what it is"], rows, words=("cost",))


def _amount(value: float, unit: str) -> str:
    """With the thousand that suits it: 1.814 GMAC."""
    if unit == "MiB":
        return f"{value:,.4g} MiB"
    for short, power in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= power:
            return f"{value / power:.4g} {short}{unit if unit.isupper() else ' ' + unit}"
    return f"{value:.4g} {unit}"


def _uncounted(card: Card) -> str:
    """Which operators are not in the FLOPs."""
    if not card.uncounted:
        return "every operator is in the FLOPs"
    named = [f"{name} ({numbers:,})" for name, numbers in list(card.uncounted.items())[:MOST_UNCOUNTED]]
    more = f", and {len(card.uncounted) - MOST_UNCOUNTED} more" if len(card.uncounted) > MOST_UNCOUNTED else ""
    return f"not in the FLOPs, with the numbers that each puts out: {', '.join(named)}{more}"


def _timed(device: str, timings: Sequence[Timing]) -> Table:
    """A column for each precision."""
    numbers = [_numbers(timing) for timing in timings]
    rows = [[name, *(column[name] for column in numbers)] for name in numbers[0]]
    notes = [f"{timing.precision}: {timing.note}" for timing in timings if timing.note]
    title = f"timed on {device}, warm; int8 is dynamic, of fully connected layers alone"
    return Table(title, ["cost", *(timing.precision for timing in timings)], rows, "\n".join(notes), words=("cost",))


def _numbers(timing: Timing) -> dict[str, str]:
    """In the order in which they are shown."""
    cells = {
        f"{title} {short}": f"{ms[short]:.4g}" if short in ms else "-"
        for title, ms in (("ms", timing.one_ms), ("ms/32", timing.batch32_ms))
        for short in PERCENTILES
    }
    runs = timing.best_batch > 0
    best = {"images/s at best": f"{timing.per_second:,.0f}", "best batch": str(timing.best_batch)}
    return cells | {name: cell if runs else "-" for name, cell in best.items()}


FORMATS: dict[str, Callable[[Card], str]] = {
    "table": lambda card: as_table(card_report(card)),
    "md": lambda card: as_markdown(card_report(card), card.architecture),
    "json": lambda card: json.dumps(asdict(card), indent=1) + "\n",
}
