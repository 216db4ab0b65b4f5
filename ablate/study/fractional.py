"""Fractional designs: a part of the grid, chosen so that effects of interest stay apart, and the list of those that do not.

Two levels everywhere: the smallest regular fraction of the resolution asked for. Otherwise a main-effects plan: the smallest
orthogonal array that holds the factors. Where none does, where a factor has a `when`, and where `exclude` makes a hole in the
plan: a D-optimal subset of the grid.
The baseline is level number 0 of every factor, and the run of all zeros is in every plan made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import ceil, prod

import numpy as np
import numpy.typing as npt

from ablate.errors import DesignError
from ablate.study.design import MOST_ARMS, Alias, Effect, Exclude, Factor, Level, Plan
from ablate.study.factors import Arm, arms_of, check_factors, combination, excluding, shown
from ablate.study.generators import regular_fraction, shortest_word
from ablate.study.optimal import contrasts, d_optimal, efficiency
from ablate.study.orthogonal import smallest_fit

Runs = npt.NDArray[np.int64]
"""[N, factors] level numbers: 0 for the baseline, -1 where the factor does not exist."""

ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV")

MOST_FACTORS = 64
"""Of two levels: at resolution V these are 8,192 arms, found in five seconds."""

MOST_GENERATORS = 4
"""Up to these, all words of the defining relation are printed, 15 at most."""

RUNS_PER_EFFECT = 1.5
"""Of a D-optimal plan: half as many runs again as there are numbers to estimate."""


def fractional(factors: Sequence[Factor], resolution: int = 4, exclude: Exclude = ()) -> Plan:
    """A part of the grid; `resolution` (3, 4 or 5) is a promise for factors of two levels only.

    A factor with a `when` is not in every arm, and an excluded combination may fall into an orthogonal plan: in both cases a
    D-optimal plan for main effects takes its place, which has no resolution.
    Raises DesignError where what is left cannot tell the main effects apart.
    """
    check_factors(factors, exclude)
    conditional = next((factor for factor in factors if factor.when), None)
    if conditional is not None:
        return _optimal(factors, exclude, f"{conditional.name} exists only when {shown(conditional.when)}")
    two_level = all(len(factor.levels) == 2 for factor in factors)
    plan = _two_level(factors, resolution) if two_level else _main_effects(factors, exclude)
    hole = next((mapping for arm in plan.arms if (mapping := excluding(arm.levels, exclude)) is not None), None)
    return (
        plan
        if hole is None
        else _optimal(factors, exclude, f"exclude {shown(hole)} makes a hole in an orthogonal plan")
    )


def _two_level(factors: Sequence[Factor], resolution: int) -> Plan:
    if len(factors) > MOST_FACTORS:
        raise DesignError(f"no fraction is known here for {len(factors)} factors\n  use {MOST_FACTORS} or fewer")
    columns = regular_fraction(len(factors), resolution)
    num_bits = max(columns).bit_length()
    if num_bits == len(factors):
        return _whole_grid(factors, f"no fraction of resolution {ROMAN[resolution]} is smaller")
    shortest = shortest_word(columns)
    assert shortest is not None and shortest >= resolution, f"resolution {shortest}, but {resolution} was asked for"
    runs = [[(run & column).bit_count() % 2 for column in columns] for run in range(2**num_bits)]
    apart = {
        3: "main effects are clear of each other, but each may be aliased with two-factor interactions, as listed",
        4: "main effects are clear of each other and of two-factor interactions; those are aliased with each other, as listed",
    }.get(shortest, "main effects and two-factor interactions are clear of each other")
    generated = len(factors) - num_bits
    note = [
        f"2^({len(factors)}-{generated}) fraction: {2**num_bits} of {2 ** len(factors)} combinations, "
        f"resolution {ROMAN[shortest]}",
        *_relation([factor.name for factor in factors], columns, num_bits),
        apart,
    ]
    aliased = _equal_effects([factor.name for factor in factors], columns)
    return _plan(_arms(factors, np.array(runs)), aliased, ROMAN[shortest], note)


def _relation(names: list[str], columns: tuple[int, ...], num_bits: int) -> list[str]:
    """The generators (which column is made of which) and the defining relation, with the factors' names."""
    generators, words = [], []  # a word is a set of factors: bit i stands for factor i
    for place in range(num_bits, len(names)):
        generators.append(f"{names[place]} = {_product(names, columns[place])}")
        words.append(columns[place] ^ 1 << place)  # factor i < n has column 1 << i, so a column names its factors
    more = " and all products of these"
    if len(words) <= MOST_GENERATORS:
        group = [0]
        for word in words:
            group += [word ^ other for other in group]
        words, more = sorted(group[1:], key=lambda word: (word.bit_count(), word)), ""
    relation = " = ".join(["I", *(_product(names, word) for word in words)])
    return [f"generators: {', '.join(generators)}", f"defining relation: {relation}{more}"]


def _product(names: list[str], word: int) -> str:
    return "*".join(name for place, name in enumerate(names) if word >> place & 1)


def _equal_effects(names: list[str], columns: tuple[int, ...]) -> list[Alias]:
    """Main effects and two-factor interactions whose columns are the same."""
    same: dict[int, list[Effect]] = {}
    for name, column in zip(names, columns, strict=True):
        same.setdefault(column, []).append((name,))
    for (first, one), (second, other) in combinations(zip(names, columns, strict=True), 2):
        same.setdefault(one ^ other, []).append((first, second))
    return [Alias(tuple(effects)) for effects in same.values() if len(effects) > 1]


def _main_effects(factors: Sequence[Factor], exclude: Exclude) -> Plan:
    levels = tuple(len(factor.levels) for factor in factors)
    size = prod(levels)
    fit = smallest_fit(levels)
    num_runs = len(fit.runs) if fit is not None else _num_optimal_runs(levels)
    if num_runs >= size:
        return _whole_grid(factors, "no plan for main effects is smaller")
    if fit is None:
        return _optimal(factors, exclude, "no orthogonal array holds the factors")
    of_grid = f"{num_runs} of {size} combinations ({' x '.join(map(str, levels))} levels)"
    aliased = _shared_parts(factors, fit.runs)
    note = [
        f"main-effects plan from the orthogonal array {fit.array.name}: {of_grid}",
        "main effects are clear of each other",
        _with_interactions(aliased),
    ]
    if fit.collapsed:
        uneven = ", ".join(factors[place].name for place in fit.collapsed)
        note.append(
            f"{uneven}: fewer levels than the column of the array, so the first levels, the baseline before all, are "
            "trained more often, in the same proportion with every other factor; main effects stay clear of each other"
        )
    return _plan(_arms(factors, fit.runs), aliased, "III" if aliased else "IV", note)


def _num_optimal_runs(levels: tuple[int, ...]) -> int:
    """Enough for the main effects, and a multiple of the most levels, so that these can be equally frequent."""
    num_effects = 1 + sum(levels) - len(levels)
    return max(levels) * ceil(RUNS_PER_EFFECT * num_effects / max(levels))


def _optimal(factors: Sequence[Factor], exclude: Exclude, why: str) -> Plan:
    """Excluded combinations are no candidates: this plan is not orthogonal anyhow, and its efficiency counts them in."""
    levels = tuple(len(factor.levels) for factor in factors)
    if prod(levels) > MOST_ARMS:
        raise DesignError(
            f"{why}, and the grid of {' x '.join(map(str, levels))} levels is too large to search for another plan: more than "
            f"{MOST_ARMS} combinations\n  use fewer factors or levels"
        )
    whole = _grid(factors)
    allowed = [excluding(each, exclude) is None for each in _combinations(factors, whole)]
    candidates = whole[np.array(allowed)]
    num_runs = min(_num_optimal_runs(levels), len(candidates))
    chosen, efficiency_found = d_optimal(candidates, levels, num_runs)
    if efficiency_found == 0:
        what = "exclude leaves" if exclude else "`when` leaves"
        raise DesignError(f"{what} too few combinations to estimate all main effects\n  take some of it out")
    aliased = _shared_parts(factors, candidates[chosen])
    note = [
        f"{why}, so this is a D-optimal plan for main effects: {num_runs} of {len(whole)} combinations, D-efficiency "
        f"{efficiency_found / efficiency(contrasts(whole, levels)):.3f} (the whole grid is 1)",
        "main effects can be told apart, but none is measured independently of the others",
        _with_interactions(aliased),
    ]
    return _plan(_arms(factors, candidates[chosen]), aliased, None, note)


def _grid(factors: Sequence[Factor]) -> Runs:
    """Every combination once, the baseline first; -1 where a factor does not exist."""
    runs: dict[tuple[int, ...], None] = {}
    by_number = [(factor.baseline, *factor.others) for factor in factors]
    for levels in product(*by_number):
        found = combination(factors, {factor.name: level for factor, level in zip(factors, levels, strict=True)})
        numbers = zip(factors, by_number, strict=True)
        runs[tuple(known.index(found[f.name]) if f.name in found else -1 for f, known in numbers)] = None
    return np.array(list(runs))


def _shared_parts(factors: Sequence[Factor], runs: Runs) -> list[Alias]:
    """Main effects, each with the two-factor interactions that would be read as a part of it."""
    names = [factor.name for factor in factors]
    centred = []
    for place, factor in enumerate(factors):
        columns, exists = contrasts(runs[:, [place]], (len(factor.levels),))[:, 1:], runs[:, place] >= 0
        columns[exists] -= columns[exists].mean(axis=0)  # dummy levels have made levels unequally frequent
        centred.append(columns)
    model = np.concatenate([np.ones((len(runs), 1)), *centred], axis=1)
    owner = np.repeat(np.arange(-1, len(names)), [1, *(columns.shape[1] for columns in centred)])
    mixed: dict[str, list[Effect]] = {name: [] for name in names}
    for one, other in combinations(range(len(names)), 2):
        # where one exists at a single level of the other, nothing can interact: the other, centred there, is 0
        both = np.all(runs[:, [one, other]] >= 0, axis=1)
        if not both.any():
            continue
        first, second = (np.where(both[:, None], c - c[both].mean(axis=0), 0.0) for c in (centred[one], centred[other]))
        interaction = np.einsum("na,nb->nab", first, second).reshape(len(runs), -1)
        bias = np.abs(np.linalg.lstsq(model, interaction, rcond=None)[0]).max(axis=1)  # Box and Wilson's alias matrix
        for place in sorted(set(owner[bias > 1e-6].tolist()) - {-1}):
            mixed[names[place]].append((names[one], names[other]))
    return [Alias(((name,), *effects), in_part=True) for name, effects in mixed.items() if effects]


def _with_interactions(aliased: Sequence[Alias]) -> str:
    if not aliased:
        return "two-factor interactions do not bias main effects"
    names = ", ".join(alias.effects[0][0] for alias in aliased)
    return f"aliased, wholly or in part, with two-factor interactions, as listed: {names}"


def _whole_grid(factors: Sequence[Factor], why: str) -> Plan:
    size = prod(len(factor.levels) for factor in factors)
    if size > MOST_ARMS:
        raise DesignError(f"the plan has {size} arms, the whole grid: {why}\n  use fewer factors or levels")
    runs = _grid(factors)
    note = [f"the whole grid of {size} combinations: {why}", "all effects are clear of each other"]
    return _plan(_arms(factors, runs), [], None, note)


def _combinations(factors: Sequence[Factor], runs: Runs) -> list[dict[str, Level]]:
    by_number = [(factor.baseline, *factor.others) for factor in factors]
    return [
        {
            factor.name: known[number]
            for factor, known, number in zip(factors, by_number, run, strict=True)
            if number >= 0
        }
        for run in runs.tolist()
    ]


def _arms(factors: Sequence[Factor], runs: Runs) -> list[Arm]:
    return arms_of(factors, _combinations(factors, runs))


def _plan(arms: list[Arm], aliased: Sequence[Alias], resolution: str | None, note: Sequence[str]) -> Plan:
    aliases = tuple(map(str, aliased))
    return Plan("fractional", tuple(arms), arms[0], aliases, resolution, "\n".join(note), tuple(aliased))
