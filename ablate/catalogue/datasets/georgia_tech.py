"""Georgia Tech faces: 50 people, 15 pictures each, with more play of pose and light than AT&T's.

Source: Nefian 1999, Georgia Institute of Technology. With `channels: 1`, the small version by others: 30x40, grey, the faces
cut out, of each the middle square; with `channels: 3` the original 640x480 colour pictures, where they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile
from ablate.catalogue.datasets.picture_files import digest_of, list_pictures
from ablate.catalogue.datasets.pictures import all_sound, decode_all
from ablate.catalogue.datasets.resize import resize_all
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.errors import DataError

MAT, FOLDER = "gt_small/GT.mat", "gt_db"
MD5 = "c61c343c321447ec4197cd2c2bd36aa3"
PICTURE = re.compile(r"s(\d\d)/(\d\d)\.jpg")
NUM_PEOPLE, PER_PERSON = 50, 15
NAMES = {person: f"s{person + 1:02}" for person in range(NUM_PEOPLE)}
"""People have no other names than those of the original's folders."""


class GeorgiaTech:
    """One part."""

    num_classes: Mapping[str, int] | None = {"train": NUM_PEOPLE}
    disjoint_parts = False

    def __init__(self, channels: int = 1, md5: str = MD5) -> None:
        if channels not in (1, 3):
            raise DataError(f"data set 'georgia_tech': params.channels is {channels}\n  write 1 for grey, 3 for colour")
        self.channels, self.md5 = channels, md5
        self.image_size = 32 if channels == 1 else 64  # the small version has 30 columns

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        root = root.expanduser().absolute()
        if self.channels == 1:
            return find_source_files("georgia_tech", root, {"train": WantedFile((MAT,), (self.md5,))}, download=None)
        folder = root / FOLDER
        return {"train": SourceFile(folder, digest_of(folder, _pictures(folder)))}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        path = self.find(root)["train"].path
        return {"train": _read_mat(path, image_size) if self.channels == 1 else _read_folder(path, image_size)}


def _read_mat(path: Path, image_size: int) -> Part:
    from scipy.io import loadmat

    try:
        content = loadmat(io.BytesIO(path.read_bytes()))
        faces, people = np.moveaxis(content["x"], 2, 0), content["label"].ravel()
        if (faces.shape, faces.dtype, len(people)) != ((750, 40, 30), np.uint8, 750):
            raise ValueError(f"its x is {faces.shape} of {faces.dtype}, its label of {len(people)}")
        wrong = people[~np.isin(people, range(1, NUM_PEOPLE + 1))]
        if len(wrong):  # a cast would make 1.5 person 1
            raise ValueError(f"{len(wrong)} of its labels are no whole numbers from 1 to {NUM_PEOPLE}, as {wrong[0]}")
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        NotImplementedError,
    ) as error:  # the last: a MAT file of version 7.3
        raise DataError(f"{path} cannot be decoded ({error})\n  replace it by the original") from error
    return Part(resize_all(np.ascontiguousarray(faces), image_size), people.astype(np.int64) - 1, names=NAMES)


def _pictures(folder: Path) -> list[str]:
    """The original's, by person and number. Raises DataError unless all are there."""
    names = [name for name in list_pictures(folder) if PICTURE.fullmatch(name)] if folder.is_dir() else []
    wanted = [f"s{p:02}/{i:02}.jpg" for p in range(1, NUM_PEOPLE + 1) for i in range(1, PER_PERSON + 1)]
    missing = sorted(set(wanted) - set(names))
    if missing:
        raise DataError(
            f"data set 'georgia_tech': {len(missing)} pictures are missing in {folder}, the first {missing[0]}\n"
            f"  put the original gt_db there, or write data.params.channels: 1 for the small grey version in {MAT}"
        )
    return wanted


def _read_folder(folder: Path, image_size: int) -> Part:
    found = decode_all(_pictures(folder), lambda name: (folder / name).read_bytes(), size=image_size, channels=3)
    return Part(all_sound(found, folder), np.repeat(np.arange(NUM_PEOPLE), PER_PERSON), names=NAMES)


@DATASETS.register(
    "georgia_tech",
    bounds={"channels": (1, 3)},
    source="Nefian 1999, Georgia Institute of Technology; made available for research",
)
def georgia_tech(*, channels: int = 1) -> Dataset:
    """750 pictures of 50 people's faces: grey 30x40 (`channels: 1`), or the colour originals (`channels: 3`)."""
    return GeorgiaTech(channels)
