"""What a data set is to `ablate`: labelled uint8 images in a train part and, where there is one, an official test part.

A data set of books (`book_dataset.py`) has rows of numbers in place of images, and ratings in place of class numbers.
Shapes: N images, H height, W width, C channels (1 or 3); of books N books, W width of a row, R ratings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.catalogue.registry import Registry


@dataclass(frozen=True)
class Part:
    """Decoded images with their class numbers."""

    images: npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    """[N, H, W, C] in bytes; of books [N, W] in floats, laid out as their `BookShape` says."""
    labels: npt.NDArray[np.int64]
    """[N], class numbers; a class that is in two parts has the same number in both. Of books [R], the reader of each rating."""
    pairs: OfficialPairs | None = None
    """Of a test part whose makers published the pairs to be judged by; protocol `verification` takes these."""
    ratings: npt.NDArray[np.int64] | None = None
    """[R, 2], of books: which book (a row of `images`) was rated, and its 1 to 5 stars. A reader rates a book once."""
    notes: tuple[str, ...] = ()
    """What a user should know of how the part came about, a sentence each: what was left out, and why."""
    names: Mapping[int, str] | None = None
    """Class number -> what people call it; of books, row -> title. None where the data set knows none."""
    centre: float = 1.0
    """Share of a picture's height and width that was kept around the middle, before its middle square was scaled."""


@dataclass(frozen=True)
class SourceFile:
    """A file, or an unpacked folder, that holds a data set and was found sound."""

    path: Path
    """Absolute."""
    digest: str
    """Changes whenever the content does, and not when the file moves: the MD5 of a file."""


@runtime_checkable
class Dataset(Protocol):
    """One data set; built without touching a file."""

    image_size: int
    """Default height and width in pixels: the native one, or what the literature uses; 0 where items are no images."""
    channels: int
    """1 for grey, 3 for colour; 0 where items are no images."""
    disjoint_parts: bool
    """True where the official test part has classes of its own (Omniglot); False where it shares them (MNIST).

    Not asked where num_classes is None: the labels tell.
    """

    @property  # so that a data set which knows them may say that it never has None
    def num_classes(self) -> Mapping[str, int] | None:
        """Classes per part, known before reading: {"train": 964, "test": 659}; None where only the files tell (a folder)."""

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        """The source files below `root`, present and with the right checksum; reads them once, decodes nothing.

        With `download`, what is missing is first fetched where the source allows it; otherwise nothing is ever written.
        Raises DataError naming every file that is missing or differs, and where to put which file.
        """

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        """Read everything: {"train": Part} or {"train": Part, "test": Part}; any `image_size` can be asked for.

        Raises DataError naming the file that cannot be read, and the member of an archive.
        """


DATASETS: Registry[Dataset] = Registry("data set", "ablate.catalogue.datasets")
INVERTED = frozenset({"omniglot"})
"""Those whose files are dark on light and whose images are the negative of it."""
