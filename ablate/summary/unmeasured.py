"""Costs that nobody could measure, said under a table, so that a column which is not there is not taken for no cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ablate.catalogue.costs import COSTS
from ablate.store.read import StudyResults
from ablate.summary.pareto import ENERGY, TRAINING
from ablate.summary.table import Table


def with_unmeasured(table: Table, study: StudyResults) -> Table:
    """A table of costs whose note says, last, what nobody could measure."""
    return replace(table, note="\n".join([*table.note.splitlines(), *_unmeasured(study)]))


def _unmeasured(study: StudyResults) -> list[str]:
    """Energy, and what the study file asks for, where no trial that trained has it; nothing before one has."""
    there = {name for row in study.trials if TRAINING in row.cost for name in row.cost}
    if not there:
        return []
    energy = (
        "energy: not measured: it takes a counter (NVML, RAPL) that can be read, of a device that a trial holds whole"
    )
    lacking = [name for name in _asked(study.resolved) if name not in {*there, *ENERGY}]
    asked = f"asked for and not measured: {', '.join(lacking)}"
    return [*([energy] if there.isdisjoint(ENERGY) else []), *([asked] if lacking else [])]


def _asked(resolved: Mapping[str, Any]) -> Iterator[str]:
    """Names of costs, by `cost` and `constraints` of a study file."""
    cost = resolved.get("cost") or {}
    yield from (name for name, known in COSTS.items() if known.measure and known.measure in cost.get("measure", []))
    if cost.get("prices"):
        yield from (name for name, known in COSTS.items() if known.needs == "price")
    yield from (name for name in resolved.get("constraints") or {} if name in COSTS)
