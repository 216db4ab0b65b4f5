"""Omniglot: 1,623 characters of 50 alphabets, each drawn once by 20 people; the test characters are never trained on.

Source: Lake, Salakhutdinov, Tenenbaum 2015 (Science 350). Read straight from the two zips, which are never unpacked.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile
from ablate.catalogue.datasets.resize import resize
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.errors import DataError

STEMS = {"train": "images_background", "test": "images_evaluation"}
FOLDERS = ("omniglot-py", "omniglot")  # torchvision's, and that of the repacked zips
NUM_DRAWERS = 20
MD5S = {  # torchvision's, then that of a zip packed anew from the same PNG files
    "train": ("68d2efa1b9178cc56df9314c21c6e718", "9e75925548a16d1cdc073c74590ad752"),
    "test": ("6b91aef0f799c5bb55b94e3f2daec811", "2aef58c26acb300513a8e4b7c3e36d58"),
}


class Omniglot:
    """Train part: the background set. Test part: the evaluation set, whose class numbers follow those of the first."""

    image_size = 28  # Vinyals et al. 2016 (matching networks), and nearly all since
    channels = 1
    num_classes: Mapping[str, int] = {"train": 964, "test": 659}
    disjoint_parts = True

    def __init__(self, md5s: Mapping[str, tuple[str, ...]] = MD5S) -> None:
        self.md5s = md5s

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        root = root.expanduser().absolute()
        found, wanted = {}, {}
        for part, stem in STEMS.items():
            zips = tuple(f"{folder}/{stem}.zip" for folder in FOLDERS)
            unpacked = next((root / folder / stem for folder in FOLDERS if (root / folder / stem).is_dir()), None)
            if unpacked is None or any((root / place).is_file() for place in zips):
                wanted[part] = WantedFile(zips, self.md5s[part])
            else:
                found[part] = _check_unpacked(unpacked, self.num_classes[part])
        found |= find_source_files("omniglot", root, wanted, download=_download if download else None)
        return {part: found[part] for part in STEMS}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        parts, first_class = {}, 0
        for part, source in self.find(root).items():
            images, characters = [], []
            for name, png in _read_zip(source.path) if source.path.is_file() else _read_folder(source.path):
                images.append(decode_png(png, image_size, where=f"{source.path}, member {name}"))
                characters.append(name.rpartition("/")[0])
            classes, labels = np.unique(characters, return_inverse=True)
            names = {first_class + number: _title(name) for number, name in enumerate(classes.tolist())}
            parts[part] = Part(np.stack(images), first_class + labels.astype(np.int64), names=names)
            first_class += len(classes)
        return parts


def _title(folder: str) -> str:
    """images_background/Early_Aramaic/character07 -> Early Aramaic 07."""
    _, alphabet, character = folder.split("/")
    return f"{alphabet.replace('_', ' ')} {character.removeprefix('character')}"


def _download(root: Path) -> None:
    torchvision = importlib.import_module("torchvision.datasets")
    for part, stem in STEMS.items():  # not torchvision's own download: it also unpacks 32,460 small files
        url = f"{torchvision.Omniglot.download_url_prefix}/{stem}.zip"
        torchvision.utils.download_url(url, root / FOLDERS[0], f"{stem}.zip", MD5S[part][0])


def _check_unpacked(folder: Path, num_classes: int) -> SourceFile:
    """No checksum is published for the folder: its count is checked, and its names, sizes and times are its digest."""
    pictures = sorted(folder.glob("*/*/*.png"))
    characters = len({picture.parent for picture in pictures})
    if (characters, len(pictures)) != (num_classes, num_classes * NUM_DRAWERS):
        raise DataError(
            f"data set 'omniglot': {folder} holds {len(pictures)} images of {characters} characters, "
            f"expected {num_classes * NUM_DRAWERS} of {num_classes}\n"
            f"  unpack {folder.name}.zip again, or put the zip itself beside the folder"
        )
    digest = hashlib.md5(usedforsecurity=False)
    for picture in pictures:
        state = picture.stat()
        digest.update(f"{picture.relative_to(folder)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return SourceFile(folder, digest.hexdigest())


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of all PNG files; the names sorted, so that a class number means the same in every zip."""
    member = None
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith(f"{path.stem}/") and name.endswith(".png")]
            for member in sorted(names):
                yield member, archive.read(member)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        where = path if member is None else f"{path}, member {member}"
        raise DataError(f"{where} cannot be read ({error})\n  delete the zip and run again") from error


def _read_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    for name in sorted(picture.relative_to(path.parent).as_posix() for picture in path.glob("*/*/*.png")):
        try:
            yield name, (path.parent / name).read_bytes()
        except OSError as error:
            raise DataError(f"{path.parent / name} cannot be read ({error.strerror})\n  make it readable") from error


def decode_png(png: bytes, image_size: int, *, where: str) -> npt.NDArray[np.uint8]:
    try:
        drawing = Image.open(io.BytesIO(png)).convert("L")
    except (OSError, SyntaxError, ValueError, zlib.error) as error:  # SyntaxError is Pillow's for a broken PNG chunk
        raise DataError(f"{where} is no PNG that can be read ({error})\n  replace it by the original") from error
    # the files have black ink on white; a background of 0 continues under the zero padding of a convolution and
    # under the zeros that a rotation or a shift brings in, a white one would be framed by an edge that is not there
    return resize(ImageOps.invert(drawing), image_size)


@DATASETS.register("omniglot", source="Lake, Salakhutdinov, Tenenbaum 2015, Science 350; MIT")
def omniglot() -> Dataset:
    """19,280 + 13,180 drawings of 964 + 659 characters, grey 28x28; the two parts share no character."""
    return Omniglot()
