"""The curves of a trial: every metric of every epoch, one JSON line each, in its `metrics.jsonl`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

Report = dict[str, float]
"""What one epoch reported, `epoch` among it."""


def append(folder: Path, report: Mapping[str, float]) -> None:
    """Add one epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(dict(report)).encode() + b"\n"
    with (folder / "metrics.jsonl").open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                line = b"\n" + line  # a killed driver did not finish the last line; this one must not be lost with it
        file.write(line)


def read(folder: Path) -> list[Report]:
    """All epochs in order; of an epoch that was trained again after a crash, the later report counts."""
    epochs = {int(report["epoch"]): report for report in read_from(folder, 0)[0]}
    return [epochs[epoch] for epoch in sorted(epochs)]


def read_from(folder: Path, offset: int) -> tuple[list[Report], int]:
    """The reports after the first `offset` bytes as they were written, and the offset to go on from."""
    try:
        with (folder / "metrics.jsonl").open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    whole = content.rfind(b"\n") + 1  # what follows is being written, or was when its driver was killed
    return list(_parse(content[:whole].splitlines())), offset + whole


def _parse(lines: Iterable[bytes]) -> Iterable[Report]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue  # the line that a killed driver did not finish; its epoch is trained again


def best(reports: list[Report], *, metric: str, goal: str) -> Report:
    """The report of the best epoch by `metric`, of equal ones the first; empty where none has a finite one."""
    scored = [report for report in reports if math.isfinite(report.get(metric, math.nan))]
    sign = 1 if goal == "maximize" else -1
    return max(scored, key=lambda report: (sign * report[metric], -report["epoch"]), default={})
