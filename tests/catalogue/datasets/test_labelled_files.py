"""Files whose names hold their class."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ablate.catalogue.datasets import DATASETS
from ablate.errors import DataError

NAMES = ["Ann_1.png", "Ann_2.png", "Bo_1.png", "deep/Bo_2.png", "Cy-1.png"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "faces" / "deep").mkdir(parents=True)
    for place, name in enumerate(NAMES):
        Image.new("L", (9, 9), 10 * place).save(tmp_path / "faces" / name)
    return tmp_path


def test_the_one_group_finds_the_class_and_other_files_are_counted(root: Path) -> None:
    part = (
        DATASETS["labelled_files"].build(path="faces", pattern=r"^(\w+)_\d+\.png$", channels=1).decode(root, 8)["train"]
    )
    assert part.labels.tolist() == [0, 0, 1, 1]
    assert part.images[:, 0, 0, 0].tolist() == [0, 10, 20, 30]
    assert part.notes == (f"{root}/faces: 1 of 5 pictures have no class by the rules of labelled_files: not used",)


def test_train_and_test_folders_are_the_parts_also_where_names_hold_the_class(root: Path) -> None:
    for part, names in (("train", ("Ann_1", "Ann_2", "Bo_1", "Bo_2")), ("test", ("Bo_7", "Ann_7"))):
        (root / "faces" / part).mkdir()
        for name in names:
            Image.new("L", (9, 9)).save(root / "faces" / part / f"{name}.png")
    parts = DATASETS["labelled_files"].build(path="faces", pattern=r"^(\w+)_\d+\.png$").decode(root, 8)
    assert {name: part.labels.tolist() for name, part in parts.items()} == {"train": [0, 0, 1, 1], "test": [0, 1]}
    assert parts["train"].notes == (
        f"{root}/faces: 5 of 11 pictures have no class by the rules of labelled_files: not used",
    )


def test_a_class_is_text_also_where_it_is_a_number(root: Path) -> None:
    part = DATASETS["labelled_files"].build(path="faces", pattern=r"(?:_|-)(\d)").decode(root, 8)["train"]
    assert part.labels.tolist() == [0, 1, 0, 0, 1], "Ann_1, Ann_2, Bo_1, Cy-1, deep/Bo_2"


def test_an_empty_class_is_no_class(root: Path) -> None:
    part = DATASETS["labelled_files"].build(path="faces", pattern=r"^(Ann|Bo)?").decode(root, 8)["train"]
    assert part.labels.tolist() == [0, 0, 1, 1]


def test_a_pattern_that_matches_nothing_is_refused_with_names_to_compare(root: Path) -> None:
    with pytest.raises(DataError) as refusal:
        DATASETS["labelled_files"].build(path="faces", pattern=r"^(\w+)_\d+\.jpg$").decode(root, 8)
    text = str(refusal.value)
    assert f"matches none of the 5 pictures in {root}/faces: Ann_1.png, Ann_2.png" in text
    assert "\n  write data.params.pattern: " in text


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "pattern is missing"),
        (r"^\w+_", "has 0 groups"),
        (r"(\w+)_(\d)", "has 2 groups"),
        (r"(\w+", "is no regular expression"),
    ],
)
def test_a_pattern_without_one_group_is_refused_before_anything_is_read(pattern: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as refusal:
        DATASETS["labelled_files"].build(path="faces", pattern=pattern)
    assert "\n  " in str(refusal.value)
