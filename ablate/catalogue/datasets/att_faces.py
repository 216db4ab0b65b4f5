"""AT&T faces (ORL): 40 people, ten grey pictures each, in front of a dark wall; a small second domain for faces.

Source: Samaria, Harter 1994 (Parameterisation of a stochastic model for human face identification, WACV). The 92x112
pictures become squares by what `resize` cuts off at top and bottom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile
from ablate.catalogue.datasets.picture_files import digest_of, list_pictures
from ablate.catalogue.datasets.pictures import all_sound, decode_all
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.catalogue.datasets.zip_members import members, reader
from ablate.errors import DataError

FOLDERS = ("att_faces/ORL", "att_faces", "orl_faces")
MD5 = "b15abd4f6d2ab51b35fcb26387c1034a"
PICTURE = re.compile(r"(?:ORL/)?s(\d{1,2})/(\d{1,2})\.pgm")
NUM_PEOPLE, PER_PERSON = 40, 10
NAMES = {person: f"s{person + 1}" for person in range(NUM_PEOPLE)}
"""People have no other names than those of their folders."""


class AttFaces:
    """One part; from the zip, or from an unpacked folder of s1, s2, ..., s40."""

    image_size = 64
    channels = 1
    num_classes: Mapping[str, int] | None = {"train": NUM_PEOPLE}
    disjoint_parts = False

    def __init__(self, md5: str = MD5) -> None:
        self.md5 = md5

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        root = root.expanduser().absolute()
        folder = next((root / name for name in FOLDERS if (root / name / "s1").is_dir()), None)
        if folder is None:
            wanted = {"train": WantedFile(("att_faces/ORL.zip",), (self.md5,))}
            return find_source_files("att_faces", root, wanted, download=None)
        names = _pictures(list_pictures(folder), folder)
        return {"train": SourceFile(folder, digest_of(folder, names))}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        path = self.find(root)["train"].path
        if path.is_dir():
            names = _pictures(list_pictures(path), path)
            found = decode_all(names, lambda name: (path / name).read_bytes(), size=image_size, channels=1)
        else:
            names = _pictures(members(path), path)
            with reader(path) as read:
                found = decode_all(names, read, size=image_size, channels=1)
        people = np.array([_person(name) for name in names], dtype=np.int64)
        return {"train": Part(all_sound(found, path), people - 1, names=NAMES)}


def _pictures(names: list[str], where: Path) -> list[str]:
    """Those of the faces, by person and number. Raises DataError unless all are there."""
    faces = sorted(
        (name for name in names if PICTURE.fullmatch(name)), key=lambda n: [*map(int, re.findall(r"\d+", n))]
    )
    wanted = [person for person in range(1, NUM_PEOPLE + 1) for _ in range(PER_PERSON)]
    if [_person(name) for name in faces] != wanted:
        raise DataError(
            f"data set 'att_faces': {where} holds {len(faces)} pictures, expected {PER_PERSON} of each of {NUM_PEOPLE} "
            "people (s1/1.pgm to s40/10.pgm)\n  unpack the original again, or put ORL.zip into att_faces/"
        )
    return faces


def _person(name: str) -> int:
    match = PICTURE.fullmatch(name)
    assert match is not None, f"{name} was told to be a picture"
    return int(match[1])


@DATASETS.register(
    "att_faces", source="Samaria, Harter 1994, AT&T Laboratories Cambridge; free for research, with credit"
)
def att_faces() -> Dataset:
    """400 pictures of 40 people's faces, grey 92x112, the middle square of each."""
    return AttFaces()
