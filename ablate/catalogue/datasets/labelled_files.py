"""Labelled files: your own pictures in one folder, the class of each a part of its file name.

Where there are both `train/` and `test/`, they are the two parts.
"""

from __future__ import annotations

import re
from pathlib import Path

from ablate.catalogue.datasets.dataset import DATASETS, Dataset
from ablate.catalogue.datasets.image_folder import BOUNDS, PictureFolder, has_parts
from ablate.catalogue.datasets.labelled_pictures import Files, Rules, class_name
from ablate.catalogue.datasets.picture_files import enumerated
from ablate.errors import DataError

EXAMPLE = r"'^(\w+)_\d+\.jpg$', which finds Ann in Ann_3.jpg"


class LabelledFiles(PictureFolder):
    """Pictures at any depth below the folder; files whose names the pattern does not match are not part of the data set."""

    def __init__(self, path: str, pattern: str, rules: Rules) -> None:
        super().__init__("labelled_files", path, rules)
        where = "data set 'labelled_files': its params.pattern"
        if not pattern:
            raise DataError(f"{where} is missing\n  write data.params.pattern: {EXAMPLE}")
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise DataError(f"{where} is no regular expression: {error}\n  write one such as {EXAMPLE}") from None
        if groups != 1:
            raise DataError(
                f"{where} has {groups} groups, but one has to say which part of a file name is its class\n"
                f"  put that part into parentheses, as in {EXAMPLE}; others become (?:...)"
            )
        self.pattern = pattern

    def parts(self, folder: Path, names: list[str]) -> dict[str, Files]:
        found = [(name, re.search(self.pattern, name.rpartition("/")[2])) for name in names]
        files = [(name, class_name(match[1])) for name, match in found if match is not None and match[1]]
        if not files:
            raise DataError(
                f"data set 'labelled_files': the pattern {self.pattern} matches none of the {len(names)} pictures in "
                f"{folder}: {enumerated(names)}\n  write data.params.pattern: {EXAMPLE}"
            )
        if not has_parts(name for name, _ in files):
            return {"train": files}
        return {part: [file for file in files if file[0].startswith(f"{part}/")] for part in ("train", "test")}


@DATASETS.register("labelled_files", source="your own pictures; their terms are yours to know", bounds=BOUNDS)
def labelled_files(
    *, path: str = "", pattern: str = "", channels: int = 3, least_images: int = 2, most_broken: int = 0
) -> Dataset:
    """Pictures whose class the one group of a regular expression finds in their file names; 64x64 by default."""
    return LabelledFiles(path, pattern, Rules(channels, least_images, most_broken))
