"""Factors and arms: what an ablation varies, and the combinations of levels it trains.

Arms are named by what they are, never by a number: stored trials refer to the names, and one level more must not move them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ablate.errors import DesignError
from ablate.types import Scalar

Level = Scalar
"""What a factor is set to: "triplet", 0.2, true."""

Allowed = Mapping[str, Level | tuple[Level, ...]]
"""Factor -> the level, or the levels, that are meant."""

Exclude = Sequence[Allowed]
"""Combinations to leave out: an arm goes where it has, of one mapping, every factor at a level that is named."""

PLAIN_WORD = re.compile(r'[A-Za-z_][^\s="|,]*')
"""Text that reads as nothing else in an arm's name."""


@dataclass(frozen=True)
class Factor:
    """What an ablation varies."""

    name: str
    levels: tuple[Level, ...]
    baseline: Level
    """The level that the others are compared with."""
    when: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)
    """The factor exists only in arms where each of these factors exists and has one of these levels."""

    def __post_init__(self) -> None:
        assert self.baseline in self.levels, f"{self.name}: baseline {self.baseline!r} is none of {self.levels}"
        assert len(set(self.levels)) == len(self.levels), f"{self.name}: {self.levels} names a level twice"

    @property
    def others(self) -> tuple[Level, ...]:
        """The levels beside the baseline."""
        return tuple(level for level in self.levels if level != self.baseline)

    def exists_in(self, levels: Mapping[str, Level]) -> bool:
        """Whether `when` holds."""
        return all(levels.get(name) in allowed for name, allowed in self.when.items())


@dataclass(frozen=True)
class Arm:
    """One combination of levels; a seed repeats it."""

    name: str
    """Stable, and unique in its plan."""
    levels: Mapping[str, Level]
    """Every factor that exists in the arm, in factor order."""


def check_factors(factors: Sequence[Factor], exclude: Exclude) -> None:
    """Raise DesignError where nothing is compared, where a name or level is unknown, or the baseline is excluded."""
    known = {factor.name: factor for factor in factors}
    assert len(known) == len(factors), "two factors have the same name"
    if not factors:
        raise DesignError("no factor is given, so nothing is compared\n  name one or more, with two levels or more")
    for factor in factors:
        if not factor.others:
            raise DesignError(
                f"factor '{factor.name}' has one level, so nothing is compared\n"
                "  give it a second level, or set it in `space` instead"
            )
        _check_names(factor.when, known, f"when of factor '{factor.name}'")
    for mapping in exclude:
        _check_names(mapping, known, "exclude")
    culprit = excluding(combination(factors, {}), exclude)
    if culprit is not None:
        raise DesignError(
            f"exclude {shown(culprit)} leaves out the baseline, with which every arm is compared\n"
            "  take it out of exclude, or choose another baseline"
        )


def _check_names(mapping: Allowed, known: Mapping[str, Factor], where: str) -> None:
    for name, allowed in mapping.items():
        if name not in known:
            raise DesignError(f"{where}: '{name}' is no factor\n  factors are: {', '.join(known)}")
        strange = [level for level in _several(allowed) if level not in known[name].levels]
        if strange:
            levels = ", ".join(map(written, known[name].levels))
            raise DesignError(f"{where}: {name} has no level {written(strange[0])}\n  levels are: {levels}")


def conditions_first(factors: Sequence[Factor]) -> list[Factor]:
    """The factors, each after those that its `when` names."""
    placed: dict[str, Factor] = {}
    while len(placed) < len(factors):
        left = [factor for factor in factors if factor.name not in placed]
        ready = [factor for factor in left if factor.when.keys() <= placed.keys()]
        if not ready:
            names = ", ".join(factor.name for factor in left)
            raise DesignError(f"the factors {names} wait for each other\n  take out the `when` of one of them")
        placed |= {factor.name: factor for factor in ready}
    return list(placed.values())


def combination(factors: Sequence[Factor], changes: Mapping[str, Level]) -> dict[str, Level]:
    """The baseline with `changes`: the factors that then exist, in factor order."""
    found: dict[str, Level] = {}
    for factor in conditions_first(factors):
        if factor.exists_in(found):
            found[factor.name] = changes.get(factor.name, factor.baseline)
    return {factor.name: found[factor.name] for factor in factors if factor.name in found}


def arms_of(factors: Sequence[Factor], combinations: Iterable[Mapping[str, Level]]) -> list[Arm]:
    """An arm for each combination, named by all its levels: the baseline first, then in the order of factors and levels."""
    baseline = combination(factors, {})

    def place(levels: Mapping[str, Level]) -> tuple[bool, list[int]]:
        indices = [factor.levels.index(levels[factor.name]) if factor.name in levels else -1 for factor in factors]
        return levels != baseline, indices

    in_order = sorted(combinations, key=place)
    of_factors = [{f.name: levels[f.name] for f in factors if f.name in levels} for levels in in_order]
    return [Arm(named(levels), levels) for levels in of_factors]


def excluding(levels: Mapping[str, Level], exclude: Exclude) -> Allowed | None:
    """The first mapping of `exclude` that leaves out this combination; None where none does."""
    for mapping in exclude:
        if all(levels.get(name) in _several(allowed) for name, allowed in mapping.items()):
            return mapping
    return None


def _several(allowed: Level | tuple[Level, ...]) -> tuple[Level, ...]:
    return allowed if isinstance(allowed, tuple) else (allowed,)


def named(levels: Mapping[str, Level]) -> str:
    """`loss=triplet sampler=hard`."""
    return " ".join(f"{name}={written(level)}" for name, level in levels.items())


def shown(mapping: Allowed) -> str:
    """A condition in an error's words: `{loss: triplet | circle, sampler: hard}`."""
    parts = (f"{name}: {' | '.join(map(written, _several(allowed)))}" for name, allowed in mapping.items())
    return f"{{{', '.join(parts)}}}"


def written(level: Level) -> str:
    """A level in a name. Text that would read as something else is quoted, so that no two levels are written alike."""
    if isinstance(level, str) and PLAIN_WORD.fullmatch(level) and level not in ("true", "false", "inf", "nan"):
        return level
    return json.dumps(level, ensure_ascii=False)
