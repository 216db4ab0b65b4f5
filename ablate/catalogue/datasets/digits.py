"""Digits: scikit-learn's 1,797 handwritten digits of 8x8 pixels; always there, so first runs and tests use them.

Source: Alpaydin, Kaynak 1998 (UCI, Optical Recognition of Handwritten Digits, the test part), inside scikit-learn.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile
from ablate.catalogue.datasets.resize import resize_all
from ablate.errors import DataError

NAMES = dict(enumerate("0123456789"))
BRIGHTEST = 16  # a value counts the inked pixels of a 4x4 block of the original scan


class Digits:
    """One part; `root` is not used."""

    image_size = 8
    channels = 1
    num_classes: Mapping[str, int] = {"train": 10}
    disjoint_parts = False

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        path = _csv()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror})\n  {_MEND}") from error
        return {"train": SourceFile(path, hashlib.md5(content, usedforsecurity=False).hexdigest())}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        path = self.find(root)["train"].path
        try:
            table = np.loadtxt(io.BytesIO(gzip.decompress(path.read_bytes())), delimiter=",", dtype=np.uint8)
            values = table[:, :-1].reshape(1797, 8, 8)
        except (OSError, EOFError, zlib.error, ValueError, IndexError) as error:
            raise DataError(f"{path} cannot be decoded ({error})\n  {_MEND}") from error
        images = np.round(values * (255 / BRIGHTEST)).astype(np.uint8)
        return {"train": Part(resize_all(images, image_size), table[:, -1].astype(np.int64), names=NAMES)}


_MEND = "install scikit-learn again: the file is a part of it"


def _csv() -> Path:
    spec = importlib.util.find_spec("sklearn")  # finds the package without the second that importing it takes
    if spec is None or not spec.submodule_search_locations:
        raise DataError("data set 'digits': scikit-learn is not installed\n  pip install scikit-learn")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz"


@DATASETS.register("digits", source="Alpaydin, Kaynak 1998, UCI; CC BY 4.0, shipped with scikit-learn")
def digits() -> Dataset:
    """1,797 handwritten digits, 10 classes, grey 8x8; no download."""
    return Digits()
