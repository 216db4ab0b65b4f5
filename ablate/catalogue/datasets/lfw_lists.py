"""The lists of Labeled Faces in the Wild: who is in which part, and which pairs are compared, as text files.

Formats: umass-vis-lfw.github.io, README of the data set. A pair is `name n1 n2` (one person) or `name1 n1 name2 n2`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.errors import DataError

Face = tuple[str, int]
"""A person and the number of the picture: ("Abdullah_Gul", 13)."""
PARTS = {"devTrain": "train", "devTest": "test"}


@dataclass(frozen=True)
class Pair:
    """One line of a list of pairs."""

    first: Face
    second: Face
    fold: int
    """From 0; 0 in the lists of View 1."""

    @property
    def same(self) -> bool:
        return self.first[0] == self.second[0]


def read_pairs(path: Path) -> list[Pair]:
    """All pairs of `pairsDevTrain.txt`, `pairsDevTest.txt` (one fold) or `pairs.txt` (ten). Raises DataError.

    The first line says how many folds there are, where there are some, and how many pairs of each kind a fold has.
    """
    lines = _read(path)
    try:
        folds, per_kind = (1, *map(int, lines[0])) if len(lines[0]) == 1 else map(int, lines[0])
    except (ValueError, IndexError):
        raise _unreadable(path, 1, "should say how many pairs there are") from None
    if len(lines) != 1 + folds * 2 * per_kind:
        raise _unreadable(path, 1, f"promises {folds * 2 * per_kind} pairs, there are {len(lines) - 1}")
    found = []
    for index, fields in enumerate(lines[1:]):
        fold, place = divmod(index, 2 * per_kind)
        try:
            name, number, *other = fields
            second = (name, int(other[0])) if place < per_kind else (other[0], int(other[1]))
            if len(other) != (1 if place < per_kind else 2):
                raise ValueError
            found.append(Pair((name, int(number)), second, fold))
        except (ValueError, IndexError):
            kind = "NAME N1 N2" if place < per_kind else "NAME1 N1 NAME2 N2"
            raise _unreadable(path, index + 2, f"should be {kind}, parted by tabs") from None
    return found


def read_people(paths: Sequence[Path]) -> dict[str, Mapping[str, int]]:
    """People and how many pictures each has, of the parts train and test, in which nobody is twice. Raises DataError.

    `paths` are people.csv alone, or peopleDevTrain.txt and peopleDevTest.txt.
    """
    found = _read_csv(paths[0]) if len(paths) == 1 else dict(zip(PARTS.values(), map(_read_list, paths), strict=True))
    both = sorted(set(found["train"]) & set(found["test"]))
    if both:
        raise DataError(
            f"{' and '.join(map(str, paths))}: {len(both)} people are in both devTrain and devTest, the first {both[0]}\n"
            "  put the original there: a person who is trained on cannot be a test"
        )
    return found


def _read_list(path: Path) -> Mapping[str, int]:
    lines = _read(path)
    try:
        people = {name: int(number) for name, number in lines[1:]}
        promised = int(lines[0][0])
    except (ValueError, IndexError):
        raise _unreadable(path, 1, "or a later one is not as it should be: a count, then NAME and NUMBER") from None
    if len(people) != promised:
        raise _unreadable(path, 1, f"promises {promised} people, there are {len(people)}")
    return people


def _read_csv(path: Path) -> dict[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = {"train": {}, "test": {}}
    rows = csv.DictReader(_lines(path))
    missing = {"name", "images", "view1_set"} - set(rows.fieldnames or ())
    if missing:
        raise _unreadable(path, 1, f"has no column {', '.join(sorted(missing))}")
    for number, row in enumerate(rows, start=2):
        try:
            found[PARTS[row["view1_set"]]][row["name"]] = int(row["images"])
        except (KeyError, ValueError, TypeError):
            raise _unreadable(path, number, "should be NAME,NUMBER,devTrain or NAME,NUMBER,devTest") from None
    return dict(found)


def _read(path: Path) -> list[list[str]]:
    """The fields of each line, parted by tabs."""
    return [line.split("\t") for line in _lines(path)]


def _lines(path: Path) -> list[str]:
    """Those that are not empty."""
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error})\n  put the original there") from error


def _unreadable(path: Path, line: int, what: str) -> DataError:
    return DataError(f"{path}, line {line} {what}\n  put the original there")
