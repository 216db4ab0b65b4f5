"""Rendering: a study's best trials and its Pareto front as a table, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

from ablate.store.read import StudyResults
from ablate.study.configuration import SLOTS
from ablate.summary.pareto import Front
from ablate.summary.results import flat_rows
from ablate.types import TrialResult

MOST_ROWS = 10
"""Best trials shown; CSV and JSON have all."""

Table = tuple[str, list[str], list[list[str]]]
"""Title, column heads, rows."""


def render(study: StudyResults, front: Front, format: str) -> str:
    """The summary in `format`: one of FORMATS."""
    return FORMATS[format](study, front)


def _answer(study: StudyResults) -> str:
    """The first line: what was found."""
    counts = Counter(row.state for row in study.trials)
    states = ", ".join(f"{counts[s]} {s}" for s in ("complete", "pruned", "failed", "running") if counts[s])
    found = f"{study.study}: {len(study.trials)} trials ({states or 'none yet'})"
    best = _ranked(study)[:1]
    if not best or best[0].state != "complete":
        return f"{found}; none is complete yet"
    row, metric = best[0], study.objective.metric
    test = row.metrics.get(metric.replace("val/", "test/", 1))
    seen = f", {metric.replace('val/', 'test/', 1)} {test:.4f}" if test is not None else ""
    return f"{found}; best {row.id}: {row.arm}, {metric} {row.metrics[metric]:.4f}{seen} (one seed: no interval)"


def _ranked(study: StudyResults) -> list[TrialResult]:
    """Complete trials by the objective, then the others that reported it, the best first."""
    metric = study.objective.metric
    sign = -1 if study.objective.goal == "maximize" else 1
    scored = [row for row in study.trials if metric in row.metrics]
    return sorted(scored, key=lambda row: (row.state != "complete", sign * row.metrics[metric]))


def _tables(study: StudyResults, front: Front) -> list[Table]:
    metric = study.objective.metric
    varied = _varied(study)
    slots = [name for name in varied if name in SLOTS]
    numbers = [name for name in varied if name not in SLOTS]
    costs = list(dict.fromkeys([*front.costs, "cost/train_seconds"]))
    heads = ["trial", "state", metric, *slots, "epochs", *(_unit(cost) for cost in costs), "parameters"]
    best = [
        [row.id, row.state, _number(row.metrics[metric]), *(str(row.params[slot]) for slot in slots), str(row.epochs)]
        + [*(_cost(row, cost) for cost in costs), _params(row, numbers)]
        for row in _ranked(study)[:MOST_ROWS]
    ]
    tables: list[Table] = [("best trials", heads, best)]
    title = f"Pareto front: {front.metric} against {' and '.join(front.costs)}"
    rows = [
        [row.id, _number({**row.metrics, **row.cost}[front.metric]), *(_cost(row, c) for c in front.costs), row.arm]
        for row in front.trials
    ]
    tables.append((title, ["trial", front.metric, *(_unit(cost) for cost in front.costs), "arm"], rows))
    failed = [[row.id, row.reason or "", row.arm] for row in study.trials if row.state == "failed"]
    if failed:
        tables.append(("failed trials", ["trial", "reason", "arm"], failed))
    return tables


def _varied(study: StudyResults) -> list[str]:
    """Parameters that differ between trials that have them, in the order of the configuration.

    A component's parameter differs only if it does so among the trials that have this very component.
    """
    seen: dict[tuple[str, object], set[object]] = {}
    for row in study.trials:
        for name, value in row.params.items():
            owner = row.params.get(name.partition(".")[0]) if "." in name else None
            seen.setdefault((name, owner), set()).add(value)
    return list(dict.fromkeys(name for (name, _), found in seen.items() if len(found) > 1))


def _params(row: TrialResult, names: Sequence[str]) -> str:
    return " ".join(f"{name}={_number(row.params[name])}" for name in names if name in row.params)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _unit(cost: str) -> str:
    return "MFLOP" if cost == "cost/flops" else cost.removeprefix("cost/")


def _cost(row: TrialResult, cost: str) -> str:
    value = {**row.metrics, **row.cost}.get(cost)
    if value is None:
        return "-"
    return f"{value / 1e6:.4g}" if cost == "cost/flops" else f"{value:.4g}" if value < 1e4 else f"{value:.0f}"


def _as_table(study: StudyResults, front: Front) -> str:
    from rich.console import Console
    from rich.table import Table as RichTable

    sink = io.StringIO()
    console = Console(file=sink, width=240, color_system=None)
    console.print(_answer(study), markup=False, highlight=False)
    for title, heads, rows in _tables(study, front):
        table = RichTable(box=None, pad_edge=False)
        for position, head in enumerate(heads):
            numeric = bool(rows) and rows[0][position][:1].isdigit()
            table.add_column(head, justify="right" if numeric else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(f"\n{title}", markup=False, highlight=False)
        console.print(table)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def _as_markdown(study: StudyResults, front: Front) -> str:
    parts = [f"# {study.study}", study.question, _answer(study)]
    for title, heads, rows in _tables(study, front):
        lines = [f"## {title}", "", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
        parts.append(
            "\n".join([*lines, *(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)])
        )
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_csv(study: StudyResults, front: Front) -> str:
    rows = flat_rows(study)
    names = list(dict.fromkeys(name for row in rows for name in row))
    on_front = {row.id for row in front.trials}
    sink = io.StringIO()
    writer = csv.DictWriter(sink, [*names, "pareto"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "pareto": row["id"] in on_front})
    return sink.getvalue()


def _as_json(study: StudyResults, front: Front) -> str:
    content = {
        "study": study.study,
        "objective": asdict(study.objective),
        "trials": [asdict(row) for row in study.trials],
        "pareto": [row.id for row in front.trials],
    }
    return json.dumps(content, indent=1) + "\n"


FORMATS: dict[str, Callable[[StudyResults, Front], str]] = {
    "table": _as_table,
    "md": _as_markdown,
    "csv": _as_csv,
    "json": _as_json,
}
