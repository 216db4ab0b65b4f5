"""The summary of an ablation: which level beats which, by how much and how surely; then arms, interactions, tuning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ablate.store.read import StudyResults
from ablate.study.configuration import SLOTS
from ablate.summary.ablation_tables import POINTS, arms_table, budget_table, effects_table, heat_maps, p_text
from ablate.summary.cells import Cells, cells_of
from ablate.summary.effects import Effect, effects_of, interactions_of
from ablate.summary.official import official_tables
from ablate.summary.pareto import Front
from ablate.summary.search_report import failed_table, said
from ablate.summary.stability import budgets_of
from ablate.summary.statistics import paired
from ablate.summary.table import Report
from ablate.summary.twins import twins_of

MOST_SENTENCES = 4
INTERACTIONS = "interactions, in points: both together, beyond the sum of each alone"


def ablation_report(study: StudyResults, front: Front, metric: str | None = None) -> Report:
    """What an ablation found, by the final trials; `metric` as in `cells_of`."""
    cells = cells_of(study, metric)
    effects, interactions, budgets = effects_of(cells), interactions_of(cells), budgets_of(study, cells)
    notes = [*cells.design.note.splitlines(), *(f"aliased: {alias}" for alias in cells.design.aliases)]
    tables = [
        effects_table(effects, f"effects on {cells.metric}, in points", notes=notes),
        arms_table(cells, front),
        *official_tables(study),
        effects_table(interactions, INTERACTIONS) if interactions else None,
        *heat_maps(cells),
        budget_table(budgets) if budgets else None,
        failed_table(study),
    ]
    data = {
        "metric": cells.metric,
        "effects": [as_json(effect) for effect in effects],
        "interactions": [as_json(effect) for effect in interactions],
        "arms": [_arm_json(cells, arm) for arm in cells.design.arms],
        "stability": [asdict(budget) for budget in budgets],
        "aliases": list(cells.design.aliases),
    }
    return Report(_answer(study, cells, effects), [table for table in tables if table is not None], data)


def _answer(study: StudyResults, cells: Cells, effects: Sequence[Effect]) -> list[str]:
    """Sentences on what was told apart, or on what could have been; then what they rest on."""
    sign = 1 if cells.goal == "maximize" else -1
    sure = [effect for effect in effects if effect.verdict in ("better", "worse")]
    sure.sort(key=lambda effect: -abs(effect.paired.mean or 0.0))
    lines = [f"{study.study}: {_sentence(cells, effect)}" for effect in sure[:MOST_SENTENCES]]
    if len(sure) > MOST_SENTENCES:
        lines.append(f"{study.study}: and {len(sure) - MOST_SENTENCES} more, below")
    tested = [effect for effect in effects if effect.paired.n > 1]
    if not sure and not tested:
        lines.append(f"{study.study}: {_untested(cells)}")
    elif not sure:
        largest = max(tested, key=lambda effect: sign * (effect.paired.mean or 0.0))
        seen = max((effect.detectable for effect in tested if effect.detectable), default=None)
        sees = (
            f"; differences of {seen * POINTS:.1f} points it would have seen (80 % power)" if seen and seen < 1 else ""
        )
        if seen and seen >= 1:
            sees = f"; with {max(effect.paired.n for effect in tested)} seeds no difference would have been seen in all of them"
        lines.append(f"{study.study}: no level can be told apart from its baseline{sees}")
        lines.append(f"{study.study}: largest so far: {_sentence(cells, largest)}")
    alike = [effect for effect in effects if effect.verdict == "equivalent"]
    if alike:
        names = ", ".join(f"{effect.level} and {effect.baseline}" for effect in alike)
        lines.append(f"equivalent within {(cells.design.margin or 0) * POINTS:g} points: {names}")
    first = [alias.replace(" ~ ", " = ").split(" = ")[0] for alias in cells.design.aliases]
    mixed = [effect for effect in first if "*" not in effect]  # main effects that stand beside interactions
    if mixed:
        lines.append(
            f"careful: what is told of {', '.join(mixed)} may belong to interactions of others (see aliased); "
            "only a grid, or two levels at resolution 4, keeps them apart"
        )
    for one, other, differ in twins_of(cells):
        lines.append(
            f"suspicious: {one} and {other} differ in {', '.join(differ)} and agree in every metric to the last bit"
        )
    return [*lines, _ground(study, cells)]


def _untested(cells: Cells) -> str:
    seeds = max((len(found) for found in cells.rows.values()), default=0)
    if seeds == 0:
        return "no arm has a complete trial yet"
    if len(cells.design.seeds) > 1:
        return "no comparison is complete in two seeds yet; what is missing is trained by the same `ablate run`"
    return "one seed: no intervals and no tests; give `seeds: 3` or more, and only the new ones are trained"


def _sentence(cells: Cells, effect: Effect) -> str:
    """semi_hard beats random by 4.1 points recall_at_1 [3.2, 5.0], 5 seeds, Holm p = 0.004, +6 % training time."""
    found, name = effect.paired, cells.metric.partition("/")[2]
    assert found.mean is not None and found.low is not None and found.high is not None, "only what was tested is told"
    better = (found.mean > 0) == (cells.goal == "maximize")
    if cells.design.kind == "leave_one_out":
        who = f"without {effect.factor} it is {'better' if better else 'worse'} by"
    else:
        telling = effect.factor in SLOTS and "none" not in (
            effect.level,
            effect.baseline,
        )  # "false beats true" says nothing
        name_of = "" if telling else f"{effect.factor} "
        who = f"{name_of}{effect.level} {'beats' if better else 'loses to'} {effect.baseline} by"
    turn = 1 if found.mean >= 0 else -1  # the interval is told in the direction of the sentence
    low, high = sorted((turn * found.low * POINTS, turn * found.high * POINTS))
    parts = [f"{who} {abs(found.mean) * POINTS:.1f} points {name} [{low:.1f}, {high:.1f}]", f"{found.n} seeds"]
    parts.append(f"Holm p {p_text(effect.p)}")
    if effect.train_time is not None:
        parts.append(f"{effect.train_time * 100:+.0f} % training time")
    return ", ".join(parts)


def _ground(study: StudyResults, cells: Cells) -> str:
    """On what the answer rests: trials by state, how many were tuned, reused, which metric judged."""
    counts = Counter(row.state for row in study.trials)
    states = ", ".join(
        f"{counts[state]} {said(study, state)}"
        for state in ("complete", "pruned", "failed", "running")
        if counts[state]
    )
    reused = sum(row.reused is not None for row in study.trials)
    trained = sum(row.cost.get("cost/train_seconds", 0.0) for row in study.trials if row.reused is None)
    tuned = f"; each arm tuned by {cells.design.tuned} trials first" if cells.design.tuned else ""
    return (
        f"{len(study.trials)} trials: {states or 'none has started yet'}; {reused} reused; {trained:,.1f} s of training in all;"
        f" judged by {cells.metric}{tuned}"
    )


def as_json(effect: Effect) -> dict[str, Any]:
    """One effect for machines; differences are in units of the metric."""
    test = asdict(effect.paired)
    return {
        "factor": effect.factor,
        "level": effect.level,
        "baseline": effect.baseline,
        "difference": test.pop("mean"),
        "low": test.pop("low"),
        "high": test.pop("high"),
        "p": effect.p,
        "n": test.pop("n"),
        "verdict": effect.verdict,
        "p_uncorrected": test.pop("p"),
        **test,
        "detectable": effect.detectable,
        "seeds_needed": effect.seeds_needed,
        "train_time": effect.train_time,
    }


def _arm_json(cells: Cells, arm: str) -> dict[str, Any]:
    values = cells.values(arm)
    found = paired(list(values.values())) if values else None
    return {
        "arm": arm,
        "levels": dict(cells.design.arms[arm]),
        "mean": found.mean if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "n": len(values),
        "values": {str(seed): value for seed, value in values.items()},
        "states": dict(cells.ended[arm]),
    }
