"""The cost card as a table, Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from ablate.catalogue.costs import COSTS
from ablate.cost.card import Card, Timing
from ablate.summary.render import as_table
from ablate.summary.table import Report, Table

MOST_UNCOUNTED = 8
"""Operators that are named; JSON has all."""


def card_report(card: Card) -> Report:
    """What is counted in one table, what is timed in another."""
    answer = [f"{card.architecture}: {card.item}", _uncounted(card)]
    return Report(answer, [_counted(card), _timed(card)])


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


def _timed(card: Card) -> Table:
    percentiles = ("p50", "p95", "p99", "iqr")
    heads = [
        "device",
        "precision",
        *(f"ms {short}" for short in percentiles),
        *(f"ms/32 {short}" for short in percentiles),
        "best batch",
        "per second",
    ]
    rows = [[timing.device, timing.precision, *_numbers(timing, percentiles)] for timing in card.timings]
    notes = dict.fromkeys(
        f"{timing.device} {timing.precision}: {timing.note}" for timing in card.timings if timing.note
    )
    return Table(
        "timed, warm; int8 is dynamic, of fully connected layers alone",
        heads,
        rows,
        "\n".join(notes),
        words=("device", "precision"),
    )


def _numbers(timing: Timing, percentiles: tuple[str, ...]) -> list[str]:
    measured = [ms.get(short) for ms in (timing.one_ms, timing.batch32_ms) for short in percentiles]
    cells = ["-" if value is None else f"{value:.4g}" for value in measured]
    runs = timing.best_batch > 0
    return [*cells, str(timing.best_batch) if runs else "-", f"{timing.per_second:,.0f}" if runs else "-"]


def _as_markdown(card: Card) -> str:
    report = card_report(card)
    parts = ["  \n".join(report.answer)]
    for table in report.tables:
        lines = [f"| {' | '.join(table.heads)} |", f"|{' --- |' * len(table.heads)}"]
        parts += ["\n".join([*lines, *(f"| {' | '.join(row)} |" for row in table.rows)]), table.note]
    return "\n\n".join(part for part in parts if part) + "\n"


FORMATS: dict[str, Callable[[Card], str]] = {
    "table": lambda card: as_table(card_report(card)),
    "md": _as_markdown,
    "json": lambda card: json.dumps(asdict(card), indent=1) + "\n",
}
