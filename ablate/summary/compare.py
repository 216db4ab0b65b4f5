"""Compare two studies, or two arms: pairs of what was trained with equal seeds, with the statistics of an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.errors import StoreError
from ablate.store.read import StudyResults
from ablate.summary.ablation_tables import POINTS, interval, p_text, points
from ablate.summary.cells import Cells, cells_of, goal_to_judge
from ablate.summary.search_report import ranked
from ablate.summary.statistics import holm, paired, verdict
from ablate.summary.table import Report, Table
from ablate.types import TrialResult


@dataclass(frozen=True)
class Side:
    """A study, or one arm of it."""

    name: str
    """As the user wrote it."""
    study: StudyResults
    arm: str | None


def compare(one: Side, other: Side, metric: str | None = None) -> Report:
    """The first against the second: every arm that both have, or the two arms that are named, or the best of two searches.

    Raises StoreError where there is nothing to compare.
    """
    left, metric, goal = _rows(one, metric)
    right, _, _ = _rows(other, metric)
    pairs = _matched(one, other, left, right)
    margin = one.study.design.margin if one.study.design is not None else None
    tests = [
        paired([left[a][seed].metrics[metric] - right[b][seed].metrics[metric] for seed in left[a] if seed in right[b]])
        for a, b in pairs
    ]
    family = max(1, sum(test.p is not None for test in tests))
    rows = []
    for (a, b), test, p in zip(pairs, tests, holm([test.p for test in tests]), strict=True):
        rows.append(
            [
                a,
                b,
                points(test.mean, "+.2f"),
                interval(test.low, test.high, POINTS, "+.2f"),
                p_text(p).removeprefix("= "),
                str(test.n),
                _ratio(left[a], right[b], "cost/train_seconds"),
                _ratio(left[a], right[b], "cost/latency_ms_p50"),
                verdict(test, p_adjusted=p, goal=goal, margin=margin, family=family)
                if test.n > 1
                else _untested(test.n),
            ]
        )
    heads = ["first", "second", "difference", "95 % interval", "Holm p", "n", "train time", "latency", "the first is"]
    title = f"{one.name} against {other.name}, in points of {metric}"
    if all(a == b for a, b in pairs):
        heads, rows = ["arm", *heads[2:]], [row[1:] for row in rows]
    return Report(
        [title, *_warnings(one, other)],
        [Table("arms", heads, rows, "n: seeds that both have", words=("arm", "first", "second"))],
    )


COMPARABLE = ("data", "data_digest", "seed", "resources", "space.epochs")
"""What two studies must share, so that their arms alone make the difference."""


def _warnings(one: Side, other: Side) -> list[str]:
    """In what the studies differ beside their arms."""
    left, right = one.study.meaning, other.study.meaning
    differ = [key for key in COMPARABLE if key in left and key in right and left[key] != right[key]]
    return [f"careful: not the arms alone differ, but also {key}: {left[key]} / {right[key]}" for key in differ]


def _rows(side: Side, metric: str | None) -> tuple[Mapping[str, Mapping[int, TrialResult]], str, str]:
    """Arm (or the best trial of a search) -> seed -> trial; the metric, and which way it is better."""
    study = side.study
    if study.design is None:
        if side.arm is not None:
            raise StoreError(f"{side.name}: {study.study} is a search and has no arms\n  name the study alone")
        best = next((row for row in ranked(study) if row.state == "complete"), None)
        if best is None:
            raise StoreError(f"{side.name}: no trial is complete\n  run the study first")
        metric = metric or study.objective.metric
        if metric not in best.metrics:
            raise StoreError(f"{side.name}: its best trial has no '{metric}'\n  it has: {', '.join(best.metrics)}")
        return {f"best of {study.study}": {best.seed: best}}, metric, goal_to_judge(metric, study.objective)
    cells: Cells = cells_of(study, metric)
    rows = cells.rows if side.arm is None else {arm: cells.rows[arm] for arm in _named(side, side.arm, cells)}
    return rows, cells.metric, cells.goal


def _named(side: Side, asked: str, cells: Cells) -> list[str]:
    """The arm that has the levels `asked`, in whatever order they are written."""
    found = [arm for arm in cells.rows if sorted(arm.split()) == sorted(asked.split())]
    if not found:
        known = ", ".join(cells.rows)
        raise StoreError(f"{side.name}: {side.study.study} has no arm '{asked}'\n  it has: {known}")
    return found


def _matched(one: Side, other: Side, left: Mapping[str, object], right: Mapping[str, object]) -> list[tuple[str, str]]:
    """Which of the left is compared with which of the right."""
    alike = len(left) > 1 and len(right) > 1
    pairs = [(a, b) for a in left for b in right if a == b or not alike]
    folder = one.study.folder
    if one.study is other.study or (folder is not None and folder == other.study.folder):
        pairs = [(a, b) for a, b in pairs if a != b]
        if not pairs:
            raise StoreError(f"{one.name} and {other.name} are the same\n  name two arms of it: STUDY:ARM")
    if not pairs:
        raise StoreError(f"{one.name} and {other.name} have no arm in common\n  name two: STUDY:ARM")
    return pairs


def _ratio(left: Mapping[int, TrialResult], right: Mapping[int, TrialResult], cost: str) -> str:
    """Mean of the first over mean of the second, over the seeds that both have."""
    means = []
    for rows in (left, right):
        values = [row.cost[cost] for seed, row in rows.items() if cost in row.cost and seed in left and seed in right]
        means.append(sum(values) / len(values) if values else 0.0)
    return f"x {means[0] / means[1]:.2f}" if all(means) else "-"


def _untested(n: int) -> str:
    return "one seed: not tested" if n else "no seed in common"
