"""Data sets in MNIST's idx format: four files, torchvision's layout `<root>/<folder>/raw/`, packed or unpacked.

Source: format at the foot of yann.lecun.com/exdb/mnist: two zero bytes, type, number of axes, axes as big-endian int32.
"""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets.dataset import Part, SourceFile
from ablate.catalogue.datasets.resize import resize_all
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.errors import DataError

UINT8 = 8  # the format's code for the type of its values
STEMS = {"train": "train", "test": "t10k"}


class IdxDataset:
    """28x28 grey images of 10 classes, which the train part and the official test part share."""

    image_size = 28
    channels = 1
    num_classes: Mapping[str, int] = {"train": 10, "test": 10}
    disjoint_parts = False

    def __init__(
        self,
        name: str,
        folder: str,
        md5s: Mapping[str, tuple[str, str]],
        classes: tuple[str, ...] = tuple("0123456789"),
    ) -> None:
        self.name = name
        self.folder = folder
        """The folder below the data folder, which is also the name of torchvision's class."""
        self.md5s = md5s
        """Of each file packed (torchvision's) and unpacked, by its name without `.gz`."""
        self.classes = classes
        """What people call them, by number."""

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        wanted = {
            name: WantedFile((f"{self.folder}/raw/{name}.gz", f"{self.folder}/raw/{name}"), md5s)
            for name, md5s in self.md5s.items()
        }
        return find_source_files(self.name, root, wanted, download=self._download if download else None)

    def _download(self, root: Path) -> None:
        torchvision = importlib.import_module("torchvision.datasets")
        getattr(torchvision, self.folder)(root, download=True)

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        files = {name: source.path for name, source in self.find(root).items()}
        parts = {}
        for part, stem in STEMS.items():
            images_path, labels_path = files[f"{stem}-images-idx3-ubyte"], files[f"{stem}-labels-idx1-ubyte"]
            images, labels = _read_idx(images_path, num_axes=3), _read_idx(labels_path, num_axes=1)
            if len(images) != len(labels):
                raise DataError(
                    f"{images_path} holds {len(images)} images, {labels_path} {len(labels)} labels\n"
                    "  they do not belong together: replace both by the originals"
                )
            names = dict(enumerate(self.classes))
            parts[part] = Part(resize_all(images, image_size), labels.astype(np.int64), names=names)
        return parts


def _read_idx(path: Path, *, num_axes: int) -> npt.NDArray[np.uint8]:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if content[:4] != bytes([0, 0, UINT8, num_axes]):
            raise ValueError(f"its first four bytes are {content[:4].hex()}, not those of an idx file")
        shape = np.frombuffer(content, ">i4", count=num_axes, offset=4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * num_axes).reshape(shape)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(f"{path} cannot be decoded ({error})\n  delete it and run again") from error
