"""Effects: what each level changes against the baseline, over paired seeds, with its uncertainty and a verdict.

A difference is taken within a seed, so that what the seed does to both arms cancels. In a grid it is the mean over all
combinations of the other factors (a main effect), their levels weighed alike; in a fractional plan a least-squares estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from ablate.store.design import Design
from ablate.study.factors import written
from ablate.summary.cells import Cells
from ablate.summary.power import detectable, seeds_needed
from ablate.summary.statistics import ALPHA, Paired, holm, paired, verdict
from ablate.summary.weights import weight_of
from ablate.types import Scalar, TrialResult

DUST = 1e-12
"""Differences below this share of the largest value are none: sums over many arms, and least squares, leave so much behind."""
Number = Callable[[TrialResult], float]
"""What is compared of a trial."""
Pair = tuple[str, str]
"""An arm with the level, and the arm that differs from it by having the baseline's."""


@dataclass(frozen=True)
class Effect:
    """One level against the baseline; an interaction names two factors, `loss*sampler`, and two levels."""

    factor: str
    level: str
    baseline: str
    paired: Paired
    """In units of the metric: level minus baseline."""
    p: float | None
    """Holm-corrected over all levels of the study; None where there is no test."""
    verdict: str
    detectable: float | None
    """The smallest true difference that this many seeds find with 80 % power, at the correction's strictest level."""
    seeds_needed: int | None
    """For 80 % power at a true difference as large as the one that was found; None where none below 10,000 is enough."""
    train_time: float | None
    """Change of training seconds, as a share of the baseline's: 0.06 is 6 % more (geometric mean over seeds)."""
    train_time_clear: bool
    """Whether its 95 % interval over seeds leaves out 0; else it is within the scatter of the machine."""


def effects_of(cells: Cells) -> list[Effect]:
    """The effect of every level of every factor, or of every group that is left out, in the order of the design."""
    design = cells.design
    if design.kind == "fractional":
        found = _least_squares(cells)
        slower = _least_squares(cells, _log_seconds)
    else:
        contrasts = _contrasts(design)
        found = [(factor, level, base, _differences(cells, pairs)) for factor, level, base, pairs in contrasts]
        slower = [(f, level, base, _differences(cells, pairs, _log_seconds)) for f, level, base, pairs in contrasts]
    return _judge(cells, found, {(factor, level): list(logs.values()) for factor, level, _, logs in slower})


def interactions_of(cells: Cells) -> list[Effect]:
    """Of a grid: how much more two levels do together than the sum of what each does alone; a family of their own."""
    design = cells.design
    if design.kind != "grid":
        return []
    found = []
    for one, other in combinations(design.levels, 2):
        for a, b in product(_others(design, one), _others(design, other)):
            squares = _squares(design, (one, a), (other, b))
            if squares:
                together = _by_seed(cells, squares, lambda v: v[0] - v[1] - v[2] + v[3])
                baseline = f"{written(design.baseline_levels[one])}*{written(design.baseline_levels[other])}"
                found.append((f"{one}*{other}", f"{written(a)}*{written(b)}", baseline, together))
    return _judge(cells, found, {})


def _judge(
    cells: Cells,
    found: Sequence[tuple[str, str, str, Mapping[int, float]]],
    logs: Mapping[tuple[str, str], list[float]],
) -> list[Effect]:
    """Test, correct for their number, and put into words; `logs` are of training seconds, level minus baseline."""
    dust = DUST * max((abs(value) for arm in cells.rows for value in cells.values(arm).values()), default=0.0)
    tests = [paired([0.0 if abs(d) <= dust else d for d in each.values()]) for _, _, _, each in found]
    adjusted = holm([test.p for test in tests])
    family = max(1, sum(test.p is not None for test in tests))
    margin = cells.design.margin
    effects = []
    for (factor, level, base, _), test, p in zip(found, tests, adjusted, strict=True):
        spread, alpha = test.deviation or None, ALPHA / family
        time, clear = _change(logs.get((factor, level), []))
        effects.append(
            Effect(
                factor=factor,
                level=level,
                baseline=base,
                paired=test,
                p=p,
                verdict=verdict(test, p_adjusted=p, goal=cells.goal, margin=margin, family=family),
                detectable=detectable(test.n, spread, alpha=alpha) if spread and test.n > 1 else None,
                seeds_needed=seeds_needed(abs(test.mean), spread, alpha=alpha) if spread and test.mean else None,
                train_time=time,
                train_time_clear=clear,
            )
        )
    return effects


def _contrasts(design: Design) -> list[tuple[str, str, str, list[Pair]]]:
    """Factor (or group), level, baseline level, and the pairs of arms whose differences are its effect."""
    if design.kind in ("one_at_a_time", "leave_one_out"):
        assert design.baseline is not None, f"a design {design.kind} has a baseline"
        return [(*_changed(design, arm), [(arm, design.baseline)]) for arm in design.arms if arm != design.baseline]
    return [
        (factor, written(level), written(design.baseline_levels[factor]), _partners(design, factor, level))
        for factor in design.levels
        for level in _others(design, factor)
    ]


def _changed(design: Design, arm: str) -> tuple[str, str, str]:
    """In what an arm differs from the baseline: factors, their levels there, and their levels in the baseline."""
    names = [name for name, level in design.arms[arm].items() if level != design.baseline_levels[name]]
    return (
        "+".join(names) if design.kind == "one_at_a_time" else arm.removeprefix("without "),
        "+".join(written(design.arms[arm][name]) for name in names),
        "+".join(written(design.baseline_levels[name]) for name in names),
    )


def _others(design: Design, factor: str) -> list[Scalar]:
    return [level for level in design.levels[factor] if level != design.baseline_levels[factor]]


def _partners(design: Design, factor: str, level: Scalar) -> list[Pair]:
    """Arms with the level, each with every arm that has the baseline's there and agrees in all other factors both have."""
    with_level = [arm for arm, levels in design.arms.items() if levels.get(factor) == level]
    with_base = [arm for arm, levels in design.arms.items() if levels.get(factor) == design.baseline_levels[factor]]
    return [(arm, base) for arm in with_level for base in with_base if _agree(design, arm, base, {factor})]


def _agree(design: Design, arm: str, other: str, but: set[str]) -> bool:
    one, two = design.arms[arm], design.arms[other]
    return all(one[name] == two[name] for name in one if name in two and name not in but)


def _squares(design: Design, one: tuple[str, Scalar], other: tuple[str, Scalar]) -> list[tuple[str, ...]]:
    """Four arms each: both levels, the first alone, the second alone, neither; all else equal, between every two of them.

    Where one level alone has a factor of its own (a margin), agreeing with the first arm is not enough: the other two could
    differ in it, and where the grid has holes that would be told as an interaction.
    """
    (factor, a), (second, b) = one, other
    base = design.baseline_levels

    def with_levels(x: Scalar, y: Scalar) -> list[str]:
        return [arm for arm, levels in design.arms.items() if levels.get(factor) == x and levels.get(second) == y]

    corners = [with_levels(a, b), with_levels(a, base[second]), with_levels(base[factor], b)]
    corners.append(with_levels(base[factor], base[second]))
    return [
        four
        for four in product(*corners)
        if all(_agree(design, x, y, {factor, second}) for x, y in combinations(four, 2))
    ]


def _differences(cells: Cells, pairs: Sequence[Pair], number: Number | None = None) -> dict[int, float]:
    """Seed -> mean difference over the pairs, in the metric or in another number of the trials."""
    return _by_seed(cells, pairs, lambda v: v[0] - v[1], number)


def _by_seed(
    cells: Cells,
    contexts: Sequence[tuple[str, ...]],
    contrast: Callable[[list[float]], float],
    number: Number | None = None,
) -> dict[int, float]:
    """Seed -> the mean contrast over the contexts, in the seeds that have all of them; levels of what varies weigh alike.

    A context of which an arm has no complete trial at all is left out; else what is compared would change from seed to seed.
    """
    values = {arm: cells.values(arm, number) for arm in {arm for context in contexts for arm in context}}
    usable = [context for context in contexts if all(values[arm] for arm in context)]
    seeds = [s for s in cells.design.seeds if usable and all(s in values[arm] for context in usable for arm in context)]
    weights = [weight_of(cells.design, *context) for context in usable]
    found = {seed: [contrast([values[arm][seed] for arm in context]) for context in usable] for seed in seeds}
    return {seed: float(np.average(contrasts, weights=weights)) for seed, contrasts in found.items()}


def _least_squares(cells: Cells, number: Number | None = None) -> list[tuple[str, str, str, dict[int, float]]]:
    """Main effects of a fractional plan: in each seed, the additive model over the arms that are complete."""
    design = cells.design
    columns = [(factor, level) for factor in design.levels for level in _others(design, factor)]
    found: list[dict[int, float]] = [{} for _ in columns]
    for seed in design.seeds:
        arms = [arm for arm in design.arms if seed in cells.rows[arm]]
        matrix = np.array([[1.0, *(_coded(design, arm, f, level) for f, level in columns)] for arm in arms])
        if not arms or np.linalg.matrix_rank(matrix) < len(columns) + 1:
            continue  # too many arms failed for this seed to tell the effects apart
        values = np.array([cells.values(arm, number)[seed] for arm in arms])
        solution = np.linalg.lstsq(matrix, values, rcond=None)[0]
        for differences, coefficient in zip(found, solution[1:], strict=True):
            differences[seed] = float(coefficient)
    return [
        (factor, written(level), written(design.baseline_levels[factor]), differences)
        for (factor, level), differences in zip(columns, found, strict=True)
    ]


def _coded(design: Design, arm: str, factor: str, level: Scalar) -> float:
    """1 for the level, less what makes the factor's levels sum to 0 (its coefficient is the level minus the baseline).

    0 where the factor does not exist, so that what it depends on is estimated over all of its levels, as in a grid.
    """
    levels = design.arms[arm]
    return (levels[factor] == level) - 1 / len(design.levels[factor]) if factor in levels else 0.0


def _log_seconds(row: TrialResult) -> float:
    """Of training; NaN where nobody measured them."""
    seconds = row.cost.get("cost/train_seconds", 0.0)
    return math.log(seconds) if seconds > 0 else math.nan


def _change(logs: list[float]) -> tuple[float | None, bool]:
    """Mean difference of logarithms as a share of the baseline, None where there is none; whether its interval leaves out 0."""
    if not logs or not np.isfinite(logs).all():
        return None, False
    found = paired(logs)
    assert found.mean is not None, "there is a seed"
    clear = found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
    return math.expm1(found.mean), clear
