"""Prepare the data of a study: find or download, decode once, split; numpy only, so the driver need not import torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablate.catalogue.datasets import DATASETS, Dataset
from ablate.errors import DataError
from ablate.study.domain import limits
from ablate.study.official_pairs import with_official_pairs
from ablate.study.one_shot import check_items
from ablate.study.splits import Indices, Splits, check_judged, make_splits
from ablate.study.study import Study
from ablate.training.cache import Decoded, load
from ablate.training.official_runs import open_official_runs
from ablate.training.spec import DataSpec


def prepare_data(study: Study, root: Path) -> tuple[DataSpec, str]:
    """What trials with images of the first size are told of their data, and the digest of data and split.

    Raises DataError where files are missing, damaged, or not what they should be, and where `root` is no folder: also if
    the data set needs none, for it is not what the user meant.
    """
    if root.expanduser().exists() and not root.expanduser().is_dir():
        raise DataError(
            f"--data {root} is not a folder\n  name the folder that holds the data sets, by --data DIR or ABLATE_DATA"
        )
    sizes = study.image_sizes
    spec = DataSpec(
        name=study.data.name,
        params=tuple(study.data.params.items()),
        root=str(root.expanduser().absolute()),
        image_size=sizes[0],
        protocol=study.data.protocol,
        val_fraction=study.data.val_fraction,
        test_fraction=study.data.test_fraction,
        rotate_classes=study.data.rotate_classes,
        mirror_classes=study.data.mirror_classes,
        seed=study.seed,
        test_seed=study.seed,
        ways=study.data.ways,
        shots=study.data.shots,
    )
    opened = [open_data(replace(spec, image_size=size)) for size in sizes]
    _check_seeds(study, spec, opened[0][0])
    _check_batch(study, *opened[0])  # the loader has, but for data sets of which only the files tell
    digests = [_digest(replace(spec, image_size=size), *each) for size, each in zip(sizes, opened, strict=True)]
    if len(digests) == 1 or study.ablation is not None:  # which may gain a size; the sources are the same for all
        return spec, digests[0]
    return spec, hashlib.sha256(" ".join(digests).encode()).hexdigest()[: len(digests[0])]


def open_data(spec: DataSpec) -> tuple[Decoded, Splits]:
    """The decoded images, memory-mapped, and their splits. Raises DataError."""
    decoded = load(spec.name, _dataset(spec), Path(spec.root), spec.image_size)
    return decoded, _divide(decoded, spec)


def _dataset(spec: DataSpec) -> Dataset:
    dataset: Dataset = DATASETS[spec.name].build(**dict(spec.params))
    return dataset


def _divide(decoded: Decoded, spec: DataSpec) -> Splits:
    """The splits of `spec.seed`. Raises DataError where they could not be judged."""
    dataset = _dataset(spec)
    labels = {name: part.labels for name, part in decoded.parts.items()}
    disjoint = dataset.disjoint_parts if dataset.num_classes is not None else not _share_classes(labels)
    splits = make_splits(
        labels,
        protocol=spec.protocol,
        disjoint_parts=disjoint,
        seed=spec.seed,
        test_seed=spec.test_seed,
        val_fraction=spec.val_fraction,
        test_fraction=spec.test_fraction,
    )
    if spec.protocol == "one_shot":
        for split in (splits.val, splits.test):
            check_items(decoded.parts[split.part].labels[split.indices], ways=spec.ways, shots=spec.shots)
    splits = with_official_pairs(splits, decoded.parts, protocol=spec.protocol, seed=spec.seed)
    for name, split in (("validation", splits.val), ("test", splits.test)):
        if decoded.parts[split.part].ratings is None:
            check_judged(decoded.parts[split.part].labels[split.indices], name)
    return splits


def describe_split(spec: DataSpec) -> dict[str, Any]:
    """What trials of the seed `spec.seed` learn from and are judged by: the digest, and of each split its rows and its classes.

    Classes go by the names that people have for them, where the data set has any, else by their numbers; of books they are
    readers.
    """
    decoded, splits = open_data(spec)
    told: dict[str, Any] = {"digest": _digest(spec, decoded, splits), "protocol": spec.protocol, "seed": spec.seed}
    for name, split in (("train", splits.train), ("val", splits.val), ("test", splits.test)):
        part = decoded.parts[split.part]
        names = (part.names or {}) if part.ratings is None else {}  # of books they are titles, not readers
        classes = [names.get(number, number) for number in np.unique(part.labels[split.indices]).tolist()]
        told[name] = {"part": split.part, "rows": len(split.indices), "classes": classes}
    return told


def notes_on_data(spec: DataSpec) -> list[str]:
    """What a user should know of the data of a study, a sentence each."""
    decoded, _ = open_data(spec)
    return [note for part in decoded.parts.values() for note in part.notes]


def _share_classes(labels: Mapping[str, Indices]) -> bool:
    return "test" in labels and bool(np.isin(labels["test"], labels["train"]).any())


def _check_seeds(study: Study, spec: DataSpec, decoded: Decoded) -> None:
    """Raise DataError where the split of any seed could not be judged: else its trials would fail after hours of others."""
    for seed in study.seeds:
        try:
            _divide(decoded, replace(spec, seed=seed))
        except DataError as error:
            raise DataError(f"with seed {seed}, {error}") from None


def _check_batch(study: Study, decoded: Decoded, splits: Splits) -> None:
    """Raise DataError where a batch asks for more classes than the training split has."""
    classes = np.unique(decoded.parts[splits.train.part].labels[splits.train.indices])
    available = len(classes) * (4 if study.data.rotate_classes else 1) * (2 if study.data.mirror_classes else 1)
    asked = max(limits(space.batch_classes)[1] for space in study.spaces)
    if asked > available:
        raise DataError(
            f"space.batch.classes is {asked:g}, but the training split has only {available} classes\n"
            f"  set it to {available} or less"
        )


def _digest(spec: DataSpec, decoded: Decoded, splits: Splits) -> str:
    """Of all that trials with these images learn from and are judged by."""
    digest = data_digest(decoded, splits)
    runs = open_official_runs(spec, download=True)
    return digest if runs is None else hashlib.sha256(f"{digest} {runs.digest}".encode()).hexdigest()[: len(digest)]


def data_digest(decoded: Decoded, splits: Splits) -> str:
    """33 characters, equal exactly where images, labels and their division are."""
    return f"{decoded.digest[:16]}-{splits.digest}"
