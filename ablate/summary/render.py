"""Rendering: a study's answer, its best trials and its Pareto front as a table, Markdown, CSV, JSON, LaTeX or a page."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict

from ablate.store.read import StudyResults
from ablate.summary.ablation_report import ablation_report
from ablate.summary.csv_table import TRIALS, as_csv
from ablate.summary.latex import as_latex
from ablate.summary.page import as_html
from ablate.summary.pareto import Front, default_front
from ablate.summary.search_report import search_report
from ablate.summary.table import Report

WIDTH = 120
MOST_WIDTH = 132
"""Of a table that would else break its last column."""
LONG_WORDS = 24
"""Longer cells of words may wrap, so that numbers need not."""


def render(study: StudyResults, front: Front, format: str, metric: str | None = None, table: str = TRIALS) -> str:
    """The summary in `format`: one of FORMATS; `metric` judges the arms of an ablation (`cells_of`).

    `table` is which one CSV has, for it has one: of a search `trials`, of an ablation one of TABLES.
    """
    if format == "html" and not front.asked:
        front = default_front(study, front, metric)
    report = search_report(study, front) if study.design is None else ablation_report(study, front, metric)
    return FORMATS[format](study, front, report, table)


def as_table(report: Report) -> str:
    """For people, 120 characters wide; a table up to 132."""
    from rich.console import Console
    from rich.table import Table

    sink = io.StringIO()
    console = Console(file=sink, width=MOST_WIDTH, color_system=None, markup=False, highlight=False)
    console.print("\n".join(report.answer), width=WIDTH)
    for found in report.tables:
        table = Table(box=None, pad_edge=False)
        for position, title in enumerate(found.heads):
            last = title == found.heads[-1]
            words = found.is_words(position)
            cells = [len(title), *(len(row[position]) for row in found.rows)]
            wraps = last or (words and max(cells) > LONG_WORDS)
            table.add_column(
                title,
                justify="left" if words else "right",
                min_width=None if wraps else max(cells),
                no_wrap=not wraps,  # else rich takes space from the widest column, and cuts the last one off
                overflow="fold",  # an ellipsis would hide which level it is
            )
        for row in found.rows:
            table.add_row(*row)
        console.print(f"\n{found.title}")
        console.print(table)
        if found.note:
            console.print(found.note, width=WIDTH)
    return "\n".join(line.rstrip() for line in sink.getvalue().splitlines()) + "\n"


def as_markdown(report: Report, title: str, question: str = "") -> str:
    """For documents: a heading, and one for each table."""
    parts = [f"# {title}", question, "  \n".join(report.answer)]
    for found in report.tables:
        rules = ["---" if found.is_words(position) else "---:" for position in range(len(found.heads))]
        lines = [f"## {found.title}", "", f"| {' | '.join(found.heads)} |", f"| {' | '.join(rules)} |"]
        lines += [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in found.rows]
        parts += ["\n".join(lines), "  \n".join(found.note.splitlines())]
    return "\n\n".join(part for part in parts if part) + "\n"


def _as_json(study: StudyResults, front: Front, report: Report) -> str:
    """Numbers that JSON has no word for (NaN, infinity) are null."""
    content = {
        "study": study.study,
        "objective": asdict(study.objective),
        "objectives": [asdict(each) for each in study.weighed or (study.objective,)],
        "trials": [{**asdict(row), "metrics": _finite(row.metrics), "cost": _finite(row.cost)} for row in study.trials],
        "pareto": [row.id for row in front.trials],
        "notes": list(study.notes),
        **report.data,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


FORMATS: dict[str, Callable[[StudyResults, Front, Report, str], str]] = {
    "table": lambda study, front, report, table: as_table(report),
    "md": lambda study, front, report, table: as_markdown(report, study.study, study.question),
    "csv": as_csv,
    "json": lambda study, front, report, table: _as_json(study, front, report),
    "latex": lambda study, front, report, table: as_latex(report),
    "html": lambda study, front, report, table: as_html(study, front, report),
}
