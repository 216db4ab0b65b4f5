"""From the `space:` of a study file to a Space, checked against what the catalogue's builders take."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from ablate.catalogue.backbones import BACKBONES
from ablate.catalogue.losses import LOSSES
from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.registry import Entry, Parameter, Registry
from ablate.catalogue.samplers import SAMPLERS
from ablate.catalogue.schedules import SCHEDULES
from ablate.errors import Fault
from ablate.study.domain import Domain, Fixed, limits, parse_domain
from ablate.study.space import Space
from ablate.study.yaml_lines import Document, Path

REGISTRIES: dict[str, Registry[Any]] = {
    "backbone": BACKBONES,
    "loss": LOSSES,
    "sampler": SAMPLERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
"""The slots of `configuration.SLOTS` and what may fill them."""

DEFAULTS: dict[str, Any] = {"sampler": "random", "optimizer": "adam", "schedule": "constant"}
KEYS = (*REGISTRIES, "embedding_dim", "batch", "epochs")


class _Reader:
    """Reads one `space:`; faults are collected, so that all of them are told at once."""

    def __init__(self, document: Document, faults: list[Fault]) -> None:
        self.document = document
        self.faults = faults

    def fault(self, path: Path, what: str, mend: str) -> None:
        self.faults.append(Fault(self.document.where(path), f"{'.'.join(map(str, path))}: {what}", mend))

    def at(self, path: Path) -> Callable[[str, str], None]:
        return lambda what, mend: self.fault(path, what, mend)

    def unknown(self, path: Path, known: tuple[str, ...]) -> None:
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        self.fault(path, "nothing reads this key", f"{meant}Known here: {', '.join(known) or 'no parameters'}")

    def slot(self, slot: str, value: Any) -> dict[str, dict[str, Domain]]:
        """The levels of one slot: a name, a list of names, or names with their parameters."""
        path: Path = ("space", slot)
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list):
            if not value:
                self.fault(path, "an empty list", f"name at least one {slot}")
            names: list[tuple[Path, Any]] = [((*path, index), name) for index, name in enumerate(value)]
            for at, name in names:
                if value.count(name) > 1 and value.index(name) != at[-1]:
                    self.fault(at, f"'{name}' is named twice", "name each level once")
            return {str(name): self.level(slot, at, str(name), {}) for at, name in names}
        if isinstance(value, dict):
            return {
                name: self.level(slot, (*path, name), name, params, searched=params is None)
                for name, params in value.items()
            }
        self.fault(path, f"{value!r} names no {slot}", f"write one of {', '.join(REGISTRIES[slot].names)}")
        return {}

    def level(self, slot: str, path: Path, name: str, given: Any, *, searched: bool = False) -> dict[str, Domain]:
        """The parameters of one level; those not given keep the builder's default, or its space where `searched`."""
        registry = REGISTRIES[slot]
        if name not in registry:
            self.fault(path, f"{slot} '{name}' is not registered", registry.near(name))
            return {}
        entry: Entry = registry[name]
        if given is not None and not isinstance(given, dict):
            self.fault(path, f"{given!r} is no mapping of parameters", f"write {{{', '.join(entry.parameters)}}}")
            return {}
        source = dict(entry.space) if searched else dict(given or {})
        for key in source:
            if key not in entry.parameters:
                self.unknown((*path, key), tuple(entry.parameters))
        domains: dict[str, Domain] = {}
        for key, parameter in entry.parameters.items():
            if key in source:
                domains[key] = self.parameter((*path, key), source[key], parameter)
            else:
                domains[key] = Fixed(parameter.default)
        return domains

    def parameter(self, path: Path, value: Any, parameter: Parameter) -> Domain:
        """The domain of one parameter, within the bounds that its component states."""
        before = len(self.faults)
        domain = parse_domain(value, parameter.type, self.at(path))
        if len(self.faults) == before and parameter.type in (int, float):
            least, most = limits(domain)
            if least < parameter.low or most > parameter.high:
                self.fault(path, f"{value} leaves its bounds", f"stay within {parameter.low:g} to {parameter.high:g}")
        return domain

    def number(self, path: Path, value: Any, least: int) -> Domain:
        """A domain of whole numbers, none below `least`."""
        before = len(self.faults)
        domain = parse_domain(value, int, self.at(path))
        if len(self.faults) == before and limits(domain)[0] < least:
            self.fault(path, f"{value} is too small", f"write {least} or more")
        return domain


def read_space(document: Document, faults: list[Fault]) -> Space | None:
    """The space of a document whose `space` is a mapping; None where it has faults, which are appended to `faults`."""
    before = len(faults)
    reader, raw = _Reader(document, faults), document.tree["space"]
    for key in raw:
        if key not in KEYS:
            reader.unknown(("space", key), KEYS)
    slots = {}
    for slot in REGISTRIES:
        if slot in raw or slot in DEFAULTS:
            slots[slot] = reader.slot(slot, raw.get(slot, DEFAULTS.get(slot)))
        else:
            reader.fault(("space",), f"there is no {slot}", f"name one: {', '.join(REGISTRIES[slot].names)}")
    batch = raw.get("batch") or {}
    if not isinstance(batch, dict):
        reader.fault(("space", "batch"), f"{batch!r} is no mapping", "write {classes: 16, per_class: 4}")
        batch = {}
    for key in batch:
        if key not in ("classes", "per_class"):
            reader.unknown(("space", "batch", key), ("classes", "per_class"))
    epochs = reader.number(("space", "epochs"), raw.get("epochs", 10), 1)
    if not isinstance(epochs, Fixed):
        reader.fault(("space", "epochs"), "epochs are the same for every trial", "write one whole number")
    space = Space(
        slots=slots,
        embedding_dim=reader.number(("space", "embedding_dim"), raw.get("embedding_dim", 64), 2),
        batch_classes=reader.number(("space", "batch", "classes"), batch.get("classes", 16), 2),
        batch_per_class=reader.number(("space", "batch", "per_class"), batch.get("per_class", 4), 2),
        epochs=int(epochs.value) if isinstance(epochs, Fixed) else 0,
    )
    return space if len(faults) == before else None
