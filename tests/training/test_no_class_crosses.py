"""No class, person or reader is in two splits: data sets of one's own files, books, LFW's ten folds, episodes on Omniglot."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.catalogue.datasets import lfw
from ablate.training.prepare import open_data
from ablate.training.spec import DataSpec
from ablate.types import Scalar
from tests.catalogue.datasets.books import write_amazon
from tests.catalogue.datasets.test_lfw import TEN_FOLDS, Tree, md5

ROOT = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))
every_seed = pytest.mark.parametrize("seed", [0, 1, 2])


def classes_of(
    name: str, root: Path, seed: int, *, protocol: str = "retrieval", size: int = 8, ways: int = 20, **params: Scalar
) -> list[set[int]]:
    """Those of train, val and test, which are disjoint and together all there are; the rows, too."""
    spec = DataSpec(
        name, tuple(params.items()), str(root), size, protocol, 0.3, 0.2, False, seed=seed, test_seed=seed, ways=ways
    )
    decoded, splits = open_data(spec)
    parts = (splits.train, splits.val, splits.test)
    found = [set(decoded.parts[split.part].labels[split.indices].tolist()) for split in parts]
    assert all(len(classes) >= 2 for classes in found)
    for one, other in combinations(range(3), 2):
        assert not found[one] & found[other]
        if parts[one].part == parts[other].part:
            assert not np.intersect1d(parts[one].indices, parts[other].indices).size
    return found


def draw(folder: Path, *names: str) -> None:
    for place, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 9), place).save(folder / name)


@every_seed
def test_classes_in_the_names_of_files(tmp_path: Path, seed: int) -> None:
    draw(tmp_path / "scans", *(f"{label}_{number}.png" for label in "abcdefghijkl" for number in range(3)))
    found = classes_of("labelled_files", tmp_path, seed, path="scans", pattern=r"^(\w)_")
    assert set.union(*found) == set(range(12))


@every_seed
@pytest.mark.parametrize("own_test", [False, True])
def test_classes_of_folders(tmp_path: Path, seed: int, own_test: bool) -> None:
    """With a test part of the same classes, and with one of its own."""
    for part, labels in (("train", "abcdefghijkl"), ("test", "mnop" if own_test else "abcdefghijkl")):
        draw(tmp_path / "faces", *(f"{part}/{label}/{number}.png" for label in labels for number in range(3)))
    train, val, test = classes_of("image_folder", tmp_path, seed, path="faces")
    assert (len(train), len(val), len(test)) == ((8, 4, 4) if own_test else (7, 3, 2))


@every_seed
def test_readers_of_amazon_books(tmp_path: Path, seed: int) -> None:
    titles = [f"Book {number}" for number in range(9)]
    reviews: list[dict[str, object]] = [
        {"Title": title, "User_id": f"reader {reader}", "review/score": 1 + (reader + book) % 5, "review/time": 1}
        for reader in range(20)
        for book, title in enumerate(titles)
    ]
    root = write_amazon(tmp_path, [{"Title": title} for title in titles], reviews)
    found = classes_of("amazon_books", root, seed, protocol="pairs", size=0, tokens=8, vocabulary=64, least_ratings=2)
    assert set.union(*found) == set(range(20))


@every_seed
@pytest.mark.parametrize("protocol", ["verification", "retrieval"])
def test_people_of_lfws_ten_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, protocol: str) -> None:
    tree = Tree(tmp_path)
    tree.write("pairs.txt", "\n".join(TEN_FOLDS))
    monkeypatch.setitem(lfw.MD5S, "pairs.txt", md5(tree.folder / "pairs.txt"))
    train, val, test = classes_of("lfw", tmp_path, seed, protocol=protocol, view=2)
    assert len(test) == 5 and len(train | val) == len(tree.names) - 5, "five people are named by pairs"


@every_seed
@pytest.mark.skipif(
    not (ROOT / "omniglot/images_background.zip").is_file() and not (ROOT / "omniglot-py").is_dir(),
    reason="set ABLATE_DATA to a folder with omniglot",
)
def test_characters_of_omniglots_episodes(seed: int) -> None:
    train, val, test = classes_of("omniglot", ROOT, seed, protocol="one_shot", size=28)
    assert (len(train) + len(val), len(test)) == (964, 659)
