"""From files with the names of their classes to parts: what is left out, what is refused, how classes are numbered.

Shapes: N images, S the size asked for, C channels (1 or 3).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ablate.catalogue.datasets.dataset import Part
from ablate.catalogue.datasets.picture_files import enumerated
from ablate.catalogue.datasets.pictures import Broken, Picture, decode_all, undecodable
from ablate.errors import DataError

Files = Sequence[tuple[str, str]]
"""Names of files below a folder, each with the name of its class."""


@dataclass(frozen=True)
class Rules:
    """What becomes of files that cannot be used."""

    channels: int
    """1 or 3."""
    least_images: int
    """Classes of the train part with fewer are left out; with 1, an image alone in its class is its own positive."""
    most_broken: int
    """So many files that cannot be decoded are left out; more are refused."""


def class_name(name: str) -> str:
    """A class by its name: the two ways in which Unicode writes an accent (macOS takes the other) are one class."""
    return unicodedata.normalize("NFC", name)


def read_parts(folder: Path, parts: Mapping[str, Files], size: int, rules: Rules) -> dict[str, Part]:
    """Decoded parts, classes numbered in the order of their names over all of them.

    Raises DataError where too many files are broken, where fewer than two classes are left, and where some classes are in
    both parts and some are not: nobody could say whether the test is of classes known from training.
    """
    shared = _share_classes(folder, parts)
    pictures: dict[str, Picture] = {}
    broken: dict[str, list[Broken]] = {}
    for part, files in parts.items():
        names = [name for name, _ in files]
        found = decode_all(names, lambda name: (folder / name).read_bytes(), size=size, channels=rules.channels)
        broken[part] = [each for each in found if isinstance(each, Broken)]
        pictures |= {name: each for name, each in zip(names, found, strict=True) if not isinstance(each, Broken)}
    _check_broken(folder, [each for found in broken.values() for each in found], rules.most_broken)
    sound = {part: [file for file in files if file[0] in pictures] for part, files in parts.items()}
    kept = with_enough(sound, rules.least_images, shared=shared)
    numbers = {name: number for number, name in enumerate(sorted(set().union(*map(_classes, kept.values()))))}
    made = {}
    for part, files in kept.items():
        lost = _classes(parts[part]) - _classes(files)
        if len(_classes(files)) < 2:
            raise _too_few_classes(folder, part, parts[part], files, rules.least_images)
        images = _moved(pictures, [name for name, _ in files])
        labels = np.array([numbers[label] for _, label in files], dtype=np.int64)
        notes = _notes(folder, part, broken[part], lost, rules.least_images)
        made[part] = Part(images, labels, notes=notes, names=_printable(numbers))
    return made


def _printable(numbers: Mapping[str, int]) -> dict[int, str]:
    """Number -> name; what of a folder's name is no Unicode becomes a question mark."""
    return {number: name.encode(errors="replace").decode() for name, number in numbers.items()}


def _moved(pictures: dict[str, Picture], names: Sequence[str]) -> Picture:
    """Those pictures as one array [N, S, S, C]; each is dropped once it is copied, so that none is held twice."""
    images = np.empty((len(names), *pictures[names[0]].shape), dtype=np.uint8)
    for position, name in enumerate(names):
        images[position] = pictures.pop(name)
    return images


def with_enough(parts: Mapping[str, Files], least: int, *, shared: bool) -> dict[str, Files]:
    """Without the classes of the train part that have fewer than `least` images; if `shared`, the test part loses them, too.

    A test part with classes of its own stays whole: what has no positive there still has to be told from the rest.
    """
    count = Counter(label for _, label in parts["train"])
    few = {label for label, number in count.items() if number < least}
    gone = set().union(*map(_classes, parts.values())) - set(count) if shared else set()
    return {part: [file for file in files if file[1] not in few | gone] for part, files in parts.items()}


def _classes(files: Files) -> set[str]:
    return {label for _, label in files}


def _share_classes(folder: Path, parts: Mapping[str, Files]) -> bool:
    """Whether train and test have the same classes; where there is one part, False."""
    if "test" not in parts:
        return False
    train, test = _classes(parts["train"]), _classes(parts["test"])
    if train & test and train != test:
        raise DataError(
            f"{folder}: {len(train & test)} classes are in both train and test, {len(train ^ test)} in one of them: "
            f"{enumerated(sorted(train ^ test))}\n  give both the same classes, or none in common"
        )
    return train == test


def _check_broken(folder: Path, broken: Sequence[Broken], most: int) -> None:
    if len(broken) > most:
        raise DataError(
            f"{folder}: {undecodable(len(broken))}, at most {most} may be left out: {enumerated([*map(str, broken)])}\n"
            f"  mend or delete what is broken, or write data.params.most_broken: {len(broken)} to go on without"
        )


def _too_few_classes(folder: Path, part: str, files: Files, kept: Files, least: int) -> DataError:
    few = f" with at least {least} images" if _classes(files) != _classes(kept) else ""
    count = "1 class" if len(_classes(kept)) == 1 else f"{len(_classes(kept))} classes"
    return DataError(
        f"{folder}: the {part} part has {count}{few}, but there is nothing to tell apart with fewer than 2\n"
        "  give it pictures of more classes"
    )


def _notes(folder: Path, part: str, broken: Sequence[Broken], lost: set[str], least: int) -> tuple[str, ...]:
    notes = []
    if broken:
        names = enumerated([*map(str, broken)])
        notes.append(f"{folder}: {len(broken)} broken files of the {part} part were left out: {names}")
    if lost:
        count = "1 class" if len(lost) == 1 else f"{len(lost)} classes"
        notes.append(f"{folder}: {count} of the {part} part with fewer than {least} sound images left out")
    return tuple(notes)
