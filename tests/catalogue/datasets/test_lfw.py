"""Labeled Faces in the Wild: the real lists and pictures, and a small made-up tree for View 2 and for what can go wrong."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.datasets.lfw import Lfw
from ablate.catalogue.datasets.lfw_files import FaceFiles
from ablate.catalogue.datasets.lfw_lists import read_pairs, read_people
from ablate.errors import DataError
from ablate.serve.description import Preprocessing
from ablate.serve.picture_files import read_pictures

ROOT = Path(os.environ.get("ABLATE_DATA", "/nonexistent")) / "lfw"
real = pytest.mark.skipif(not (ROOT / "lfw112.zip").is_file(), reason="set ABLATE_DATA to a folder with lfw")


@real
def test_all_3200_pairs_of_view_1_are_found_and_nobody_is_trained_on_and_tested() -> None:
    faces = FaceFiles(ROOT / "lfw112.zip")
    people = read_people([ROOT / "people.csv"])
    assert (len(faces.names), len(people["train"]), len(people["test"])) == (9443, 2140, 969)
    faces.check(people)
    for name, part, per_kind in (("pairsDevTrain.txt", "train", 1100), ("pairsDevTest.txt", "test", 500)):
        pairs = read_pairs(ROOT / name)
        assert [pair.same for pair in pairs] == [True] * per_kind + [False] * per_kind
        assert {pair.fold for pair in pairs} == {0}
        named = {face for pair in pairs for face in (pair.first, pair.second)}
        assert named <= set(faces.names)
        assert {person for person, _ in named} <= set(people[part])
    assert not set(people["train"]) & set(people["test"])


@real
def test_the_official_pairs_of_the_part_are_the_lines_of_the_list_picture_by_picture() -> None:
    parts = Lfw().decode(ROOT.parent, 112)
    pairs = parts["test"].pairs
    assert pairs is not None and parts["train"].pairs is None
    assert pairs.same.tolist() == [True] * 500 + [False] * 500
    lines = [line.split("\t") for line in (ROOT / "pairsDevTest.txt").read_text().splitlines()[1:]]
    with zipfile.ZipFile(ROOT / "lfw112.zip") as archive:
        for index in range(0, 1000, 83):
            fields = lines[index]
            ends = [fields[:2], [fields[0], fields[2]] if len(fields) == 3 else fields[2:]]
            for (name, number), position in zip(ends, (pairs.first[index], pairs.second[index]), strict=True):
                with archive.open(f"lfw112/{name}/{name}_{int(number):04}.jpg") as file:
                    assert np.array_equal(parts["test"].images[position], np.asarray(Image.open(file)))
    labels = parts["test"].labels
    assert np.array_equal(labels[pairs.first] == labels[pairs.second], pairs.same)
    assert not set(parts["train"].labels) & set(labels)
    assert np.bincount(parts["train"].labels)[np.unique(parts["train"].labels)].min() == 2


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


class Tree:
    """LFW in small: six people of devTrain, six of devTest, two pictures each, 250x250; every picture is of one grey."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "lfw"
        self.people = {"devTrain": [f"Ann_{i}" for i in range(6)], "devTest": [f"Bo_{i}" for i in range(6)]}
        for place, name in enumerate(self.names):
            (self.folder / "lfw-deepfunneled" / name).mkdir(parents=True)
            for number in (1, 2):
                picture = Image.new("RGB", (250, 250), (8 * place + number,) * 3)
                picture.save(self.folder / "lfw-deepfunneled" / name / f"{name}_{number:04}.jpg")
        for view, people in self.people.items():
            text = "\n".join([str(len(people)), *(f"{name}\t2" for name in people)])
            (self.folder / f"people{view[0].upper()}{view[1:]}.txt").write_text(text)
        self.write("pairsDevTest.txt", "2\nBo_0\t1\t2\nBo_1\t2\t1\nBo_0\t1\tBo_2\t2\nBo_3\t1\tBo_1\t1\n")

    @property
    def names(self) -> list[str]:
        return [*self.people["devTrain"], *self.people["devTest"]]

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def dataset(self, **params: Any) -> Lfw:
        lists = {name: self.folder / name for name in ("pairsDevTest.txt", "pairs.txt")}
        return Lfw(**params, md5s={name: md5(path) if path.is_file() else "0" for name, path in lists.items()})

    def refusal(self, **params: Any) -> str:
        with pytest.raises(DataError) as refused:
            self.dataset(**params).decode(self.root, 16)
        return str(refused.value)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_view_1_of_unpacked_originals_with_the_official_lists(tree: Tree) -> None:
    parts = tree.dataset().decode(tree.root, 16)
    assert parts["train"].labels.tolist() == [i for i in range(6) for _ in range(2)]
    assert parts["test"].labels.tolist() == [i for i in range(6, 12) for _ in range(2)]
    pairs = parts["test"].pairs
    assert pairs is not None
    assert pairs.table.tolist() == [[0, 1, 1, 0], [3, 2, 1, 0], [0, 5, 0, 0], [6, 2, 0, 0]]
    assert any("this is View 1" in note for note in parts["train"].notes)
    assert parts["test"].names is not None and "_" not in " ".join(parts["test"].names.values())


TEN_FOLDS = [
    # two pairs of each kind in each of three folds
    "3\t1",
    "Ann_0\t1\t2",
    "Ann_0\t1\tBo_0\t1",
    "Ann_1\t1\t2",
    "Ann_1\t1\tBo_1\t2",
    "Bo_2\t1\t2",
    "Bo_2\t2\tBo_0\t2",
]


def test_view_2_trains_on_the_people_whom_no_pair_names_and_keeps_the_folds(tree: Tree) -> None:
    tree.write("pairs.txt", "\n".join(TEN_FOLDS))
    parts = tree.dataset(view=2).decode(tree.root, 16)
    named = ["Ann_0", "Ann_1", "Bo_0", "Bo_1", "Bo_2"]
    greys = {name: [8 * place + number for number in (1, 2)] for place, name in enumerate(tree.names)}
    means = {part: np.round(each.images.mean(axis=(1, 2, 3))).astype(int).tolist() for part, each in parts.items()}
    assert means["test"] == [grey for name in named for grey in greys[name]]
    assert means["train"] == [grey for name in tree.names if name not in named for grey in greys[name]]
    assert not set(parts["train"].labels) & set(parts["test"].labels)
    pairs = parts["test"].pairs
    assert pairs is not None
    assert pairs.fold.tolist() == [0, 0, 1, 1, 2, 2]
    assert pairs.same.tolist() == [True, False] * 3
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0, 0, 2, 2, 8, 9], [1, 4, 3, 7, 9, 5])
    assert "one network for all ten folds" in parts["train"].notes[0]


def test_view_2_without_its_list_says_what_is_missing_and_that_view_1_can_be_run(tree: Tree) -> None:
    text = tree.refusal(view=2)
    assert f"1 file is missing\n  {tree.folder}/pairs.txt\n" in text
    assert text.endswith("or write data.params.view: 1: View 1 needs neither pairs.txt nor all people")


def test_view_2_without_all_pictures_says_how_many_are_missing_and_that_view_1_can_be_run(tree: Tree) -> None:
    tree.write("pairs.txt", "\n".join([*TEN_FOLDS[:-1], "Bo_2\t2\tCy\t2"]))
    text = tree.refusal(view=2)
    assert "1 pictures of" in text and "the first Cy 2\n" in text
    assert "all 13,233 of them, or write data.params.view: 1" in text


@real
def test_view_2_cannot_be_run_from_the_people_of_view_1() -> None:
    with pytest.raises(DataError, match=r"pairs\.txt") as refusal:
        Lfw(view=2).find(ROOT.parent)
    assert "View 1 needs neither" in str(refusal.value)


def test_people_with_one_picture_are_trained_on_only_where_asked_and_always_tested(tree: Tree) -> None:
    for name in ("Ann_4", "Bo_5"):
        (tree.folder / "lfw-deepfunneled" / name / f"{name}_0002.jpg").unlink()
    for path in tree.folder.glob("people*.txt"):
        path.write_text(path.read_text().replace("Ann_4\t2", "Ann_4\t1").replace("Bo_5\t2", "Bo_5\t1"))
    parts = tree.dataset().decode(tree.root, 16)
    assert set(parts["train"].labels) == {0, 1, 2, 3, 5}
    assert len(parts["test"].labels) == 11
    assert "5 people to train and validate on; 1 with fewer than 2 pictures left out" in parts["train"].notes[1]
    assert len(tree.dataset(least_images=1).decode(tree.root, 16)["train"].labels) == 11


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("peopleDevTest.txt", "Bo_0\t2", "Ann_0\t2", "1 people are in both devTrain and devTest, the first Ann_0"),
        ("peopleDevTest.txt", "Bo_0\t2", "Bo_0\t3", "for 1 of 12; Bo_0 has 2, not 3"),
        ("peopleDevTest.txt", "Bo_0\t2", "Cy\t2", "for 1 of 12; Cy has 0, not 2"),
        ("peopleDevTest.txt", "6\n", "7\n", "line 1 promises 7 people, there are 6"),
        ("peopleDevTest.txt", "Bo_0\t2", "Bo_0", "is not as it should be"),
        ("pairsDevTest.txt", "2\n", "3\n", "line 1 promises 6 pairs, there are 4"),
        ("pairsDevTest.txt", "2\n", "many\n", "line 1 should say how many pairs there are"),
        ("pairsDevTest.txt", "Bo_1\t2\t1", "Bo_1\t2", "line 3 should be NAME N1 N2"),
        ("pairsDevTest.txt", "Bo_3\t1\tBo_1\t1", "Bo_3\t1\tBo_1", "line 5 should be NAME1 N1 NAME2 N2"),
        ("pairsDevTest.txt", "Bo_1\t2\t1", "Bo_1\t2\t7", "1 pictures of .*, the first Bo_1 7"),
        (
            "pairsDevTest.txt",
            "Bo_1\t2\t1",
            "Ann_1\t2\t1",
            "1 people of the test pairs are not in devTest, the first Ann_1",
        ),
    ],
)
def test_lists_that_are_wrong_or_do_not_belong_together_are_refused(
    tree: Tree, name: str, old: str, new: str, words: str
) -> None:
    text = (tree.folder / name).read_text()
    assert old in text
    tree.write(name, text.replace(old, new, 1))
    with pytest.raises(DataError, match=words) as refusal:
        tree.dataset().decode(tree.root, 16)
    assert "\n  " in str(refusal.value)


def test_another_list_of_pairs_than_the_official_one_is_refused(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"pairsDevTest\.txt is damaged or another file"):
        DATASETS["lfw"].build().find(tree.root)


def test_without_lists_of_people_nothing_is_guessed(tree: Tree) -> None:
    (tree.folder / "peopleDevTest.txt").unlink()
    assert (
        "the list of people is missing\n  put peopleDevTrain.txt and peopleDevTest.txt, or people.csv" in tree.refusal()
    )


def test_a_broken_picture_is_named(tree: Tree) -> None:
    (tree.folder / "lfw-deepfunneled" / "Bo_3" / "Bo_3_0001.jpg").write_bytes(b"")
    assert "1 file cannot be decoded: Bo_3/Bo_3_0001.jpg (0 bytes)" in tree.refusal()


def test_a_zip_and_its_unpacked_folder_are_the_same(tree: Tree) -> None:
    unpacked = (tree.folder / "lfw-deepfunneled").rename(tree.folder / "lfw112")
    before = tree.dataset().decode(tree.root, 16)
    path = tree.folder / "lfw112.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for picture in sorted(unpacked.rglob("*.jpg"), reverse=True):
            archive.write(picture, f"lfw112/{picture.relative_to(unpacked)}")
        archive.writestr("lfw112/../../Bo_0/Bo_0_0001.jpg", b"a name that leads out is no face")
    unpacked.rename(tree.root / "aside")
    dataset = Lfw(md5s=tree.dataset().md5s, zip_md5=md5(path))
    zipped = dataset.decode(tree.root, 16)
    for part in ("train", "test"):
        assert np.array_equal(before[part].images, zipped[part].images)
        assert np.array_equal(before[part].labels, zipped[part].labels)


def test_of_an_original_the_face_in_its_middle_is_kept(tree: Tree) -> None:
    framed = Image.new("RGB", (250, 250))
    framed.paste((200, 200, 200), (53, 53, 197, 197))
    framed.save(tree.folder / "lfw-deepfunneled" / "Ann_0" / "Ann_0_0001.jpg", quality=100)
    image = tree.dataset().decode(tree.root, 16)["train"].images[0]
    assert 195 < image[1:-1, 1:-1].min() <= image.max() < 205


def test_a_model_is_served_the_very_pictures_that_it_was_trained_on(tree: Tree) -> None:
    """Of an original training sees the face in its middle, at whatever size; so must who uses the network on such files."""
    file = tree.folder / "lfw-deepfunneled" / "Ann_0" / "Ann_0_0001.jpg"
    Image.radial_gradient("L").resize((250, 250)).convert("RGB").save(file, quality=100)
    part = tree.dataset().decode(tree.root, 16)["train"]
    seen = Preprocessing(image_size=16, centre=part.centre, channels=3, mean=[0.5] * 3, std=[0.5] * 3, inverted=False)
    assert part.centre == pytest.approx(144 / 250)
    assert np.array_equal(read_pictures([file], seen)[0], part.images[0])
    assert not np.array_equal(read_pictures([file], seen.model_copy(update={"centre": 1.0}))[0], part.images[0])
