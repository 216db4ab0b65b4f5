"""The space of one arm: that of the study with the arm's levels put in, under the names that parameters have in the summary.

`loss` is a slot, `loss.margin` a parameter of whatever stands in it, `embedding_dim` a number of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ablate.catalogue.registry import Kind
from ablate.errors import AblateError
from ablate.study.configuration import SLOTS
from ablate.study.domain import Domain, Fixed
from ablate.study.space import Levels, Space
from ablate.study.space_file import REGISTRIES
from ablate.types import Scalar

PLAIN = {
    "embedding_dim": "embedding_dim",
    "batch.classes": "batch_classes",
    "batch.per_class": "batch_per_class",
    "normalize": "normalize",
    "image_size": "image_size",
    "clip_norm": "clip_norm",
    "precision": "precision",
    "views": "views",
}
"""What belongs to no slot -> the field of a space that holds it."""


class NoSuchKnob(AblateError):
    """A factor that the component of an arm does not read."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"factor {name}: {where} does not read it\n  limit it with `when`, or leave it out")


def kind_of(name: str, space: Space) -> Kind:
    """The type of a parameter such as loss.margin, one of `knobs`."""
    slot, _, parameter = name.partition(".")
    known = (REGISTRIES[slot][level].parameters for level in space.slots[slot])
    return next(parameters[parameter].type for parameters in known if parameter in parameters)


def knobs(space: Space) -> list[str]:
    """All names that can be factors."""
    of_levels = [f"{slot}.{p}" for slot, levels in space.slots.items() for params in levels.values() for p in params]
    return list(dict.fromkeys([*SLOTS, *of_levels, *PLAIN]))


def value_of(name: str, space: Space, levels: Collection[str] | None = None) -> Scalar | None:
    """The one value that a factor has in the space; None where there are several. Of a number or a parameter, not of a slot.

    Of a parameter `levels` are those of its slot that are looked at, by default all.
    """
    if name in PLAIN:
        found: set[Domain] = {getattr(space, PLAIN[name])}
    else:
        slot, _, parameter = name.partition(".")
        asked = space.slots[slot] if levels is None else {level: space.slots[slot].get(level, {}) for level in levels}
        found = {params[parameter] for params in asked.values() if parameter in params}
    domain = found.pop() if len(found) == 1 else None
    return domain.value if isinstance(domain, Fixed) else None


def arm_space(space: Space, levels: Mapping[str, Scalar]) -> Space:
    """`space` with an arm's levels in place. Raises NoSuchKnob where a component of the arm does not read one of them."""
    slots: dict[str, Levels] = dict(space.slots)
    for slot in SLOTS:
        if slot in levels:
            slots[slot] = {str(levels[slot]): space.slots[slot][str(levels[slot])]}
    for name, value in levels.items():
        slot, _, parameter = name.partition(".")
        if name in SLOTS or name in PLAIN:
            continue
        for level, params in slots[slot].items():
            if parameter not in params:
                raise NoSuchKnob(name, f"{slot} {level}")
        slots[slot] = {level: {**params, parameter: Fixed(value)} for level, params in slots[slot].items()}
    plain: dict[str, Any] = {field: Fixed(levels[name]) for name, field in PLAIN.items() if name in levels}
    return replace(space, slots=slots, **plain)
