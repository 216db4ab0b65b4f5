"""From the `space:` of a study file to a Space, checked against what the catalogue's builders take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ablate.catalogue.augmentations import AUGMENTATIONS
from ablate.catalogue.backbones import BACKBONES
from ablate.catalogue.losses import LOSSES
from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.registry import Entry, Parameter, Registry
from ablate.catalogue.samplers import SAMPLERS
from ablate.catalogue.schedules import SCHEDULES
from ablate.errors import Fault
from ablate.study.configuration import OFF, PRECISIONS, VIEWS
from ablate.study.domain import Choice, Domain, Fixed, limits, parse_domain
from ablate.study.pairing import misfits
from ablate.study.schema import IMAGE_SIZES
from ablate.study.space import Space, values
from ablate.study.yaml_lines import Document, Path, dotted, shown
from ablate.types import Scalar

REGISTRIES: dict[str, Registry[Any]] = {
    "backbone": BACKBONES,
    "loss": LOSSES,
    "sampler": SAMPLERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augmentation": AUGMENTATIONS,
}
"""The slots of `configuration.SLOTS` and what may fill them."""

DEFAULTS: dict[str, Any] = {"sampler": "random", "optimizer": "adam", "schedule": "constant", "augmentation": "none"}
EMBEDDING_DIM, BATCH_CLASSES, BATCH_PER_CLASS, EPOCHS = 64, 16, 4, 10
"""Where the file does not say."""
MOST = 1_000_000
"""Of anything that is counted: beyond it lies a slip of the keyboard."""


class SpaceReader:
    """Reads what a `space:` holds, and the levels of factors; faults are collected, so that all of them are told at once."""

    def __init__(self, document: Document, faults: list[Fault]) -> None:
        self.document = document
        self.faults = faults

    def fault(self, path: Path, what: str, mend: str) -> None:
        self.faults.append(Fault(self.document.where(path), f"{dotted(path)}: {what}", mend))

    def at(self, path: Path) -> Callable[[str, str], None]:
        return lambda what, mend: self.fault(path, what, mend)

    def slot(self, slot: str, value: Any) -> dict[str, dict[str, Domain]]:
        """The levels of one slot: a name, a list of names, or names with their parameters."""
        path: Path = ("space", slot)
        names = REGISTRIES[slot].names
        if isinstance(value, str):
            return {value: self.level(slot, (*path, 0), value, {})}
        if isinstance(value, list) and value:
            return self.levels(slot, value)
        if isinstance(value, dict) and set(value) == {"choice"}:
            self.fault(path, "a choice of components needs no `choice`", f"write {slot}: {shown(value['choice'])}")
        elif isinstance(value, dict) and value:
            return {
                name: self.level(slot, (*path, name), name, params, searched=params is None)
                for name, params in value.items()
            }
        else:
            what = "is empty" if value in (None, [], {}) else f"{shown(value)} names no {slot}"
            self.fault(path, what, f"write one or more of: {', '.join(names)}")
        return {}

    def levels(self, slot: str, names: list[Any]) -> dict[str, dict[str, Domain]]:
        """A list of names; all of their parameters keep the builder's default."""
        found: dict[str, dict[str, Domain]] = {}
        for index, name in enumerate(names):
            at: Path = ("space", slot, index)
            if isinstance(name, dict):
                mend = f"parameters need a mapping instead of a list: {slot}: {{{shown(name)[1:-1]}, ...}}"
                self.fault(at, f"{shown(name)} in a list of names", mend)
            elif not isinstance(name, str):
                self.fault(at, f"{shown(name)} names no {slot}", REGISTRIES[slot].near(str(name)))
            elif name in found:
                self.fault(at, f"'{name}' is named twice", "name each level once")
            else:
                found[name] = self.level(slot, at, name, {})
        return found

    def level(self, slot: str, path: Path, name: str, given: Any, *, searched: bool = False) -> dict[str, Domain]:
        """The parameters of one level; those not given keep the builder's default, or its space where `searched`."""
        registry = REGISTRIES[slot]
        if name not in registry:
            self.fault(path, f"{slot} '{name}' is not registered", registry.near(name))
            return {}
        entry: Entry = registry[name]
        if given is not None and not isinstance(given, dict):
            example = ", ".join(f"{key}: {shown(given)}" for key in list(entry.parameters)[:1])
            mend = f"write {name}: {{{example}}}" if example else f"{name} has no parameters: write {name}: {{}}"
            self.fault(path, f"{shown(given)} is no mapping of parameters", mend)
            return {}
        source = dict(entry.space) if searched else dict(given or {})
        return {
            key: self.parameter((*path, key), source[key], parameter) if key in source else Fixed(parameter.default)
            for key, parameter in entry.parameters.items()
        }

    def parameter(self, path: Path, value: Any, parameter: Parameter) -> Domain:
        """The domain of one parameter, within the bounds that its component states."""
        before = len(self.faults)
        domain = parse_domain(value, parameter.type, self.at(path))
        if len(self.faults) == before and parameter.type in (int, float):
            least, most = limits(domain)
            if least < parameter.low or most > parameter.high:
                stay = f"stay within {parameter.low:g} to {parameter.high:g}"
                if parameter.high == math.inf:
                    stay = f"write {parameter.low:g} or more"
                self.fault(path, f"{shown(value)} leaves its bounds", stay)
        return domain

    def number(self, path: Path, value: Any, least: int, most: int = MOST) -> Domain:
        """A domain of whole numbers, none below `least` or above `most`."""
        before = len(self.faults)
        domain = parse_domain(value, int, self.at(path))
        if len(self.faults) == before and limits(domain)[0] < least:
            self.fault(path, f"{shown(value)} is too small", f"write {least} or more")
        elif len(self.faults) == before and limits(domain)[1] > most:
            self.fault(path, f"{shown(value)} is too large", f"write {most} or less")
        return domain

    def epochs(self, value: Any) -> int:
        """One number: trials of different length could not be compared epoch by epoch."""
        path: Path = ("space", "epochs")
        if isinstance(value, (list, dict)):
            self.fault(path, "epochs are the same for every trial", "write one whole number")
            return 0
        domain = self.number(path, value, 1)
        return int(domain.value) if isinstance(domain, Fixed) else 0

    def batch(self, value: Any) -> tuple[Domain, Domain]:
        """P classes x K images of each."""
        if not isinstance(value, dict):
            self.fault(("space", "batch"), f"{shown(value)} is no mapping", "write {classes: 16, per_class: 4}")
            value = {}
        classes = self.plain("batch.classes", ("space", "batch", "classes"), value.get("classes", BATCH_CLASSES))
        per_class = self.plain(
            "batch.per_class", ("space", "batch", "per_class"), value.get("per_class", BATCH_PER_CLASS)
        )
        return classes, per_class

    def plain(self, name: str, path: Path, value: Any) -> Domain:
        """The domain of what belongs to no slot (`arm_space.PLAIN`), wherever the file writes it."""
        if name == "normalize":
            return parse_domain(value, bool, self.at(path))
        if name == "clip_norm":
            return self.parameter(path, value, Parameter("clip_norm", float, 0.0, 0.0, MOST))
        if name == "precision":
            return self.word(path, value, PRECISIONS)
        if name == "views":
            return self.word(path, value, tuple(VIEWS))
        return self.number(path, value, *(IMAGE_SIZES if name == "image_size" else (2, MOST)))

    def word(self, path: Path, value: Any, known: Sequence[str]) -> Domain:
        """A domain of words, all of them `known`."""
        before = len(self.faults)
        domain = parse_domain(value, str, self.at(path))
        for strange in values(domain) if len(self.faults) == before else ():
            if strange not in known:
                self.fault(path, f"{shown(strange)} is not known here", f"write one of: {', '.join(known)}")
        return domain

    def image_size(self, value: Any) -> Domain:
        """One size or some: all of them are decoded before the study starts."""
        path: Path = ("space", "image_size")
        before = len(self.faults)
        domain = self.plain("image_size", path, value)
        if len(self.faults) == before and not isinstance(domain, (Fixed, Choice)):
            self.fault(path, f"{shown(value)} is a range, but each size is decoded", "write [first, second, ...]")
        if self.document.get("data", "image_size") is not None:
            where = self.document.where(("data", "image_size"))
            self.fault(path, f"data.image_size gives a size too ({where})", "remove one of the two")
        return domain


def read_space(document: Document, faults: list[Fault], image_size: int) -> Space | None:
    """The space of a document whose `space` is a mapping; None where it has faults, which are appended to `faults`.

    `image_size` is that of the data where `space` names none. Keys that nothing reads are told by `keys.check_keys`.
    """
    before = len(faults)
    reader, raw = SpaceReader(document, faults), document.tree["space"]

    def plain(name: str, default: Scalar) -> Domain:
        return reader.plain(name, ("space", name), raw.get(name, default))

    slots = {}
    for slot in REGISTRIES:
        if slot in raw or slot in DEFAULTS:
            slots[slot] = reader.slot(slot, raw.get(slot, DEFAULTS.get(slot)))
        else:
            reader.fault(("space",), f"there is no {slot}", f"name one: {', '.join(REGISTRIES[slot].names)}")
    classes, per_class = reader.batch(raw.get("batch", {}))
    space = Space(
        slots=slots,
        embedding_dim=plain("embedding_dim", EMBEDDING_DIM),
        batch_classes=classes,
        batch_per_class=per_class,
        epochs=reader.epochs(raw.get("epochs", EPOCHS)),
        normalize=plain("normalize", True),
        image_size=reader.image_size(raw["image_size"]) if "image_size" in raw else Fixed(image_size),
        clip_norm=plain("clip_norm", OFF["clip_norm"]),
        precision=plain("precision", OFF["precision"]),
        views=plain("views", OFF["views"]),
    )
    for misfit in misfits(space) if document.get("ablation") is None else ():  # an arm has a space of its own
        reader.fault(("space", misfit.key), misfit.what, misfit.mend)
    return space if len(faults) == before else None
