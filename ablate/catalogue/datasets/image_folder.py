"""Image folder: your own pictures, a folder for each class; a class is whatever the folder is called.

A picture counts at any depth below its class; hidden files and those that are no pictures are passed over. Where there are
both `train/` and `test/`, they are the two parts, and hold the class folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile
from ablate.catalogue.datasets.labelled_pictures import Files, Rules, class_name, read_parts
from ablate.catalogue.datasets.picture_files import SUFFIXES, digest_of, list_pictures
from ablate.errors import DataError

BOUNDS = {"channels": (1, 3), "least_images": (1, 10_000), "most_broken": (0, 1_000_000)}


class PictureFolder:
    """Pictures below one folder of the user's; what names their classes is up to the data set."""

    image_size = 64
    num_classes: Mapping[str, int] | None = None  # only the folder tells
    disjoint_parts = False

    def __init__(self, name: str, path: str, rules: Rules) -> None:
        if not path:
            raise DataError(f"data set '{name}': its params.path is missing\n  write data.params.path: FOLDER")
        if rules.channels not in (1, 3):
            raise DataError(f"data set '{name}': params.channels is {rules.channels}\n  write 1 for grey, 3 for colour")
        self.name, self.path, self.channels = name, path, rules.channels
        self.least_images, self.most_broken = rules.least_images, rules.most_broken

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        folder, names = self.pictures(root)
        return {"pictures": SourceFile(folder, digest_of(folder, names))}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        folder, names = self.pictures(root)
        files = self.parts(folder, names)
        parts = read_parts(folder, files, image_size, Rules(self.channels, self.least_images, self.most_broken))
        without = len(names) - sum(map(len, files.values()))
        if without:
            note = f"{folder}: {without} of {len(names)} pictures have no class by the rules of {self.name}: not used"
            parts["train"] = replace(parts["train"], notes=(*parts["train"].notes, note))
        return parts

    def parts(self, folder: Path, names: list[str]) -> dict[str, Files]:
        """The class of each picture, by the name of its folder."""
        if not has_parts(names):
            return {"train": [(name, class_name(name.partition("/")[0])) for name in names if "/" in name]}
        parts: dict[str, Files] = {}
        for part in ("train", "test"):
            inside = [name for name in names if name.startswith(f"{part}/") and name.count("/") > 1]
            parts[part] = [(name, class_name(name.split("/")[1])) for name in inside]
        return parts

    def pictures(self, root: Path) -> tuple[Path, list[str]]:
        """The folder and the names of its pictures. Raises DataError where there is none."""
        folder = root.expanduser().absolute() / Path(self.path).expanduser()
        mend = f"put it there, or write another data.params.path than {self.path}: relative to --data DIR, or absolute"
        if not folder.is_dir():
            why = "is no folder" if folder.exists() else "is missing"
            raise DataError(f"data set '{self.name}': {folder} {why}\n  {mend}")
        names = list_pictures(folder)
        if not names:
            raise DataError(f"data set '{self.name}': {folder} holds no picture ({', '.join(SUFFIXES)})\n  {mend}")
        return folder, names


def has_parts(names: Iterable[str]) -> bool:
    """Whether pictures with these names, relative to their folder, lie in `train/` and `test/`."""
    return {"train", "test"} <= {name.partition("/")[0] for name in names if "/" in name}


@DATASETS.register("image_folder", source="your own pictures; their terms are yours to know", bounds=BOUNDS)
def image_folder(*, path: str = "", channels: int = 3, least_images: int = 2, most_broken: int = 0) -> Dataset:
    """A folder of class folders below the data folder, or one for `train/` and one for `test/`; 64x64 by default."""
    return PictureFolder("image_folder", path, Rules(channels, least_images, most_broken))
