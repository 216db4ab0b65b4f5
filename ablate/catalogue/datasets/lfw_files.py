"""The files of Labeled Faces in the Wild: where they may lie, and the pictures of a person among them.

Shapes: N images, S the size asked for.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets.dataset import SourceFile
from ablate.catalogue.datasets.lfw_lists import Face
from ablate.catalogue.datasets.picture_files import digest_of, list_pictures
from ablate.catalogue.datasets.pictures import all_sound, decode_all
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.catalogue.datasets.zip_members import members, reader
from ablate.errors import DataError

FOLDERS = ("lfw", "lfw-py")  # the second is torchvision's
UNPACKED = ("lfw-deepfunneled", "lfw112")  # the originals first: they may hold more people
ZIP = "lfw112.zip"
PICTURE = re.compile(r"(?:lfw112/)?([^/]+)/\1_(\d{4})\.jpg")
ORIGINAL_SIDE, FACE_SIDE = 250, 144
"""Pixels of an original, and of the square in its middle that holds the face; the zip's pictures are that square."""


def find_files(root: Path, pairs: str, pairs_md5: str, zip_md5: str, *, people: bool) -> dict[str, SourceFile]:
    """`pairs`, `pictures` (a zip or a folder) and with `people` the lists of them. Raises DataError naming what is missing."""
    wanted = {"pairs": WantedFile(tuple(f"{folder}/{pairs}" for folder in FOLDERS), (pairs_md5,))}
    unpacked = [root / folder / name for name in UNPACKED for folder in FOLDERS if (root / folder / name).is_dir()]
    if not unpacked:
        wanted["pictures"] = WantedFile(tuple(f"{folder}/{ZIP}" for folder in FOLDERS), (zip_md5,))
    try:
        found = find_source_files("lfw", root, wanted, download=None)
    except DataError as error:
        if people or "missing" not in str(error):
            raise
        raise DataError(
            f"{error}\n  or write data.params.view: 1: View 1 needs neither pairs.txt nor all people"
        ) from None
    if unpacked:
        found["pictures"] = SourceFile(unpacked[0], digest_of(unpacked[0], list_pictures(unpacked[0])))
    return found | (_find_people(root) if people else {})


def _find_people(root: Path) -> dict[str, SourceFile]:
    """people.csv, or the two official lists."""
    for names in (("people.csv",), ("peopleDevTrain.txt", "peopleDevTest.txt")):
        for folder in FOLDERS:
            paths = [root / folder / name for name in names]
            if all(path.is_file() for path in paths):
                contents = [hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in paths]
                return {f"people {n}": SourceFile(p, c) for n, (p, c) in enumerate(zip(paths, contents, strict=True))}
    raise DataError(
        "data set 'lfw': the list of people is missing\n"
        f"  put peopleDevTrain.txt and peopleDevTest.txt, or people.csv, into {root / FOLDERS[0]}"
    )


class FaceFiles:
    """The pictures in a zip or a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        listed = list_pictures(path) if path.is_dir() else members(path)
        matches = [(PICTURE.fullmatch(name), name) for name in listed]
        self.names: dict[Face, str] = {(match[1], int(match[2])): name for match, name in matches if match is not None}
        """Where each picture is."""

    @property
    def centre(self) -> float:
        """The share of a picture's side around its middle that is the face; the zip's are cut already."""
        return FACE_SIDE / ORIGINAL_SIDE if self.path.name == UNPACKED[0] else 1.0

    @property
    def count(self) -> Mapping[str, int]:
        """How many pictures each person has."""
        return Counter(name for name, _ in self.names)

    def check(self, people: Mapping[str, Mapping[str, int]]) -> None:
        """Everybody has as many pictures as the lists say. Raises DataError."""
        count = self.count
        promised = {name: number for part in people.values() for name, number in part.items()}
        wrong = sorted(name for name, number in promised.items() if count.get(name, 0) != number)
        if wrong:
            raise DataError(
                f"data set 'lfw': {self.path} has not the pictures that the lists of people promise for {len(wrong)} of "
                f"{len(promised)}; {wrong[0]} has {count.get(wrong[0], 0)}, not {promised[wrong[0]]}\n"
                "  put the originals there, or the list that belongs to these pictures (people.csv is that of lfw112)"
            )

    def of(self, people: Mapping[str, int], *, least: int) -> list[Face]:
        """The faces of those who have `least` pictures, by name and number."""
        count = self.count
        return [face for face in sorted(self.names) if face[0] in people and count[face[0]] >= least]

    def decode(self, faces: Sequence[Face], image_size: int) -> npt.NDArray[np.uint8]:
        """[N, S, S, 3]. Raises DataError that counts and names the pictures that are broken."""
        names = [self.names[face] for face in faces]
        if self.path.is_dir():
            found = decode_all(
                names, lambda name: (self.path / name).read_bytes(), size=image_size, channels=3, centre=self.centre
            )
        else:
            with reader(self.path) as read:
                found = decode_all(names, read, size=image_size, channels=3)
        return all_sound(found, self.path)
