"""The lists of Labeled Faces in the Wild, written here."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.catalogue.datasets.lfw_lists import Pair, read_pairs, read_people
from ablate.errors import DataError


def test_pairs_come_in_folds_those_of_one_person_first(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("2\t1\nZoë_A\t1\t12\nZoë_A\t3\tBo\t4\nCy\t2\t1\nBo\t1\tCy\t2\n", encoding="utf-8")
    assert read_pairs(path) == [
        Pair(("Zoë_A", 1), ("Zoë_A", 12), 0),
        Pair(("Zoë_A", 3), ("Bo", 4), 0),
        Pair(("Cy", 2), ("Cy", 1), 1),
        Pair(("Bo", 1), ("Cy", 2), 1),
    ]
    assert [pair.same for pair in read_pairs(path)] == [True, False, True, False]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"1\t2\t3\n"], ids=["empty", "no text", "three numbers"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pairs.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"pairs\.txt.*\n  put the original there"):
        read_pairs(path)


def test_people_are_read_from_the_table_or_from_both_lists(tmp_path: Path) -> None:
    table, first, second = (tmp_path / name for name in ("people.csv", "peopleDevTrain.txt", "peopleDevTest.txt"))
    table.write_text("name,images,view1_set\nAnn,2,devTrain\nBo,1,devTest\nCy,3,devTrain\n")
    first.write_text("2\nAnn\t2\nCy\t3\n")
    second.write_text("1\nBo\t1\n")
    assert read_people([table]) == read_people([first, second]) == {"train": {"Ann": 2, "Cy": 3}, "test": {"Bo": 1}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,images\nAnn_0,2\n", "has no column view1_set"),
        ("name,images,view1_set\nAnn_0,two,devTrain\n", "line 2 should be NAME,NUMBER"),
        ("name,images,view1_set\nAnn_0,2,train\n", "line 2 should be NAME,NUMBER"),
    ],
)
def test_a_table_of_people_that_is_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "people.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_people([tmp_path / "people.csv"])
