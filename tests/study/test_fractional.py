"""What a fractional plan promises, checked on the columns of its own arms."""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations, product
from math import prod

import numpy as np
import pytest

from ablate.errors import DesignError
from ablate.study.design import Effect, Factor, Plan, grid
from ablate.study.fractional import fractional

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def factors_of(*levels: int) -> list[Factor]:
    """A, B, C ... with levels 0, 1, ...; the last level is the baseline."""
    return [Factor(LETTERS[place], tuple(range(count)), count - 1) for place, count in enumerate(levels)]


def two_level(count: int) -> list[Factor]:
    return factors_of(*[2] * count)


def columns(plan: Plan) -> dict[Effect, tuple[int, ...]]:
    """The column of -1 and 1 of each main effect and each interaction of two factors."""
    signs = {name: np.array([1 - 2 * int(arm.levels[name]) for arm in plan.arms]) for name in plan.arms[0].levels}
    found: dict[Effect, tuple[int, ...]] = {(name,): tuple(column.tolist()) for name, column in signs.items()}
    for one, other in combinations(signs, 2):
        found[one, other] = tuple((signs[one] * signs[other]).tolist())
    return found


def aliased_by_hand(plan: Plan) -> set[frozenset[Effect]]:
    """Sets of effects whose columns agree up to sign."""
    same: dict[tuple[int, ...], set[Effect]] = {}
    for effect, column in columns(plan).items():
        normal = column if column[0] == 1 else tuple(-sign for sign in column)
        same.setdefault(normal, set()).add(effect)
    return {frozenset(effects) for effects in same.values() if len(effects) > 1}


def log_det(plan: Plan) -> float:
    """Of the information per arm, each factor coded by an indicator for every level but the first it has."""
    seen = {name: sorted({int(arm.levels[name]) for arm in plan.arms}) for name in plan.arms[0].levels}
    model = np.array(
        [[1.0, *(float(arm.levels[name] == k) for name, some in seen.items() for k in some[1:])] for arm in plan.arms]
    )
    return float(np.linalg.slogdet(model.T @ model / len(model))[1])


CASES = [(3, 3), (5, 4), (5, 3), (6, 4), (7, 4), (7, 3), (8, 4), (6, 5), (8, 5), (9, 4), (12, 4), (12, 3)]


@pytest.mark.parametrize(("count", "resolution"), CASES)
def test_exactly_those_effects_are_listed_as_aliases_whose_columns_agree(count: int, resolution: int) -> None:
    plan = fractional(two_level(count), resolution)
    assert {frozenset(alias.effects) for alias in plan.aliased} == aliased_by_hand(plan)
    assert plan.aliases == tuple(" = ".join("*".join(effect) for effect in alias.effects) for alias in plan.aliased)
    assert all(len(alias.effects[0]) <= len(alias.effects[1]) for alias in plan.aliased)


@pytest.mark.parametrize(("count", "resolution"), [*CASES, (10, 5)])
def test_a_plan_of_resolution_r_is_a_full_factorial_in_every_r_minus_1_factors_and_not_in_every_r(
    count: int, resolution: int
) -> None:
    plan = fractional(two_level(count), resolution)
    runs = np.array([list(arm.levels.values()) for arm in plan.arms])
    strength = {"III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}[str(plan.resolution)]
    assert strength >= resolution - 1

    def balanced(places: tuple[int, ...]) -> bool:
        seen = Counter(map(tuple, runs[:, places].tolist()))
        return len(seen) == 2 ** len(places) and len(set(seen.values())) == 1

    assert all(balanced(places) for places in combinations(range(count), strength))
    assert not all(balanced(places) for places in combinations(range(count), strength + 1))


@pytest.mark.parametrize(
    ("count", "asked", "arms", "resolution"),
    [(5, 5, 16, "V"), (4, 4, 8, "IV"), (7, 3, 8, "III"), (8, 4, 16, "IV"), (6, 4, 16, "IV"), (5, 4, 16, "V")],
)
def test_published_fractions(count: int, asked: int, arms: int, resolution: str) -> None:
    plan = fractional(two_level(count), asked)
    assert (len(plan.arms), plan.resolution) == (arms, resolution)


def test_generators_and_defining_relation_hold_in_the_arms() -> None:
    plan = fractional(two_level(6))
    lines = plan.note.split("\n")
    assert lines[0] == "2^(6-2) fraction: 16 of 64 combinations, resolution IV"
    generators = dict(part.split(" = ") for part in lines[1].removeprefix("generators: ").split(", "))
    words = lines[2].removeprefix("defining relation: I = ").split(" = ")
    assert set(generators) == {"E", "F"} and len(words) == 3

    def product_of(word: str) -> set[int]:
        # the baseline, here level 1, counts as +1
        return {prod(2 * int(arm.levels[name]) - 1 for name in word.split("*")) for arm in plan.arms}

    assert all(product_of(word) == {1} for word in words)
    assert all(product_of(f"{name}*{word}") == {1} for name, word in generators.items())


def test_the_note_says_what_a_resolution_is_worth() -> None:
    notes = {r: fractional(two_level(k), r).note for k, r in ((7, 3), (7, 4), (8, 5))}
    assert "may be aliased with two-factor interactions" in notes[3]
    assert "of two-factor interactions; those are aliased with each other" in notes[4]
    assert "two-factor interactions are clear of each other" in notes[5]
    many = fractional(two_level(12), 3)
    assert many.note.count("\n") == 3 and "and all products of these" in many.note


@pytest.mark.parametrize(("count", "resolution"), [(3, 4), (4, 5), (2, 3), (1, 4)])
def test_without_a_fraction_the_plan_is_the_whole_grid(count: int, resolution: int) -> None:
    plan = fractional(two_level(count), resolution)
    assert plan.arms == grid(two_level(count)).arms
    assert plan.aliased == () and plan.resolution is None and "the whole grid" in plan.note


def test_twelve_factors_take_well_under_a_second() -> None:
    started = time.process_time()
    for resolution in (3, 4, 5):
        fractional(two_level(12), resolution)
    assert time.process_time() - started < 2  # 0.2 s here


MIXED = [(4, 4, 2, 3), (3, 3, 3, 3), (3, 2, 2, 2, 2), (5, 4, 3, 2), (4, 2, 2, 2, 2), (6, 3, 2, 3), (3, 3, 2, 2, 2, 2)]


@pytest.mark.parametrize("levels", [(2,) * 5, (13, 3, 3), *MIXED])
def test_an_arm_has_the_name_that_it_has_in_the_grid(levels: tuple[int, ...]) -> None:
    """Another fraction, after a level more, thus finds the stored trials of the arms that both have."""
    whole = {arm.name: dict(arm.levels) for arm in grid(factors_of(*levels)).arms}
    assert {arm.name: dict(arm.levels) for arm in fractional(factors_of(*levels)).arms}.items() <= whole.items()


@pytest.mark.parametrize("levels", MIXED)
def test_main_effects_of_mixed_levels_are_clear_of_each_other(levels: tuple[int, ...]) -> None:
    plan = fractional(factors_of(*levels))
    assert len(plan.arms) < prod(levels)
    for one, other in combinations(LETTERS[: len(levels)], 2):
        pairs = Counter((arm.levels[one], arm.levels[other]) for arm in plan.arms)
        first, second = (Counter(arm.levels[name] for arm in plan.arms) for name in (one, other))
        assert (len(first), len(second)) == (levels[LETTERS.index(one)], levels[LETTERS.index(other)])
        assert all(pairs[p] * len(plan.arms) == first[p[0]] * second[p[1]] for p in product(first, second))
    uneven = {
        name for name in plan.arms[0].levels if len(set(Counter(arm.levels[name] for arm in plan.arms).values())) > 1
    }
    line = next((line for line in plan.note.split("\n") if "trained more often" in line), ": ")
    assert set(line.split(":")[0].split(", ")) - {""} == uneven


@pytest.mark.parametrize("levels", MIXED)
def test_a_main_effect_is_listed_with_an_interaction_exactly_where_the_three_factors_are_not_independent(
    levels: tuple[int, ...],
) -> None:
    plan = fractional(factors_of(*levels))
    by_hand: dict[str, set[Effect]] = {}
    for name in LETTERS[: len(levels)]:
        for pair in combinations([other for other in LETTERS[: len(levels)] if other != name], 2):
            triples = Counter(tuple(arm.levels[each] for each in (name, *pair)) for arm in plan.arms)
            single = [Counter(arm.levels[each] for arm in plan.arms) for each in (name, *pair)]
            expected = ((t, prod(c[level] for c, level in zip(single, t, strict=True))) for t in product(*single))
            if any(triples[triple] * len(plan.arms) ** 2 != count for triple, count in expected):
                by_hand.setdefault(name, set()).add(pair)
    assert {alias.effects[0][0]: set(alias.effects[1:]) for alias in plan.aliased} == by_hand
    assert all(alias.in_part for alias in plan.aliased)
    assert plan.resolution == "III" and "as listed" in plan.note


def test_a_mixed_plan_as_large_as_the_grid_is_the_grid() -> None:
    plan = fractional(factors_of(3, 2))
    assert plan.arms == grid(factors_of(3, 2)).arms and plan.resolution is None


def test_where_no_array_holds_the_factors_the_plan_says_how_efficient_it_is() -> None:
    plan = fractional(factors_of(13, 3, 3))
    assert len(plan.arms) == 26  # 17 numbers to estimate; 1.5 times that, in thirteens
    assert Counter(arm.levels["A"] for arm in plan.arms) == dict.fromkeys(range(13), 2)
    stated = float(plan.note.split("D-efficiency ")[1].split(" ")[0])
    # an oracle that codes levels as indicators: determinants of two codings differ by a constant, which the grid has too
    ratio = np.exp((log_det(plan) - log_det(grid(factors_of(13, 3, 3)))) / 17)
    assert stated == pytest.approx(ratio, abs=6e-4)
    assert plan.resolution is None and "none is measured independently" in plan.note


def test_a_d_optimal_plan_avoids_what_is_excluded() -> None:
    plan = fractional(factors_of(13, 3, 3), exclude=[{"A": (0, 1, 2), "B": 0}])
    assert not [arm for arm in plan.arms if int(arm.levels["A"]) < 3 and arm.levels["B"] == 0]
    with pytest.raises(DesignError, match="too few combinations"):
        fractional(factors_of(13, 3, 3), exclude=[{"A": 0}])


@pytest.mark.parametrize("factors", [two_level(5), factors_of(3, 3, 3, 3), two_level(3), factors_of(4, 3)])
def test_where_exclude_makes_a_hole_a_plan_for_main_effects_takes_the_place(factors: list[Factor]) -> None:
    hole = fractional(factors).arms[-1]
    plan = fractional(factors, exclude=[hole.levels])
    assert hole.name not in {arm.name for arm in plan.arms} and plan.baseline == plan.arms[0]
    assert "makes a hole" in plan.note and "D-optimal" in plan.note and plan.resolution is None
    assert np.isfinite(log_det(plan))


def test_an_exclude_that_leaves_an_effect_open_is_refused() -> None:
    with pytest.raises(DesignError, match=r"(?s)exclude leaves too few combinations.*take some of it out"):
        fractional(two_level(2), exclude=[{"A": 0}])


def test_an_exclude_beside_the_plan_changes_nothing() -> None:
    plan = fractional(two_level(5))
    beside = next(arm for arm in grid(two_level(5)).arms if arm.name not in {each.name for each in plan.arms})
    assert fractional(two_level(5), exclude=[beside.levels]) == plan


def test_a_conditional_factor_is_in_the_arms_where_it_exists() -> None:
    margin = Factor("margin", (1, 2, 3), 1, when={"A": (1,)})
    slope = Factor("slope", (1, 2), 1, when={"margin": (2, 3)})
    plan = fractional([*two_level(4), margin, slope])
    assert len(plan.arms) < len(grid([*two_level(4), margin, slope]).arms)
    for arm in plan.arms:
        assert ("margin" in arm.levels) == (arm.levels["A"] == 1)
        assert ("slope" in arm.levels) == (arm.levels.get("margin") in (2, 3))
    assert {arm.levels.get("margin") for arm in plan.arms} == {None, 1, 2, 3}
    assert "margin exists only when {A: 1}" in plan.note and plan.resolution is None
    # A and margin never vary together, so there is no interaction that a main effect could be mistaken for
    assert not any({"A", "margin"} == set(effect) for alias in plan.aliased for effect in alias.effects)


@pytest.mark.parametrize("levels", [(2,) * 5, (3, 3, 3, 3), (13, 3, 3), (3, 2)])
def test_the_baseline_is_the_first_arm_and_the_rest_is_in_the_order_of_levels(levels: tuple[int, ...]) -> None:
    factors = factors_of(*levels)
    plan = fractional(factors)
    assert plan.baseline is plan.arms[0]
    assert dict(plan.arms[0].levels) == {factor.name: factor.baseline for factor in factors}
    rest = [tuple(arm.levels.values()) for arm in plan.arms[1:]]
    assert rest == sorted(rest)
    assert plan.arms[1].name == " ".join(f"{name}={level}" for name, level in plan.arms[1].levels.items())


@pytest.mark.parametrize(
    ("levels", "mend"),
    [((2,) * 65, "use 64 or fewer"), ((11,) * 5, "use fewer factors"), ((9000, 2), "use fewer factors")],
)
def test_a_plan_that_nobody_trains_is_refused(levels: tuple[int, ...], mend: str) -> None:
    factors = [Factor(f"f{place}", tuple(range(count)), 0) for place, count in enumerate(levels)]
    with pytest.raises(DesignError, match=mend):
        fractional(factors)
