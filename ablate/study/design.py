"""Experimental designs: which combinations of levels an ablation trains, so that its question can be answered.

`one_at_a_time` changes one factor of the baseline, `leave_one_out` takes one part out of a full recipe, `grid` trains every
combination; `fractional.py` trains a part of the grid, chosen so that effects stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablate.errors import DesignError
from ablate.study.factors import (
    Arm,
    Exclude,
    Factor,
    Level,
    arms_of,
    check_factors,
    combination,
    conditions_first,
    excluding,
    shown,
    written,
)

__all__ = ["Alias", "Arm", "Effect", "Exclude", "Factor", "Level", "Plan", "grid", "leave_one_out", "one_at_a_time"]

Effect = tuple[str, ...]
"""The factors of an effect: ("loss",) is a main effect, ("loss", "sampler") an interaction."""

MOST_ARMS = 10_000
"""A design beyond this is refused before it fills the memory; nobody trains it."""


@dataclass(frozen=True)
class Alias:
    """Effects that a plan cannot tell apart."""

    effects: tuple[Effect, ...]
    """Two or more, those of the lowest order first."""
    in_part: bool = False
    """Whether the first effect only shares a part with each of the others; if not, all are equal up to sign."""

    def __str__(self) -> str:
        first, *rest = ("*".join(effect) for effect in self.effects)
        return f"{first} ~ {', '.join(rest)}" if self.in_part else " = ".join([first, *rest])


@dataclass(frozen=True)
class Plan:
    """The arms of an ablation, and what they can tell."""

    design: str
    """one_at_a_time, leave_one_out, grid or fractional."""
    arms: tuple[Arm, ...]
    """The baseline first, where it is in the plan; then in the order of factors and levels."""
    baseline: Arm | None
    aliases: tuple[str, ...]
    """`aliased` as text: "loss*sampler = optimizer*schedule"; `~` where effects share a part only."""
    resolution: str | None
    """Roman numeral of a fraction; None where all combinations are trained, and for designs that have no such number."""
    note: str
    """What is guaranteed and what is not, one idea on a line."""
    aliased: tuple[Alias, ...] = ()
    """Main effects and two-factor interactions that the plan cannot tell apart; without those that are clear."""

    def __post_init__(self) -> None:
        assert len({arm.name for arm in self.arms}) == len(self.arms), "two arms have the same name"
        assert self.baseline is None or self.baseline == self.arms[0], "the baseline is not the first arm"


def one_at_a_time(factors: Sequence[Factor], exclude: Exclude = ()) -> Plan:
    """The baseline, and every other level of every factor with the rest as in the baseline."""
    check_factors(factors, exclude)
    arms = [_baseline(factors)]
    for factor in factors:
        for level in factor.others:
            arms.append(Arm(f"{factor.name}={written(level)}", combination(factors, {factor.name: level})))
    note = "each effect is measured with the other factors as in the baseline; interactions are not measured"
    return _plan("one_at_a_time", arms, exclude, note)


def leave_one_out(
    factors: Sequence[Factor], groups: Mapping[str, tuple[str, ...]] | None = None, exclude: Exclude = ()
) -> Plan:
    """The full recipe as baseline, then the recipe without each factor, then without each group of factors.

    A factor has two levels: the recipe's, and the neutral one that takes the part out.
    """
    check_factors(factors, exclude)
    parts = {factor.name: (factor.name,) for factor in factors}
    _check_parts(factors, groups or {})
    neutral = {factor.name: factor.others[0] for factor in factors}
    arms = [_baseline(factors)]
    for name, members in {**parts, **(groups or {})}.items():
        levels = combination(factors, {member: neutral[member] for member in members})
        twin = next((arm.name for arm in arms if arm.levels == levels), None)
        if twin is not None:
            raise DesignError(f"group '{name}' is the arm '{twin}' once more\n  take the group out, or change it")
        arms.append(Arm(f"without {name}", levels))
    note = (
        "each effect is what the recipe loses without the part\n"
        "parts that stand in for each other can all look idle: take them out together, as a group"
    )
    return _plan("leave_one_out", arms, exclude, note)


def grid(factors: Sequence[Factor], exclude: Exclude = ()) -> Plan:
    """Every combination of levels; a factor whose `when` fails is absent, and what then coincides is one arm."""
    check_factors(factors, exclude)
    combinations: list[dict[str, Level]] = [{}]
    for factor in conditions_first(factors):
        combinations = [
            extended
            for found in combinations
            for extended in (
                [{**found, factor.name: level} for level in factor.levels] if factor.exists_in(found) else [found]
            )
        ]
        if len(combinations) > MOST_ARMS:
            raise DesignError(
                f"the grid has more than {MOST_ARMS} arms\n  use design fractional, or fewer factors or levels"
            )
    has_holes = any(factor.when for factor in factors) or any(
        excluding(each, exclude) is not None for each in combinations
    )
    note = "all main effects and interactions are clear of each other"
    if has_holes:
        note = "the grid has holes (when, exclude): compare only arms that agree in all other factors"
    return _plan("grid", arms_of(factors, combinations), exclude, note)


def _check_parts(factors: Sequence[Factor], groups: Mapping[str, tuple[str, ...]]) -> None:
    """Raise DesignError for factors that have no neutral level, and for groups of nothing."""
    known = [factor.name for factor in factors]
    for factor in factors:
        if len(factor.levels) != 2:
            raise DesignError(
                f"factor '{factor.name}' has {len(factor.levels)} levels, but leave_one_out takes a part out\n"
                "  give it two levels, the recipe's and the neutral one, or use design one_at_a_time"
            )
    for name, members in groups.items():
        if name in known:
            raise DesignError(f"group '{name}' has the name of a factor\n  give the group another name")
        strange = [member for member in members if member not in known]
        if strange or not members:
            what = f"'{strange[0]}' is no factor" if strange else "it is empty"
            raise DesignError(f"group '{name}': {what}\n  factors are: {', '.join(known)}")


def _baseline(factors: Sequence[Factor]) -> Arm:
    """The baseline of a design that changes only it, so every factor must exist there."""
    levels = combination(factors, {})
    for factor in factors:
        if factor.name not in levels:
            raise DesignError(
                f"factor '{factor.name}' cannot be varied at the baseline: it exists only when {shown(factor.when)}\n"
                "  choose a baseline where it exists, use design grid, or take the factor out"
            )
    return Arm("baseline", levels)


def _plan(design: str, arms: Sequence[Arm], exclude: Exclude, note: str) -> Plan:
    """The plan without the arms that are excluded; `check_factors` has made sure that the baseline stays."""
    kept = tuple(arm for arm in arms if excluding(arm.levels, exclude) is None)
    if len(kept) == 1:
        raise DesignError("exclude leaves out every arm but the baseline\n  take some of it out")
    return Plan(design, kept, kept[0], aliases=(), resolution=None, note=note)
