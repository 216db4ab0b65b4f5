"""Picture files that a user names, decoded as the model's data set was: all of them are looked at before anything is computed.

Shapes: N pictures, S the model's image size, C its channels.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ablate.catalogue.datasets.picture_files import SUFFIXES, enumerated, list_pictures
from ablate.catalogue.datasets.pictures import Broken, decode_all, decode_picture
from ablate.errors import DataError
from ablate.serve.description import Preprocessing

Pictures = npt.NDArray[np.uint8]
CHUNK = 512
"""Decoded at once."""


def find_pictures(given: Sequence[Path]) -> list[Path]:
    """Files as they are given, of a folder all pictures at any depth by name. Raises DataError naming all that is missing."""
    found: list[Path] = []
    faults = []
    for path in given:
        inside = list_pictures(path) if path.is_dir() else []
        found += [path / name for name in inside] if path.is_dir() else [path]
        if path.is_dir() and not inside:
            faults.append(f"{path} holds no picture ({', '.join(SUFFIXES)})")
        elif not path.exists():
            faults.append(f"{path} is not there")
    if faults:
        raise DataError("\n".join(faults) + "\n  name picture files, or folders that hold some")
    return found


def read_pictures(paths: Sequence[Path], preprocessing: Preprocessing) -> Pictures:
    """[N, S, S, C]. Raises DataError naming the files that cannot be decoded.

    They lie in a temporary file that ends with the array, so that more may be asked for than memory holds.
    """
    size, channels, centre = preprocessing.image_size, preprocessing.channels, preprocessing.centre
    pictures = _room((len(paths), size, size, channels))
    broken: list[str] = []
    for start in range(0, len(paths), CHUNK):
        names = [str(path) for path in paths[start : start + CHUNK]]
        decoded = decode_all(names, lambda name: Path(name).read_bytes(), size=size, channels=channels, centre=centre)
        for position, each in enumerate(decoded, start):
            if isinstance(each, Broken):
                broken.append(str(each))
            else:
                pictures[position] = ~each if preprocessing.inverted else each
    if broken:
        count = "1 file" if len(broken) == 1 else f"{len(broken)} files"
        raise DataError(
            f"{count} cannot be decoded as pictures: {enumerated(broken)}\n  mend them, or leave them out; nothing was computed"
        )
    return pictures


def _room(shape: tuple[int, ...]) -> Pictures:
    """Bytes of this shape in a temporary file. Raises DataError where the disk has not so many."""
    try:
        with tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, math.prod(shape))  # else a full disk ends the process, without a word
            return np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()} has no room for {math.prod(shape) / 1e9:.1f} GB of pictures ({error.strerror})\n"
            "  set TMPDIR to a folder that has, or name fewer pictures"
        ) from None


def thumbnail(path: Path, most: int) -> Pictures:
    """The middle square of a picture in its own colours, [S, S, 3] with at most `most` pixels to a side."""
    content = path.read_bytes()
    with Image.open(path) as picture:
        side = min(*picture.size, most)
    return decode_picture(content, side, channels=3)
