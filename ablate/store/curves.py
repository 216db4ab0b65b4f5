"""The curves of a trial: every metric of every epoch, one JSON line each, in its `metrics.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

Report = dict[str, float]
"""What one epoch reported, `epoch` among it."""


def append(folder: Path, report: Mapping[str, float]) -> None:
    """Add one epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(dict(report)) + "\n")


def read(folder: Path) -> list[Report]:
    """All epochs in order; of an epoch that was trained again after a crash, the later report counts."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    epochs: dict[int, Report] = {}
    for line in path.read_text().splitlines():
        try:
            report = json.loads(line)
        except json.JSONDecodeError:
            continue  # the line that a killed driver did not finish; its epoch is trained again
        epochs[int(report["epoch"])] = report
    return [epochs[epoch] for epoch in sorted(epochs)]


def best(reports: list[Report], *, metric: str, goal: str) -> Report:
    """The report of the best epoch by `metric`, of equal ones the first; empty where there is none."""
    scored = [report for report in reports if metric in report]
    if not scored:
        return {}
    sign = 1 if goal == "maximize" else -1
    return max(scored, key=lambda report: (sign * report[metric], -report["epoch"]))
