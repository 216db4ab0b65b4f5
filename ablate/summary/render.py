"""Rendering: a study's answer, its best trials and its Pareto front as a table, Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from ablate.store.read import StudyResults
from ablate.summary.pareto import Front
from ablate.summary.results import columns, flat_rows
from ablate.summary.words import configuration, cut, head, number, varied
from ablate.types import INFEASIBLE, TrialResult, counted

MOST_ROWS = 10
"""Rows of a table; CSV and JSON have all."""
WIDTH = 120
REASON_WIDTH = 80


@dataclass(frozen=True)
class _Table:
    title: str
    heads: list[str]
    rows: list[list[str]]
    """As many cells as heads; the last may be long."""
    note: str = ""


def render(study: StudyResults, front: Front, format: str) -> str:
    """The summary in `format`: one of FORMATS."""
    return FORMATS[format](study, front)


def _answer(study: StudyResults, front: Front) -> list[str]:
    """The first lines: what was found, what it costs, and what it rests on."""
    counts = Counter(row.state for row in study.trials)
    states = ", ".join(f"{counts[s]} {s}" for s in ("complete", "pruned", "failed", "running") if counts[s])
    metric = study.objective.metric
    best = next(iter(_ranked(study)), None)
    if best is None:
        found = "no trial has reported yet" if study.trials else "no trial has started yet"
        return [f"{study.study}: {found}" + (f" ({states})" if states else ""), *_infeasible(study)]
    chosen = f"{configuration(best, varied(study.trials))} (trial {best.id})"
    if best.state != "complete":
        lead = f"no trial is complete yet; best so far {chosen}, {best.state}, after {_epochs(best.epochs)}"
        rests_on = f"{counted(len(study.trials), 'trial')}: {states}"
        return [f"{study.study}: {lead}", f"{metric} {number(best, metric)}", rests_on, *_infeasible(study)]
    test = metric.replace("val/", "test/", 1)
    seen = f", {test} {number(best, test)}" if test in best.metrics else ""
    costs = ", ".join(f"{number(best, cost)} {head(cost)}" for cost in _costs(front) if cost in best.cost)
    return [
        f"{study.study}: best is {chosen}",
        f"{metric} {number(best, metric)}{seen} (one seed: no interval)" + (f"; cost {costs}" if costs else ""),
        f"{counted(len(study.trials), 'trial')}: {states}; "
        f"{sum(row.cost.get('cost/train_seconds', 0.0) for row in study.trials):,.1f} s of training in all",
        *_infeasible(study),
    ]


def _infeasible(study: StudyResults) -> list[str]:
    """A line for each constraint: how many of the pruned trials it forbids."""
    reasons = [(row.reason or "").removeprefix(INFEASIBLE) for row in study.trials if row.infeasible]
    broken = Counter(re.sub(r" is \S+, the study", ": the study", reason) for reason in reasons)
    return [f"{count} of the pruned infeasible: {cut(which, REASON_WIDTH)}" for which, count in broken.items()]


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count != 1 else ''}"


def _costs(front: Front) -> list[str]:
    return list(dict.fromkeys([*front.costs, "cost/train_seconds"]))


def _ranked(study: StudyResults) -> list[TrialResult]:
    """Complete trials by the objective, then the others that reported it, the best first."""
    metric, sign = study.objective.metric, study.objective.sign
    scored = [row for row in study.trials if math.isfinite(row.metrics.get(metric, math.nan))]
    return sorted(scored, key=lambda row: (row.state != "complete", -sign * row.metrics[metric]))


def _tables(study: StudyResults, front: Front) -> list[_Table]:
    found = [_best(study, front), _front(study, front), _failed(study)]
    return [table for table in found if table is not None]


def _best(study: StudyResults, front: Front) -> _Table | None:
    metric, names, ranked = study.objective.metric, varied(study.trials), _ranked(study)
    shown = ranked[:MOST_ROWS]
    costs = _costs(front)
    with_state = any(row.state != "complete" for row in shown)
    rows = [
        [
            row.id,
            number(row, metric),
            *([row.state] if with_state else []),
            str(row.epochs),
            *(number(row, cost) for cost in costs),
            configuration(row, names),
        ]
        for row in shown
    ]
    heads = ["trial", metric, *(["state"] if with_state else []), "epochs", *map(head, costs), "configuration"]
    more = len(ranked) - len(shown)
    return _Table("best trials", heads, rows, f"and {more} more: --format csv" if more else "") if rows else None


def _front(study: StudyResults, front: Front) -> _Table | None:
    if not front.trials:
        return None
    names = varied(study.trials)
    rows = [
        [row.id, number(row, front.metric), *(number(row, cost) for cost in front.costs), configuration(row, names)]
        for row in front.trials
    ]
    heads = ["trial", front.metric, *map(head, front.costs), "configuration"]
    note = f"{front.unmeasured} complete trials lack one of these numbers" if front.unmeasured else ""
    return _Table(
        f"Pareto front of the complete trials: {front.metric} against {' and '.join(front.costs)}", heads, rows, note
    )


def _failed(study: StudyResults) -> _Table | None:
    names = varied(study.trials)
    failed = [row for row in study.trials if row.state == "failed"]
    rows = [[row.id, cut(row.reason or "", REASON_WIDTH), configuration(row, names)] for row in failed[:MOST_ROWS]]
    more = len(failed) - len(rows)
    note = f"and {more} more: --format csv" if more else ""
    return _Table("failed trials", ["trial", "reason", "configuration"], rows, note) if rows else None


def _as_table(study: StudyResults, front: Front) -> str:
    from rich.console import Console
    from rich.table import Table

    sink = io.StringIO()
    console = Console(file=sink, width=WIDTH, color_system=None, markup=False, highlight=False)
    console.print("\n".join(_answer(study, front)))
    for found in _tables(study, front):
        table = Table(box=None, pad_edge=False)
        for position, title in enumerate(found.heads):
            last = title == found.heads[-1]
            words = last or title in ("state", "reason")
            cells = [len(title), *(len(row[position]) for row in found.rows)]
            table.add_column(title, justify="left" if words else "right", min_width=None if last else max(cells))
        for row in found.rows:
            table.add_row(*row)
        console.print(f"\n{found.title}")
        console.print(table)
        if found.note:
            console.print(found.note)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def _as_markdown(study: StudyResults, front: Front) -> str:
    parts = [f"# {study.study}", study.question, "  \n".join(_answer(study, front))]
    for found in _tables(study, front):
        lines = [f"## {found.title}", "", f"| {' | '.join(found.heads)} |", f"|{' --- |' * len(found.heads)}"]
        lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in found.rows]
        parts += ["\n".join(lines), found.note]
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_csv(study: StudyResults, front: Front) -> str:
    on_front = {row.id for row in front.trials}
    sink = io.StringIO()
    writer = csv.DictWriter(sink, [*columns(study), "pareto"], lineterminator="\n")
    writer.writeheader()
    for row in flat_rows(study):
        writer.writerow({**row, "pareto": row["id"] in on_front})
    return sink.getvalue()


def _as_json(study: StudyResults, front: Front) -> str:
    """Numbers that JSON has no word for (NaN, infinity) are null."""
    content = {
        "study": study.study,
        "objective": asdict(study.objective),
        "trials": [{**asdict(row), "metrics": _finite(row.metrics), "cost": _finite(row.cost)} for row in study.trials],
        "pareto": [row.id for row in front.trials],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


FORMATS: dict[str, Callable[[StudyResults, Front], str]] = {
    "table": _as_table,
    "md": _as_markdown,
    "csv": _as_csv,
    "json": _as_json,
}
