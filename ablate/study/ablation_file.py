"""From the `ablation:` of a study file to an Ablation, checked against the space that it varies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate.errors import DesignError, Fault
from ablate.study import schema
from ablate.study.ablation import Ablation
from ablate.study.ablation_checks import check_bounds, check_choices, check_pairings, check_tuning
from ablate.study.arm_space import PLAIN, NoSuchKnob, arm_space, kind_of, knobs, value_of
from ablate.study.configuration import SLOTS
from ablate.study.design import Factor, Plan, grid, leave_one_out, one_at_a_time
from ablate.study.domain import Choice, Domain, Fixed, parse_domain
from ablate.study.fractional import fractional
from ablate.study.keys import near
from ablate.study.space import Space
from ablate.study.space_file import DEFAULTS, REGISTRIES, SpaceReader
from ablate.study.yaml_lines import Document, Path, dotted, shown
from ablate.types import Scalar

NEUTRAL: dict[str, Scalar] = {
    "sampler": "random",
    "schedule": "constant",
    "augmentation": "none",
    "normalize": False,
    "backbone.batch_norm": False,
    "backbone.pretrained": False,
    "optimizer.weight_decay": 0.0,
    "optimizer.momentum": 0.0,
    "schedule.warmup": 0.0,
    "clip_norm": 0.0,
    "views": "one",
}
"""What leave_one_out puts in place of a component where the file does not say: `factors: {sampler: }`."""


def spread_levels(document: Document) -> dict[str, Scalar]:
    """Levels that only `ablation` names, in factors or baseline, become levels of `space`, too, which knows their parameters.

    Gives what stood alone in such a slot before: {slot: level}.
    """
    space, factors = document.get("space"), document.get("ablation", "factors")
    alone: dict[str, Scalar] = {}
    if not isinstance(space, dict) or not isinstance(factors, dict):
        return alone
    for slot in (slot for slot in SLOTS if slot in factors):
        given, levels = space.get(slot, DEFAULTS.get(slot)), factors[slot]
        names = levels if isinstance(levels, list) else [NEUTRAL.get(slot) if levels is None else levels]
        names = [*names, document.get("ablation", "baseline", slot)]
        names = [name for name in names if isinstance(name, str) and name in REGISTRIES[slot]]
        if isinstance(given, str):
            given = [given]
        if isinstance(given, (list, dict)) and len(given) == 1:
            alone[slot] = next(iter(given))
        if isinstance(given, list):
            space[slot] = list(dict.fromkeys([*given, *names])) if all(isinstance(g, str) for g in given) else given
        elif isinstance(given, dict):
            space[slot] = {**given, **{name: {} for name in names if name not in given}}
        elif given is None and names:
            space[slot] = names
    return alone


@dataclass
class _Reader:
    document: Document
    given: schema.Ablation
    space: Space
    alone: Mapping[str, Scalar]
    """Slot -> the level that stood alone in it, before those of the factors came."""
    faults: list[Fault]

    def fault(self, path: Path, what: str, mend: str) -> None:
        where = ("ablation", *path)
        self.faults.append(Fault(self.document.where(where), f"{dotted(where)}: {what}", mend))

    def levels(self, name: str, value: Any, path: Path) -> tuple[Scalar, ...]:
        """The levels that `value` writes for a factor; empty where it is at fault."""
        before = len(self.faults)
        if name in SLOTS:
            names = value if isinstance(value, list) else [value]
            if not names:
                self.fault(path, "names no level", "write one, or several in a list")
            for each in names:
                if not isinstance(each, str) or each not in REGISTRIES[name]:
                    self.fault(path, f"{shown(each)} names no {name}", REGISTRIES[name].near(str(each)))
            if len(set(map(str, names))) < len(names):
                self.fault(path, f"{shown(value)} names a level twice", "name each level once")
            found: tuple[Scalar, ...] = tuple(map(str, names))
        else:
            if value == []:
                self.fault(path, "names no level", "write one, or several in a list")
                return ()
            domain = self.domain(name, value, ("ablation", *path))
            if not isinstance(domain, (Choice, Fixed)):
                self.fault(path, f"{shown(value)} is a range, and a factor has levels", "write [first, second, ...]")
                return ()
            found = domain.options if isinstance(domain, Choice) else (domain.value,)
        return found if len(self.faults) == before else ()

    def domain(self, name: str, value: Any, path: Path) -> Domain:
        """What `value` writes for a number or a parameter; of a parameter `check_bounds` sees where it leads."""
        reader = SpaceReader(self.document, self.faults)
        if name in PLAIN:
            return reader.plain(name, path, value)
        return parse_domain(value, kind_of(name, self.space), reader.at(path))

    def factor(self, name: str, value: Any) -> Factor | None:
        """One factor with its baseline; None where it is at fault."""
        path: Path = ("factors", name)
        if name == "epochs":
            self.fault(path, "epochs are the same for every arm", "compare two studies with `ablate compare`")
            return None
        if name not in (known := knobs(self.space)):
            self.fault(path, "nothing reads this factor", near(name, known))
            return None
        neutral = self.given.design == "leave_one_out"
        if value is None and (not neutral or name not in NEUTRAL):
            self.fault(path, "is empty", "write its neutral level" if neutral else "write [first, second, ...]")
            return None
        if value == []:
            self.fault(path, "has no level", "write [first, second, ...], or leave the factor out")
            return None
        levels = self.levels(name, NEUTRAL[name] if value is None else value, path)
        if not levels:
            return None
        baseline = self.baseline(name, levels, neutral=neutral)
        if baseline is None:
            return None
        if neutral and (len(levels) > 1 or levels[0] == baseline):
            what = "several levels" if len(levels) > 1 else f"{levels[0]} is the baseline, too"
            self.fault(path, what, "write one level: what stands there once the component is left out")
            return None
        if not neutral and len(levels) < 2:
            self.fault(path, "one level compares with nothing", "write two or more, or put it into `space`")
            return None
        if not neutral and baseline not in levels:
            where: Path = ("baseline", name) if name in self.given.baseline else path
            self.fault(
                where, f"the baseline {baseline} is not among the levels", near(str(baseline), list(map(str, levels)))
            )
            return None
        every = levels if baseline in levels else (baseline, *levels)
        return Factor(name, every, baseline, self.when(name))

    def baseline(self, name: str, levels: tuple[Scalar, ...], *, neutral: bool) -> Scalar | None:
        """The level that others are compared with."""
        if name in self.given.baseline:
            found = self.levels(name, self.given.baseline[name], ("baseline", name))
            if len(found) > 1:
                self.fault(("baseline", name), "several levels", "write one")
            return found[0] if len(found) == 1 else None
        written = self.alone.get(name) if name in SLOTS else self.written(name)
        if neutral and written is None:
            what = f"{name} has no one value in `space` that could be left out"
            self.fault(("factors", name), what, f"fix it there, or add baseline: {{{name}: ...}}")
            return None
        return written if written is not None and (neutral or written in levels) else levels[0]

    def written(self, name: str) -> Scalar | None:
        """What stands in `space` of a number or a parameter; None where that is no one value.

        Of a parameter of a slot that is a factor itself: what it is at the level that others are compared with, or, where it
        does not exist there, at those where it does. The other levels have builders' defaults, which nobody wrote.
        """
        slot, _, parameter = name.partition(".")
        if name in PLAIN or slot not in self.given.factors:
            return value_of(name, self.space)
        wanted = self.given.when.get(name, {}).get(slot, list(self.space.slots[slot]))
        exists = [level for level in (wanted if isinstance(wanted, list) else [wanted]) if isinstance(level, str)]
        others = self.given.factors[slot]
        first = others[0] if isinstance(others, list) and others else None
        base = self.given.baseline.get(slot) or self.alone.get(slot) or first
        if base in exists and parameter in self.space.slots[slot].get(str(base), {}):
            exists = [str(base)]
        return value_of(name, self.space, exists)

    def when(self, name: str) -> dict[str, tuple[Scalar, ...]]:
        """Where a factor exists."""
        found = {}
        for other, value in self.given.when.get(name, {}).items():
            if other not in self.given.factors or other == name:
                known = [factor for factor in self.given.factors if factor != name]
                self.fault(("when", name, other), "is no other factor", near(other, known))
                continue
            found[other] = self.levels(other, value, ("when", name, other))
        return found

    def check_keys(self) -> None:
        """Keys that say nothing beside the others."""
        if self.document.get("search") is not None:
            asked = any(path[0] == "search" for path in self.document.overrides)
            mend = (
                "set ablation.seeds or ablation.tune.trials" if asked else "leave `search` out; an arm's own is `tune`"
            )
            self.fault((), "a study is a search or an ablation", mend)
        if self.given.design != "fractional" and self.document.get("ablation", "resolution") is not None:
            self.fault(("resolution",), f"design {self.given.design} has no resolution", "leave it out")

    def check_names(self) -> None:
        """Names in baseline, groups, when, exclude that are no factors."""
        known = list(self.given.factors)
        named: list[tuple[Path, str]] = [(("baseline", name), name) for name in self.given.baseline]
        named += [(("when", name), name) for name in self.given.when]
        named += [(("exclude", index, name), name) for index, e in enumerate(self.given.exclude) for name in e]
        named += [(("groups", group), name) for group, names in self.given.groups.items() for name in names]
        for path, name in named:
            if name not in known:
                self.fault(path, f"'{name}' is no factor", near(name, known))
        if self.given.groups and self.given.design != "leave_one_out":
            self.fault(("groups",), f"design {self.given.design} has no groups", "leave groups out")

    def plan(self, factors: tuple[Factor, ...]) -> Plan:
        """The arms. Raises DesignError."""
        exclude = [
            {name: self.levels(name, value, ("exclude", index, name)) for name, value in each.items()}
            for index, each in enumerate(self.given.exclude)
        ]
        if self.given.design == "one_at_a_time":
            return one_at_a_time(factors, exclude)
        if self.given.design == "leave_one_out":
            groups = {name: tuple(members) for name, members in self.given.groups.items()}
            return leave_one_out(factors, groups, exclude)
        if self.given.design == "grid":
            return grid(factors, exclude)
        return fractional(factors, self.given.resolution, exclude)


def read_ablation(
    document: Document, given: schema.Ablation, space: Space, alone: Mapping[str, Scalar], faults: list[Fault]
) -> Ablation | None:
    """The ablation of a document; None where it has faults, which are appended to `faults`. `alone` is of `spread_levels`."""
    before, reader = len(faults), _Reader(document, given, space, alone, faults)
    reader.check_keys()
    reader.check_names()
    factors = [reader.factor(name, value) for name, value in given.factors.items()]
    if len(faults) > before:
        return None
    sound = tuple(factor for factor in factors if factor is not None)
    try:
        plan = reader.plan(sound)
        spaces = {arm.name: arm_space(space, arm.levels) for arm in plan.arms}
    except (DesignError, NoSuchKnob) as error:
        what, _, mend = str(error).partition("\n")
        reader.fault(("design",), what, mend.strip())
        return None
    check_bounds(spaces, [factor.name for factor in sound], reader.fault)
    check_pairings(spaces, reader.fault)
    if given.tune is not None:
        check_tuning(spaces, given.tune.epochs, reader.fault)
    else:
        check_choices(document, spaces, faults)
    if len(faults) > before:
        return None
    seeds = tuple(range(given.seeds)) if isinstance(given.seeds, int) else tuple(given.seeds)
    return Ablation(plan, sound, spaces, seeds, given.tune, given.margin, given.deviation, space.epochs)
