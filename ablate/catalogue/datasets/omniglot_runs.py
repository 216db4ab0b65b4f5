"""Omniglot's official one-shot task: 20 runs, in each of which 20 test items are told among one example of each class.

The 20 characters of a run are of one alphabet, 10 alphabets in all; they are of the evaluation set, so nobody trains on them.
Source: Lake, Salakhutdinov, Tenenbaum 2015 (Science 350); brendenlake/omniglot, python/one-shot-classification/all_runs.zip.
"""

from __future__ import annotations

import hashlib
import importlib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets.dataset import Part, SourceFile
from ablate.catalogue.datasets.omniglot import FOLDERS, decode_png
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.errors import DataError

NUM_RUNS = 20
WAYS = 20
STEM = "all_runs"
MD5 = "e8996daecdf12afeeb4a53a179f06b19"
Read = Callable[[str], bytes]


class OmniglotRuns:
    """Parts `support`, one example of each class of each run, and `query`, its test items.

    Class w of run r has the number WAYS * r + w in both parts, which are in ascending order of them.
    """

    image_size = 28
    channels = 1
    num_classes: Mapping[str, int] = {"support": NUM_RUNS * WAYS, "query": NUM_RUNS * WAYS}
    disjoint_parts = False

    def __init__(self, md5: str = MD5) -> None:
        self.md5 = md5

    def missing(self, root: Path) -> Path | None:
        """Where the zip belongs, if there is neither it nor its folder, unpacked."""
        root = root.expanduser().absolute()
        there = any((root / place).is_file() for place in _places()) or _unpacked(root) is not None
        folder = next((folder for folder in FOLDERS if (root / folder).is_dir()), FOLDERS[0])  # beside the images
        return None if there else root / folder / f"{STEM}.zip"

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        root = root.expanduser().absolute()
        folder = _unpacked(root)
        if folder is not None and not any((root / place).is_file() for place in _places()):
            return {STEM: SourceFile(folder, _digest(folder))}
        wanted = {STEM: WantedFile(_places(), (self.md5,))}
        return find_source_files("omniglot (official runs)", root, wanted, download=_download if download else None)

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        source = self.find(root)[STEM].path
        if source.is_dir():
            return _decode(lambda name: (source / name).read_bytes(), source, image_size)
        try:
            with zipfile.ZipFile(source) as archive:
                return _decode(archive.read, source, image_size)
        except zipfile.BadZipFile as error:
            raise DataError(f"{source} is no zip ({error})\n  delete it and run again") from error


def _places() -> tuple[str, ...]:
    return tuple(f"{folder}/{STEM}.zip" for folder in FOLDERS)


def _unpacked(root: Path) -> Path | None:
    return next((root / folder / STEM for folder in FOLDERS if (root / folder / STEM).is_dir()), None)


def _digest(folder: Path) -> str:
    """Of the contents: there are 820 small files."""
    digest = hashlib.md5(usedforsecurity=False)
    for path in sorted(path for path in folder.glob("run*/**/*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _download(root: Path) -> None:
    torchvision = importlib.import_module("torchvision.datasets")
    url = f"{torchvision.Omniglot.download_url_prefix}/one-shot-classification/{STEM}.zip"
    torchvision.utils.download_url(url, root / FOLDERS[0], f"{STEM}.zip", MD5)


def _decode(read: Read, source: Path, image_size: int) -> dict[str, Part]:
    """Both parts; `read` gives the bytes of a file by its name below `source`."""
    images: dict[str, list[npt.NDArray[np.uint8]]] = {"support": [], "query": []}
    name = ""
    try:
        for run in range(1, NUM_RUNS + 1):
            name = f"run{run:02}/class_labels.txt"
            pairs = _pairs(read(name).decode(), run, where=f"{source}, {name}")
            for part, place in (("support", 0), ("query", 1)):
                for pair in pairs:
                    name = pair[place]
                    images[part].append(decode_png(read(name), image_size, where=f"{source}, {name}"))
    except (OSError, EOFError, KeyError, UnicodeDecodeError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{source}, {name} cannot be read ({error})\n  put {STEM}.zip there anew") from error
    return {part: Part(np.stack(found), np.arange(NUM_RUNS * WAYS)) for part, found in images.items()}


def _pairs(text: str, run: int, *, where: str) -> list[tuple[str, str]]:
    """The example of each class of a run and the test item of that class, from lines `test item, its class's example`."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    pairs = sorted((line[1], line[0]) for line in lines if len(line) == 2)
    folders = {tuple(str(PurePosixPath(name).parent) for name in pair) for pair in pairs}
    if len(lines) != WAYS or len(dict(pairs)) != WAYS or folders != {(f"run{run:02}/training", f"run{run:02}/test")}:
        raise DataError(
            f"{where}: expected {WAYS} lines `test item, example of its class`, each class once, of run {run:02}\n"
            f"  put {STEM}.zip there anew"
        )
    return pairs
