"""What episodes of protocol `one_shot` need: as many classes as ways, and of each one item more than there are shots."""

from __future__ import annotations

import numpy as np

from ablate.catalogue.datasets import Dataset
from ablate.errors import DataError, Fault
from ablate.study.schema import Data
from ablate.study.splits import Indices, count_classes
from ablate.study.yaml_lines import Document


def check_ways(document: Document, dataset: Dataset, faults: list[Fault]) -> None:
    """No more ways than validation and test have classes; ways and shots only where the protocol reads them."""
    data = {name: document.get("data", name, default=field.default) for name, field in Data.model_fields.items()}
    if data["protocol"] != "one_shot":
        named = [key for key in ("ways", "shots") if document.get("data", key) is not None]
        for key in named:
            what = f"data.{key}: only protocol one_shot reads it"
            faults.append(Fault(document.where(("data", key)), what, f"write protocol: one_shot, or remove {key}"))
        return
    ways, shares = data["ways"], (data["val_fraction"], data["test_fraction"])
    if type(ways) is not int or not all(type(share) is float and 0 < share < 1 for share in shares):
        return  # the schema has said so
    if dataset.num_classes is None:
        return  # only the files tell: `check_items` does, before anything starts
    try:
        counts = count_classes(
            dataset.num_classes,
            protocol="one_shot",
            disjoint_parts=dataset.disjoint_parts,
            val_fraction=shares[0],
            test_fraction=shares[1],
        )
    except DataError:
        return  # `check_batch` has said so
    classes = min(counts.val, counts.test)
    if ways > classes:
        by_default = "" if document.get("data", "ways") is not None else " by default"
        what = (
            f"data.ways is {ways}{by_default}, but the smaller of validation and test split has only {classes} classes"
        )
        mend = f"set it to {classes} or less, or take a larger val_fraction or test_fraction"
        faults.append(Fault(document.where(("data", "ways")), what, mend))


def check_items(labels: Indices, *, ways: int, shots: int) -> None:
    """Raise DataError where a split with these labels has too few classes with the items that an episode takes of each."""
    sizes = np.unique(labels, return_counts=True)[1]
    enough = int((sizes > shots).sum())
    if enough < ways:
        raise DataError(
            f"protocol 'one_shot' draws {ways} classes and of each {shots} + 1 images (data.ways, data.shots), but of the "
            f"{len(sizes)} classes of a split only {enough} have so many images; the largest has {sizes.max()}\n"
            "  set data.shots or data.ways lower"
        )
