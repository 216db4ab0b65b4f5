"""Checks of a study file that need two of its keys at once, or the catalogue.

They read the document, not the validated file: a fault in one part must not hide those of another.
"""

from __future__ import annotations

from collections.abc import Sequence

from ablate.catalogue.augmentations import MIRRORING
from ablate.catalogue.datasets import DATASETS, Dataset
from ablate.catalogue.metrics import PROTOCOLS
from ablate.errors import DataError, Fault
from ablate.study.domain import Fixed, limits, parse_domain
from ablate.study.keys import near
from ablate.study.schema import Asha, Data
from ablate.study.space import Space
from ablate.study.space_file import BATCH_CLASSES, EPOCHS
from ablate.study.splits import count_classes
from ablate.study.yaml_lines import Document, shown

BATCH = "batch.classes"


def check_dataset(document: Document, faults: list[Fault]) -> Dataset | None:
    """The data set that is named, built without touching its files; None where none is. Unsound parameters are left out."""
    data = document.get("data")
    name = data if isinstance(data, str) else document.get("data", "name")  # the schema has told of `data: digits`
    if not isinstance(name, str):
        return None  # the schema has said so
    if name not in DATASETS:
        where = document.where(("data", "name"))
        faults.append(Fault(where, f"data.name: data set '{name}' is not registered", DATASETS.near(name)))
        return None
    known, sound = DATASETS[name].parameters, {}
    params = document.get("data", "params")
    for key, value in params.items() if isinstance(params, dict) else ():
        where, before = document.where(("data", "params", key)), len(faults)

        def tell(what: str, mend: str, where: str = where, key: str = key) -> None:
            faults.append(Fault(where, f"data.params.{key}: {what}", mend))

        if key not in known:
            tell(f"{name} reads no such key", near(key, list(known)))
        elif not isinstance(domain := parse_domain(value, known[key].type, tell), Fixed):
            tell(f"{shown(value)} is not one value", "data are the same for every trial: write one value")
        elif len(faults) == before and known[key].type in (int, float):
            low, high = known[key].low, known[key].high
            if not low <= limits(domain)[0] <= high:
                tell(f"{shown(value)} leaves its bounds", f"stay within {low:g} to {high:g}")
        if len(faults) == before:
            sound[key] = value
    try:
        dataset: Dataset = DATASETS[name].build(**sound)
    except DataError as error:  # a folder that is not named, a pattern that is none
        what, _, mend = str(error).partition("\n")
        if isinstance(params, dict) and sound.keys() < params.keys():
            return None  # of an unsound parameter that was left out it has been told
        faults.append(Fault(document.where(("data", "params")), f"data.params: {what}", mend.strip()))
        return None
    return dataset


def check_stopping(document: Document, faults: list[Fault]) -> None:
    """ASHA must have a rung before the last epoch, or it stops nobody: of a search, and of the tuning of arms."""
    epochs = document.get("space", "epochs", default=EPOCHS)
    _check_rungs(document, ("search", "stopping"), epochs, faults)
    tuned = document.get("ablation", "tune", "epochs")
    _check_rungs(document, ("ablation", "tune", "stopping"), epochs if tuned is None else tuned, faults)


def _check_rungs(document: Document, path: tuple[str, ...], epochs: object, faults: list[Fault]) -> None:
    stopping = document.get(*path)
    if stopping != "asha" and not (isinstance(stopping, dict) and "asha" in stopping):
        return
    default = Asha.model_fields["grace_epochs"].default
    grace = document.get(*path, "asha", "grace_epochs", default=default)
    if type(grace) is not int or type(epochs) is not int or not 1 <= epochs <= grace:
        return
    where = document.where((*path, "asha", "grace_epochs"))
    what = f"{'.'.join(path)}.asha.grace_epochs is {grace}, but trials end at epoch {epochs}: it would stop nobody"
    remedy = "leave stopping out" if epochs == 1 else f"write {epochs - 1} or less, or leave stopping out"
    faults.append(Fault(where, what, remedy))


def check_mirrored(document: Document, spaces: Sequence[Space], faults: list[Fault]) -> None:
    """Where mirrored classes are classes of their own, nothing else may mirror their images."""
    if document.get("data", "mirror_classes") is not True:
        return
    used = sorted({name for space in spaces for name in space.slots["augmentation"] if name in MIRRORING})
    if used:
        what = (
            f"data.mirror_classes makes classes of mirrored images, and augmentation {used[0]} mirrors images: the same "
            "picture would be of two classes"
        )
        mend = f"take {' and '.join(used)} out of augmentation, or remove mirror_classes"
        faults.append(Fault(document.where(("data", "mirror_classes")), what, mend))


def check_batch(document: Document, dataset: Dataset, spaces: Sequence[Space], faults: list[Fault]) -> None:
    """A batch cannot hold more classes than the training split has: in no arm, where `spaces` are those of arms."""
    available = _most_train_classes(document, dataset, faults)
    varied = document.get("ablation", "factors", BATCH) is not None
    asked = _most_batch_classes(document) if not varied else max((_batch_classes(space) for space in spaces), default=0)
    if available is None or asked <= available:
        return
    path = ("ablation", "factors", BATCH) if varied else ("space", *BATCH.split("."))
    of_default = "" if varied or document.get(*path) else " by default"
    what = f"{'.'.join(path)} is {asked:g}{of_default}, but the training split has only {available} classes"
    faults.append(Fault(document.where(path), what, f"set it to {available} or less"))


def _batch_classes(space: Space) -> float:
    return limits(space.batch_classes)[1]


def _most_batch_classes(document: Document) -> float:
    """That the space of a document asks for; 0 where that is unsound, of which `space_file` has told."""
    if not isinstance(document.get("space"), dict) or not isinstance(document.get("space", "batch", default={}), dict):
        return 0
    unsound: list[str] = []
    raw = document.get("space", "batch", "classes", default=BATCH_CLASSES)
    classes = parse_domain(raw, int, lambda what, mend: unsound.append(what))
    return 0 if unsound else limits(classes)[1]


def _most_train_classes(document: Document, dataset: Dataset, faults: list[Fault]) -> int | None:
    """Classes of the training split; where a key that decides on them is at fault, the most that there can be."""
    if dataset.num_classes is None:
        return None  # only the files tell: `prepare_data` checks, before anything starts
    fields = {name: document.get("data", name, default=field.default) for name, field in Data.model_fields.items()}
    # each class counts once for each quarter turn, and all of them once more for the mirror
    factor = (1 if fields["rotate_classes"] is False else 4) * (1 if fields["mirror_classes"] is False else 2)
    shares = (fields["val_fraction"], fields["test_fraction"])
    known = isinstance(fields["protocol"], str) and fields["protocol"] in PROTOCOLS
    if not known or not all(type(share) is float and 0 < share < 1 for share in shares):
        return dataset.num_classes["train"] * factor
    try:
        classes = count_classes(
            dataset.num_classes,
            protocol=fields["protocol"],
            disjoint_parts=dataset.disjoint_parts,
            val_fraction=fields["val_fraction"],
            test_fraction=fields["test_fraction"],
        )
    except DataError as error:
        what, _, mend = str(error).partition("\n")
        faults.append(Fault(document.where(("data", "protocol")), f"data.protocol: {what}", mend.strip()))
        return None
    return classes.train * factor
