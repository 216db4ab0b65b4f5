"""The summary of a search: its best trials, its Pareto front, what failed, and which parameters mattered."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import asdict

from ablate.store.read import StudyResults
from ablate.store.rows import flops_of
from ablate.summary.front_answer import front_answer
from ablate.summary.official import official_tables
from ablate.summary.pareto import Front, costs_of
from ablate.summary.pareto_tables import pareto_report
from ablate.summary.table import Report, Table
from ablate.summary.unmeasured import with_unmeasured
from ablate.summary.words import configuration, cut, head, number, varied
from ablate.types import INFEASIBLE, TrialResult, counted

MOST_ROWS = 10
"""Rows of a table; CSV and JSON have all."""
REASON_WIDTH = 80


def search_report(study: StudyResults, front: Front) -> Report:
    """What a search found."""
    data = {"importance": [asdict(found) for found in study.importance]} if study.importance else {}
    fronts, told = pareto_report(study, front)
    return Report([*_answer(study, front), *data_notes(study)], _tables(study, front, fronts), data | told)


def _answer(study: StudyResults, front: Front) -> list[str]:
    """The first lines: what was found, what it costs, and what it rests on."""
    counts = Counter(row.state for row in study.trials)
    states = ", ".join(
        f"{counts[s]} {said(study, s)}" for s in ("complete", "pruned", "failed", "running") if counts[s]
    )
    metric = study.objective.metric
    if study.weighed and front.trials:
        return [*front_answer(study, front), f"{counted(len(study.trials), 'trial')}: {states}", *infeasible(study)]
    best = next(iter(ranked(study)), None)
    if best is None:
        found = "no trial has reported yet" if study.trials else "no trial has started yet"
        return [f"{study.study}: {found}" + (f" ({states})" if states else ""), *infeasible(study)]
    chosen = f"{configuration(best, varied(study.trials))} (trial {best.id})"
    if best.state != "complete":
        lead = (
            f"no trial is complete yet; best so far {chosen}, {said(study, best.state)}, after {_epochs(best.epochs)}"
        )
        rests_on = f"{counted(len(study.trials), 'trial')}: {states}"
        return [f"{study.study}: {lead}", f"{metric} {number(best, metric)}", rests_on, *infeasible(study)]
    test = metric.replace("val/", "test/", 1)
    seen = f", {test} {number(best, test)}" if test in best.metrics else ""
    costs = ", ".join(f"{number(best, cost)} {head(cost)}" for cost in costs_of(front, study) if cost in best.cost)
    reused = sum(row.reused is not None for row in study.trials)
    return [
        f"{study.study}: best is {chosen}",
        f"{metric} {number(best, metric)}{seen} (one seed: no interval)" + (f"; cost {costs}" if costs else ""),
        f"{counted(len(study.trials), 'trial')}: {states}; {f'{reused} reused; ' if reused else ''}"
        f"{trained_seconds(study):,.1f} s of training in all",
        *infeasible(study),
    ]


def data_notes(study: StudyResults) -> list[str]:
    """What a reader must know of the data, a line each: what was left out, and why."""
    return [f"data: {note}" for note in study.notes]


def said(study: StudyResults, state: str) -> str:
    """The word for a state: without a driver nothing runs."""
    return "unfinished" if state == "running" and not study.driven else state


def trained_seconds(study: StudyResults) -> float:
    """Of the trials that this study trained; those that it reused were trained by another."""
    return sum(row.cost.get("cost/train_seconds", 0.0) for row in study.trials if row.reused is None)


def infeasible(study: StudyResults) -> list[str]:
    """A line for each constraint: how many of the pruned trials it forbids."""
    reasons = [(row.reason or "").removeprefix(INFEASIBLE) for row in study.trials if row.infeasible]
    broken = Counter(re.sub(r" is \S+, the study", ": the study", reason) for reason in reasons)
    return [f"{count} of the pruned infeasible: {cut(which, REASON_WIDTH)}" for which, count in broken.items()]


def _epochs(count: int) -> str:
    return f"{count} epoch{'s' if count != 1 else ''}"


def ranked(study: StudyResults) -> list[TrialResult]:
    """Complete trials by the objective, then the others that reported it, the best first; of equal ones the cheapest."""
    metric, sign = study.objective.metric, study.objective.sign
    scored = [row for row in study.trials if math.isfinite(row.metrics.get(metric, math.nan))]
    return sorted(scored, key=lambda row: (row.state != "complete", -sign * row.metrics[metric], flops_of(row)))


def _tables(study: StudyResults, front: Front, fronts: list[Table]) -> list[Table]:
    best = None if study.weighed and front.trials else _best(study, front)
    brief = None if fronts else front_table(study, front)
    found = [best, *official_tables(study), brief, *fronts, failed_table(study), _importance(study)]
    tables = [table for table in found if table is not None]
    return [with_unmeasured(table, study) for table in tables[:1]] + tables[1:]


def _best(study: StudyResults, front: Front) -> Table | None:
    metric, names, order = study.objective.metric, varied(study.trials), ranked(study)
    shown = order[:MOST_ROWS]
    costs = costs_of(front, study)
    with_state = any(row.state != "complete" for row in shown)
    rows = [
        [
            row.id,
            number(row, metric),
            *([said(study, row.state)] if with_state else []),
            str(row.epochs),
            *(number(row, cost) for cost in costs),
            configuration(row, names),
        ]
        for row in shown
    ]
    heads = ["trial", metric, *(["state"] if with_state else []), "epochs", *map(head, costs), "configuration"]
    more = len(order) - len(shown)
    note = f"and {more} more: --format csv" if more else ""
    return Table("best trials", heads, rows, note, words=("state",)) if rows else None


def front_table(study: StudyResults, front: Front) -> Table | None:
    if not front.trials:
        return None
    names, test = varied(study.trials), front.metric.replace("val/", "test/", 1)
    tested = [test] if study.weighed and any(test in row.metrics for row in front.trials) else []
    shown = [front.metric, *tested, *front.costs]
    rows = [[row.id, *(number(row, name) for name in shown), configuration(row, names)] for row in front.trials]
    heads = ["trial", *map(head, shown), "configuration"]
    lack = "lacks" if front.unmeasured == 1 else "lack"
    note = f"{counted(front.unmeasured, 'complete trial')} {lack} one of these numbers" if front.unmeasured else ""
    return Table(
        f"Pareto front of the complete trials: {front.metric} against {' and '.join(front.costs)}", heads, rows, note
    )


def _importance(study: StudyResults) -> Table | None:
    """Which parameters mattered, with the spread over resampled trials."""
    if not study.importance:
        return None
    rows = [[found.name, *map(_share, (found.fanova, found.ped_anova))] for found in study.importance]
    of = f" in {study.objective.metric}" if study.weighed else ""
    note = f"share of what all parameters explain{of}: median [5 %, 95 %] over resampled complete trials"
    return Table("importance", ["parameter", "fANOVA", "PED-ANOVA"], rows, note, words=("parameter",))


def _share(spread: tuple[float, float, float] | None) -> str:
    return "-" if spread is None else "{:.2f} [{:.2f}, {:.2f}]".format(*spread)


def failed_table(study: StudyResults) -> Table | None:
    names = varied(study.trials)
    failed = [row for row in study.trials if row.state == "failed"]
    rows = [[row.id, cut(row.reason or "", REASON_WIDTH), configuration(row, names)] for row in failed[:MOST_ROWS]]
    more = len(failed) - len(rows)
    note = f"and {more} more: --format csv" if more else ""
    return Table("failed trials", ["trial", "reason", "configuration"], rows, note, words=("reason",)) if rows else None
