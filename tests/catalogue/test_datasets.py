"""Data sets: the real files where ABLATE_DATA names them, damaged small copies in a scratch folder."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from ablate.catalogue.datasets import DATASETS, Dataset, Part, holds_books
from ablate.errors import DataError
from ablate.study.splits import count_classes, make_splits
from ablate.training.cache import load

OWN_FOLDERS = ("image_folder", "labelled_files")


class Read(NamedTuple):
    name: str
    dataset: Dataset
    parts: dict[str, Part]


def data_root(name: str) -> Path:
    """The folder of real data, or a skip."""
    if name in OWN_FOLDERS:
        pytest.skip(f"{name} reads a folder of the user's: see datasets/test_image_folder.py")
    root = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))
    try:
        DATASETS[name].build().find(root)
    except DataError as error:
        if "missing" not in str(error):
            raise
        pytest.skip(f"set ABLATE_DATA to a folder with {name}")
    return root


IMAGES = [entry.name for entry in DATASETS if not holds_books(entry)]
"""Books have a test file of their own."""


@pytest.fixture(scope="module", params=IMAGES)
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Every registered data set at its default size, decoded once for all tests of this file."""
    root, dataset = data_root(request.param), DATASETS[request.param].build()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield Read(request.param, dataset, load(request.param, dataset, root, dataset.image_size).parts)


def test_images_have_the_promised_shape_and_every_class_of_the_part(read: Read) -> None:
    size, known = read.dataset.image_size, read.dataset.num_classes
    assert known is None or set(read.parts) == set(known)
    for name, part in read.parts.items():
        assert part.images.shape == (len(part.labels), size, size, read.dataset.channels)
        assert part.images.dtype == np.uint8 and part.labels.dtype == np.int64
        assert known is None or len(np.unique(part.labels)) == known[name]


def test_images_use_the_range_of_uint8_and_are_not_all_alike(read: Read) -> None:
    for part in read.parts.values():
        assert part.images.min() < 16 and part.images.max() > 200  # photographs need not reach black
        assert len({image.tobytes() for image in part.images[:50]}) > 40


def test_parts_share_their_class_numbers_or_have_their_own_as_declared(read: Read) -> None:
    if "test" not in read.parts:
        pytest.skip("one part")
    shared = set(read.parts["train"].labels) & set(read.parts["test"].labels)
    assert bool(shared) != read.dataset.disjoint_parts


@pytest.mark.parametrize("protocol", ["retrieval", "verification"])
def test_no_class_crosses_a_split_and_the_number_of_training_classes_is_known_before_decoding(
    read: Read, protocol: str
) -> None:
    labels = {name: np.asarray(part.labels) for name, part in read.parts.items()}
    disjoint = read.dataset.disjoint_parts
    splits = make_splits(labels, protocol=protocol, disjoint_parts=disjoint, seed=0)
    train, val, test = (set(labels[s.part][s.indices]) for s in (splits.train, splits.val, splits.test))
    assert not train & val and not train & test and not val & test
    assert min(len(train), len(val), len(test)) >= 2
    known = read.dataset.num_classes or {name: len(np.unique(each)) for name, each in labels.items()}
    assert len(train) == count_classes(known, protocol=protocol, disjoint_parts=disjoint).train


COUNTS = {
    "digits": {"train": 1797},
    "mnist": {"train": 60_000, "test": 10_000},
    "fashion_mnist": {"train": 60_000, "test": 10_000},
    "omniglot": {"train": 19_280, "test": 13_180},
    "att_faces": {"train": 400},
    "georgia_tech": {"train": 750},
}


def test_published_data_sets_have_their_published_number_of_images(read: Read) -> None:
    if read.name not in COUNTS:
        pytest.skip("no published number here")
    assert {name: len(part.labels) for name, part in read.parts.items()} == COUNTS[read.name]


def test_digits_are_those_of_load_digits_stretched_to_255() -> None:
    bunch = importlib.import_module("sklearn.datasets").load_digits()
    part = DATASETS["digits"].build().decode(Path(), 8)["train"]
    assert np.array_equal(part.images[..., 0], np.round(bunch.images * 255 / 16))
    assert np.array_equal(part.labels, bunch.target)


def test_an_image_larger_than_the_native_size_can_be_asked() -> None:
    assert DATASETS["digits"].build().decode(Path(), 20)["train"].images.shape == (1797, 20, 20, 1)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "omniglot"])
def test_missing_files_are_all_named_with_their_absolute_place_and_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as refusal:
        DATASETS[name].build().find(Path("nowhere"))
    text = str(refusal.value)
    assert text.count(f"\n  {tmp_path}/nowhere/") == (2 if name == "omniglot" else 4)
    assert "--data DIR or ABLATE_DATA" in text
    assert not Path("nowhere").exists(), "looking for files must write nothing"


def test_the_catalogue_of_data_sets_is_read_without_torch_or_scikit_learn() -> None:
    code = (
        "import sys; from ablate.catalogue.datasets import DATASETS; import ablate.training.cache, ablate.study.splits;"
        "DATASETS['digits'].build().decode(__import__('pathlib').Path(), 8);"
        "print([m for m in ('torch', 'torchvision', 'sklearn', 'ray', 'mlflow', 'optuna') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
