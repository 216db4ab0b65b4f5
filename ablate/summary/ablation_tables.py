"""The tables of an ablation: effects, arms, heat maps of grids, tuning budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np

from ablate.study.factors import written
from ablate.summary.cells import Cells
from ablate.summary.effects import Effect
from ablate.summary.spread import spread_of
from ablate.summary.table import SHADES, Table
from ablate.summary.weights import weight_of
from ablate.summary.words import head, short_number
from ablate.types import Scalar

POINTS = 100.0
"""Metrics lie in 0..1; their differences are told in points, hundredths of it."""


def effects_table(effects: Sequence[Effect], title: str, *, notes: Sequence[str] = ()) -> Table:
    """One line for each level, with what is known of its effect."""
    heads = [
        "factor",
        "level",
        "against",
        "difference",
        "95 % interval",
        "Holm p",
        "n",
        "size",
        "sees",
        "time",
        "verdict",
    ]
    rows = [
        [
            effect.factor,
            effect.level,
            effect.baseline,
            points(effect.paired.mean, "+.2f"),
            interval(effect.paired.low, effect.paired.high, POINTS, "+.2f"),
            p_text(effect.p).removeprefix("= "),
            str(effect.paired.n),
            "-" if effect.paired.effect_size is None else f"{effect.paired.effect_size:.2f}",
            points(effect.detectable, ".2f"),
            _time(effect),
            effect.verdict,
        ]
        for effect in effects
    ]
    undecided = [e.seeds_needed for e in effects if e.verdict == "cannot tell apart" and e.seeds_needed is not None]
    told = [*notes]
    more = f"; {min(undecided)} seeds may settle the nearest" if undecided else ""
    told.append(f"size: Hedges' g; sees: the smallest true difference found with 80 % power{more}")
    idle = {place for place, head in enumerate(heads) if head == "time" and all(row[place] == "-" for row in rows)}
    scatter = "" if heads.index("time") in idle else "; (time) is within its scatter"
    told.append(f"intervals are of each comparison alone, p and verdict are corrected for all{scatter}")
    if effects and "*" in effects[0].factor:  # the corner that both leave is told by the factor's own effect
        idle.add(heads.index("against"))
    heads = [head for place, head in enumerate(heads) if place not in idle]
    rows = [[cell for place, cell in enumerate(row) if place not in idle] for row in rows]
    return Table(title, heads, rows, "\n".join(told), words=("factor", "level", "against"))


def _time(effect: Effect) -> str:
    if effect.train_time is None:
        return "-"
    change = f"{effect.train_time * 100:+.0f} %"
    return change if effect.train_time_clear else f"({change})"


def arms_table(cells: Cells, costs: Sequence[str]) -> Table:
    """Each arm, best first: its mean over seeds with an interval, and what it costs."""
    ranked = cells.best_first()
    rows = []
    for arm in [*ranked, *(arm for arm in cells.design.arms if arm not in ranked)]:
        values = list(cells.values(arm).values())
        found = spread_of(values, cells.metric) if values else None
        failed = sum(count for state, count in cells.ended[arm].items() if state not in ("complete", "running"))
        rows.append(
            [
                arm,
                "-" if found is None else f"{found.mean:.4f}",
                "-" if found is None else interval(found.low, found.high, 1.0, ".4f"),
                str(len(values)),
                str(failed),
                *(_cost(cells, arm, cost) for cost in costs),
            ]
        )
    heads = ["arm", cells.metric, "95 % interval", "n", "failed", *map(head, costs)]
    flatters = "the mean of the best arm flatters it: it is the best by what it shows" if len(ranked) > 1 else ""
    return Table("arms", heads, rows, flatters, words=("arm",))


def heat_maps(cells: Cells) -> list[Table]:
    """Of a grid: the mean of every two levels over all else, shaded from worst to best."""
    design = cells.design
    if design.kind != "grid" or len(design.levels) < 2:
        return []
    return [
        table for one, other in combinations(design.levels, 2) if (table := _heat_map(cells, one, other)) is not None
    ]


def means_of(cells: Cells, one: str, other: str) -> dict[tuple[Scalar, Scalar], float]:
    """(level of `one`, level of `other`) -> mean over all else; without those that no complete trial has."""
    design = cells.design
    means: dict[tuple[Scalar, Scalar], float] = {}
    for a, b in product(design.levels[one], design.levels[other]):
        arms = [arm for arm, levels in design.arms.items() if levels.get(one) == a and levels.get(other) == b]
        values = {(arm, seed): value for arm in arms for seed, value in cells.values(arm).items()}
        if values:
            weights = [weight_of(design, arm) for arm, _ in values]
            means[a, b] = float(np.average(list(values.values()), weights=weights))
    return means


def crossed(means: Mapping[tuple[Scalar, Scalar], float]) -> bool:
    """Whether both factors vary together: not where one exists at a single level of the other."""
    return min(len({a for a, _ in means}), len({b for _, b in means})) > 1


def _heat_map(cells: Cells, one: str, other: str) -> Table | None:
    design, means = cells.design, means_of(cells, one, other)
    if not crossed(means):
        return None
    low, high = round(min(means.values()), 4), round(max(means.values()), 4)  # as printed: the rest is no difference
    sign = 1 if cells.goal == "maximize" else -1

    def cell(a: Scalar, b: Scalar) -> str:
        if (a, b) not in means:
            return "-"
        share = (round(means[a, b], 4) - low) / (high - low) if high > low else 0.5
        share = share if sign > 0 else 1 - share
        return f"{means[a, b]:.4f} {SHADES[round(share * (len(SHADES) - 1))]}"

    rows = [[written(a), *(cell(a, b) for b in design.levels[other])] for a in design.levels[one]]
    heads = [f"{one} \\ {other}", *map(written, design.levels[other])]
    shades = f"from worst to best: {SHADES.strip()}"
    return Table(f"mean {cells.metric}: {one} x {other}", heads, rows, shades, words=(heads[0],))


def _cost(cells: Cells, arm: str, cost: str) -> str:
    values = [row.cost[cost] for row in cells.rows[arm].values() if cost in row.cost]
    return short_number(float(np.mean(values)), cost) if values else "-"


def points(value: float | None, form: str) -> str:
    """A difference, in points."""
    return "-" if value is None else f"{value * POINTS:{form}}"


def interval(low: float | None, high: float | None, scale: float, form: str) -> str:
    """[low, high]; - where there is none."""
    return "-" if low is None or high is None else f"[{low * scale:{form}}, {high * scale:{form}}]"


def p_text(p: float | None) -> str:
    """= 0.012, < 0.001."""
    if p is None:
        return "= -"
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"
