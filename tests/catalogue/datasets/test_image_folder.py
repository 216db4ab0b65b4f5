"""Folders of the user's own pictures: drawn here, with all that people leave lying about in them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ablate.catalogue.datasets import DATASETS, Dataset, Part
from ablate.errors import DataError
from ablate.training.cache import load
from ablate.training.prepare import open_data
from ablate.training.spec import DataSpec


def draw(folder: Path, counts: Mapping[str, int]) -> Path:
    """Pictures by class, each class of a grey of its own: 10 and its place among the classes."""
    for place, (name, count) in enumerate(sorted(counts.items())):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (12, 12), (10 + place,) * 3).save(folder / name / f"{number}.png")
    return folder


def folder_of(**params: Any) -> Dataset:
    dataset: Dataset = DATASETS["image_folder"].build(path="faces", **params)
    return dataset


def read(root: Path, **params: Any) -> dict[str, Part]:
    return folder_of(**params).decode(root, 8)


def told(root: Path, **params: Any) -> str:
    """What reading is refused with."""
    with pytest.raises(DataError) as refusal:
        read(root, **params)
    return str(refusal.value)


def test_a_class_is_a_folder_at_any_depth_and_classes_are_numbered_by_name(tmp_path: Path) -> None:
    draw(tmp_path / "faces", {"b": 3, "a/left": 2, "c": 2})
    part = read(tmp_path)["train"]
    assert part.labels.tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert part.images[:, 0, 0, 0].tolist() == [10, 10, 11, 11, 11, 12, 12]
    assert part.images.shape == (7, 8, 8, 3) and part.notes == ()
    assert part.names == {0: "a", 1: "b", 2: "c"}
    assert read(tmp_path, channels=1)["train"].images.shape == (7, 8, 8, 1)


def test_an_absolute_path_and_one_below_the_data_folder_are_the_same(tmp_path: Path) -> None:
    draw(tmp_path / "faces", {"a": 2, "b": 2})
    absolute = DATASETS["image_folder"].build(path=str(tmp_path / "faces"))
    assert absolute.find(Path("/nowhere")) == folder_of().find(tmp_path)


def test_hidden_files_and_other_ones_are_no_pictures(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 2, ".cache": 2})
    (folder / "a" / "Thumbs.db").write_bytes(b"x")
    (folder / "b" / "._0.png").write_bytes(b"x")
    assert read(tmp_path)["train"].labels.tolist() == [0, 0, 1, 1]


def test_pictures_without_a_class_are_not_used_and_counted(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 2})
    Image.new("L", (9, 9)).save(folder / "sheet.png")
    part = read(tmp_path)["train"]
    assert len(part.labels) == 4
    assert part.notes == (f"{folder}: 1 of 5 pictures have no class by the rules of image_folder: not used",)


def test_two_pictures_that_trade_their_names_are_not_those_that_were_decoded(tmp_path: Path) -> None:
    """Of one size and one time, as archives leave them: a wrong label is mended so."""
    folder = draw(tmp_path / "faces", {"a": 1, "b": 1})
    for name in ("a/0.png", "b/0.png"):
        os.utime(folder / name, (1, 1))
    before = folder_of().find(tmp_path)["pictures"].digest
    (folder / "a/0.png").rename(folder / "c.png")
    (folder / "b/0.png").rename(folder / "a/0.png")
    (folder / "c.png").rename(folder / "b/0.png")
    assert folder_of().find(tmp_path)["pictures"].digest != before


@pytest.mark.parametrize("names", [("train", "test"), ("train", "test", "val")])
def test_train_and_test_folders_are_the_parts_and_anything_beside_them_is_counted(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    draw(tmp_path / "faces", {f"{part}/{name}": 2 for part in names for name in "ab"})
    parts = read(tmp_path)
    assert {part: each.labels.tolist() for part, each in parts.items()} == {"train": [0, 0, 1, 1], "test": [0, 0, 1, 1]}
    assert len(parts["train"].notes) == (1 if "val" in names else 0)


def test_train_alone_is_a_class_like_others(tmp_path: Path) -> None:
    draw(tmp_path / "faces", {"train": 2, "tram": 2})
    assert list(read(tmp_path)) == ["train"]


def spec(root: Path, protocol: str) -> DataSpec:
    return DataSpec("image_folder", (("path", "faces"),), str(root), 8, protocol, 0.3, 0.3, False, 0, 0)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("protocol", ["retrieval", "verification"])
def test_no_class_crosses_a_split_whether_the_parts_share_their_classes_or_not(
    tmp_path: Path, shared: bool, protocol: str
) -> None:
    train, test = "abcdefghij", "abcdefghij" if shared else "klmnop"
    draw(tmp_path / "faces", {**{f"train/{name}": 3 for name in train}, **{f"test/{name}": 3 for name in test}})
    decoded, splits = open_data(spec(tmp_path, protocol))
    classes = [set(decoded.parts[s.part].labels[s.indices].tolist()) for s in (splits.train, splits.val, splits.test)]
    assert not classes[0] & classes[1] and not classes[0] & classes[2] and not classes[1] & classes[2]
    assert len(classes[2]) == (3 if shared else 6)


def test_parts_that_share_some_classes_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "faces", {"train/a": 2, "train/b": 2, "test/b": 2, "test/c": 2})
    assert "1 classes are in both train and test, 2 in one of them: a, c" in told(tmp_path)


def test_a_class_with_one_image_is_left_out_of_train_and_counted(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "alone": 1, "b": 3})
    part = read(tmp_path)["train"]
    assert part.labels.tolist() == [0, 0, 1, 1, 1], "numbers have no hole"
    assert part.notes == (f"{folder}: 1 class of the train part with fewer than 2 sound images left out",)
    assert read(tmp_path, least_images=1)["train"].labels.tolist() == [0, 0, 1, 2, 2, 2]
    assert "the train part has 1 class with at least 3 images" in told(tmp_path, least_images=3)


def test_a_class_with_one_image_stays_in_a_test_part_of_its_own_classes(tmp_path: Path) -> None:
    draw(tmp_path / "faces", {"train/a": 2, "train/b": 2, "test/c": 1, "test/d": 2})
    assert read(tmp_path)["test"].labels.tolist() == [2, 3, 3]


def test_a_class_left_out_of_train_leaves_a_test_part_that_shares_its_classes(tmp_path: Path) -> None:
    draw(tmp_path / "faces", {"train/a": 2, "train/b": 1, "train/c": 2, "test/a": 2, "test/b": 2, "test/c": 2})
    parts = read(tmp_path)
    assert parts["test"].labels.tolist() == [0, 0, 1, 1]
    assert set(parts["test"].images[parts["test"].labels == 1].ravel()) == {12}, "class c, the third that was drawn"


@pytest.mark.parametrize(
    ("counts", "words"),
    [({"a": 3}, "has 1 class,"), ({"a": 1, "b": 1}, "has 0 classes with at least 2 images,")],
)
def test_fewer_than_two_classes_are_refused(tmp_path: Path, counts: dict[str, int], words: str) -> None:
    draw(tmp_path / "faces", counts)
    text = told(tmp_path)
    assert words in text and text.endswith("\n  give it pictures of more classes")


def test_an_empty_a_missing_and_a_file_as_folder_are_refused_with_their_place(tmp_path: Path) -> None:
    mend = "\n  put it there, or write another data.params.path than faces: relative to --data DIR, or absolute"
    assert told(tmp_path) == f"data set 'image_folder': {tmp_path}/faces is missing{mend}"
    (tmp_path / "faces" / "a").mkdir(parents=True)
    assert f"{tmp_path}/faces holds no picture (.bmp, " in told(tmp_path)
    (tmp_path / "faces" / "a").rmdir()
    (tmp_path / "faces").rmdir()
    (tmp_path / "faces").write_text("")
    assert "is no folder" in told(tmp_path)


def test_broken_pictures_are_named_counted_and_left_out_up_to_a_limit(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 4, "b": 4})
    (folder / "a" / "1.png").write_bytes(b"")
    (folder / "b" / "2.png").write_bytes((folder / "b" / "2.png").read_bytes()[:40])
    text = told(tmp_path)
    assert text.startswith(
        f"{folder}: 2 files cannot be decoded, at most 0 may be left out: a/1.png (0 bytes), b/2.png ("
    )
    assert "data.params.most_broken: 2" in text
    assert "2 files cannot be decoded, at most 1" in told(tmp_path, most_broken=1)
    part = read(tmp_path, most_broken=2)["train"]
    assert part.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert part.images[:, 0, 0, 0].tolist() == [10, 10, 10, 11, 11, 11]
    assert part.notes[0].startswith(f"{folder}: 2 broken files of the train part were left out: a/1.png (0 bytes), b/2")


def test_a_class_with_one_sound_picture_left_is_left_out(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 2, "c": 2})
    (folder / "b" / "0.png").write_bytes(b"")
    assert read(tmp_path, most_broken=1)["train"].labels.tolist() == [0, 0, 1, 1]


def test_what_was_left_out_is_told_again_when_the_cache_serves_the_pictures(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 3})
    (folder / "b" / "0.png").write_bytes(b"")
    dataset = folder_of(most_broken=1)
    first, second = (load("image_folder", dataset, tmp_path, 8).parts["train"].notes for _ in range(2))
    assert first == second and "1 broken files" in first[0]


def test_names_may_be_any_unicode_and_two_ways_to_write_one_are_one_class(tmp_path: Path) -> None:
    names = ["Zoë", "李四", "Ωmega 😀"]
    folder = draw(tmp_path / "faces", dict.fromkeys(names, 2))
    decomposed = unicodedata.normalize("NFD", "Zoë")
    (folder / decomposed).mkdir()
    Image.new("RGB", (9, 9)).save(folder / decomposed / "0.png")
    labels = read(tmp_path)["train"].labels
    assert sorted(np.bincount(labels).tolist()) == [2, 2, 3]


def test_a_name_that_is_no_unicode_is_read_and_shown(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 2})
    bytes_name = os.fsencode(folder / "b") + b"/caf\xe9.png"
    with open(bytes_name, "wb"):
        pass
    assert "b/caf\\udce9.png (0 bytes)" in told(tmp_path)
    assert folder_of().find(tmp_path)["pictures"].digest


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_symbolic_links_are_refused_by_name(tmp_path: Path, inside: bool, kind: str) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 2})
    draw(tmp_path / "elsewhere", {"c": 2})
    source = folder / "a" if inside else tmp_path / "elsewhere" / "c"
    (folder / "b" / "link.png" if kind == "file" else folder / "d").symlink_to(
        source / "0.png" if kind == "file" else source
    )
    name = "b/link.png" if kind == "file" else "d"
    assert f"holds a symbolic link, which is not followed: {name}\n" in told(tmp_path)


def test_the_digest_changes_with_a_name_a_size_or_a_time(tmp_path: Path) -> None:
    folder = draw(tmp_path / "faces", {"a": 2, "b": 2})

    def digest() -> str:
        return folder_of().find(tmp_path)["pictures"].digest

    seen = [digest(), digest()]
    assert seen[0] == seen[1]
    os.utime(folder / "a" / "0.png", (1, 1))
    seen.append(digest())
    (folder / "a" / "0.png").rename(folder / "a" / "9.png")
    seen.append(digest())
    (folder / "a" / "9.png").write_bytes((folder / "b" / "0.png").read_bytes() + b"x")
    seen.append(digest())
    assert len(set(seen)) == 4


@pytest.mark.parametrize(
    ("params", "words"), [({}, "params.path is missing"), ({"path": "x", "channels": 2}, "channels is 2")]
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        DATASETS["image_folder"].build(**params)
