"""What of a trial is a point in MLflow, and when: an epoch's time depends on the trial alone, so a repeated one is the same."""

from __future__ import annotations

import time

from ablate.catalogue.costs import COSTS
from ablate.store import curves
from ablate.store.mlflow_state import RunState
from ablate.types import TrialResult


def time_of(run: RunState, report: curves.Report) -> int:
    """When a report was made, in milliseconds; the same whenever it is logged."""
    return run.start_ms + int(1000 * report.get("cost/seconds", report["epoch"]))


def end_of(run: RunState, row: TrialResult) -> int:
    """When a trial ended, in milliseconds: not when that was written."""
    return min(int(1000 * time.time()), run.start_ms + int(1000 * row.cost.get("cost/seconds", 0.0)))


def final_of(row: TrialResult, reports: list[curves.Report]) -> dict[str, float]:
    """What is logged once: `best/...` of the best epoch, `model/...`, `cost/...`, `test/...`."""
    final = {f"best/{name.removeprefix('val/')}": v for name, v in row.metrics.items() if name.startswith("val/")}
    final |= {name: value for name, value in row.metrics.items() if name.startswith("test/")}
    final |= dict(row.cost)
    if reports and "best/epoch" in reports[-1]:
        final["best/epoch"] = reports[-1]["best/epoch"]
    counted = (name for name, cost in COSTS.items() if cost.known == "counted" and name in row.cost)
    return final | {f"model/{name.removeprefix('cost/')}": row.cost[name] for name in counted}
