"""CSV, one table a file: the trials of a study, or the effects, interactions or arms of an ablation."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from ablate.errors import StoreError
from ablate.store.read import StudyResults
from ablate.summary.pareto import Front
from ablate.summary.results import columns, flat_rows
from ablate.summary.table import Report

TRIALS = "trials"
TABLES = (TRIALS, "effects", "interactions", "arms")


def as_csv(study: StudyResults, front: Front, report: Report, table: str = TRIALS) -> str:
    """One of TABLES; all but the trials are of an ablation. What a row does not have is empty.

    Raises StoreError for interactions where there are none: the table would have no head.
    """
    if table == TRIALS:
        return _trials(study, front, report)
    rows = report.data[table]
    if not rows:
        why = "only a grid has them, of factors that vary together"
        raise StoreError(f"--table {table}: {study.study} has none: {why}\n  write another, as --table arms")
    return _written([_arm(row) for row in rows] if table == "arms" else rows)


def _trials(study: StudyResults, front: Front, report: Report) -> str:
    """Every trial, whether it is on the front, and of a front that was asked for where it stands."""
    on_front = {row.id for row in front.trials}
    places = {place["name"]: place for place in report.data.get("front", {}).get("places", [])}
    more = ["standing", "dominated_by"] if places else []
    rows = []
    for row in flat_rows(study):
        place = places.get(row["id"] if study.design is None else row["arm"] if row["phase"] == "final" else "")
        told = {"standing": place["standing"], "dominated_by": " ".join(place["by"])} if place else {}
        rows.append({**row, "pareto": row["id"] in on_front, **told})
    return _written(rows, [*columns(study), "pareto", *more])


def _arm(row: dict[str, Any]) -> dict[str, Any]:
    """An arm in one row: a column for each factor, each seed's value, and each state's count."""
    flat = {name: value for name, value in row.items() if not isinstance(value, dict)}
    return {
        **flat,
        **row["levels"],
        **{f"seed {seed}": value for seed, value in row["values"].items()},
        **row["states"],
    }


def _written(rows: Sequence[dict[str, Any]], heads: Sequence[str] = ()) -> str:
    sink = io.StringIO()
    writer = csv.DictWriter(
        sink, heads or list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()
