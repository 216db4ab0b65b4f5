"""What is embedded, images or books: checks that backbone, augmentation and protocol of a study file go with its data set."""

from __future__ import annotations

from typing import Any

from ablate.catalogue.backbones import BACKBONES, takes_books
from ablate.catalogue.datasets import DATASETS, BookDataset, Dataset, holds_books
from ablate.catalogue.losses import CHOOSES_ITSELF, LOSSES
from ablate.errors import Fault
from ablate.study.yaml_lines import Document, Path, dotted, shown

FROM_SCRATCH = "none"
"""What `pretrained` of a backbone is by default."""


def check_items(document: Document, dataset: Dataset, faults: list[Fault]) -> None:
    """Append a fault for everything that asks books of images, or images of books."""
    checks = _Checks(document, faults, isinstance(dataset, BookDataset))
    checks.backbones()
    checks.protocol()
    if isinstance(dataset, BookDataset):
        checks.image_keys()
        checks.losses()
        checks.vocabulary(dataset)


def _levels(document: Document, slot: str) -> list[tuple[str, Path]]:
    """The names that stand in a slot of `space`, and where."""
    value, path = document.get("space", slot), ("space", slot)
    if isinstance(value, str):
        return [(value, path)]
    if isinstance(value, list):
        return [(name, (*path, index)) for index, name in enumerate(value) if isinstance(name, str)]
    return [(name, (*path, name)) for name in value] if isinstance(value, dict) else []


class _Checks:
    def __init__(self, document: Document, faults: list[Fault], books: bool) -> None:
        self.document, self.faults, self.books = document, faults, books
        self.name = document.get("data", "name")

    def fault(self, path: Path, what: str, mend: str) -> None:
        self.faults.append(Fault(self.document.where(path), f"{dotted(path)}: {what}", mend))

    def backbones(self) -> None:
        """Each embeds what the data set holds."""
        suited = [entry.name for entry in BACKBONES if takes_books(entry) == self.books]
        for name, path in _levels(self.document, "backbone"):
            if name in BACKBONES and takes_books(BACKBONES[name]) != self.books:
                kinds = ("images", "books") if self.books else ("books", "images")
                what = f"{name} embeds {kinds[0]}, but data set {self.name} holds {kinds[1]}"
                self.fault(path, what, f"take one of: {', '.join(suited)}")

    def protocol(self) -> None:
        """Books are judged by `pairs`, and nothing else is."""
        path = ("data", "protocol")
        protocol = self.document.get(*path, default="retrieval")
        if self.books and protocol != "pairs":
            what = f"{protocol} needs items of one class each, but a book of {self.name} belongs to all its readers"
            self.fault(path, what, "write protocol: pairs")
        elif not self.books and protocol == "pairs":
            names = [entry.name for entry in DATASETS if holds_books(entry)]
            what = f"pairs is for books and their readers, but data set {self.name} holds images"
            self.fault(path, what, f"write verification or retrieval, or take one of: {', '.join(names)}")

    def image_keys(self) -> None:
        """Sizes, views, turns and augmentations are of images."""
        keys: list[tuple[str, ...]] = [("data",), ("space",), ("ablation", "factors")]
        for key in ((*outer, "image_size") for outer in keys):
            if self.document.get(*key) is not None:
                self.fault(key, f"data set {self.name} holds books, which have no pixels", "remove it")
        for outer in keys[1:]:
            views = self.document.get(*outer, "views")
            if views not in (None, "one"):
                what = f"data set {self.name} holds books, which have one view: themselves"
                self.fault((*outer, "views"), what, "remove it")
        for switch, changed in (("rotate_classes", "turned"), ("mirror_classes", "mirrored")):
            if self.document.get("data", switch) is True:
                what = f"data set {self.name} holds books, which cannot be {changed}"
                self.fault(("data", switch), what, "remove it")
        for name, path in _levels(self.document, "augmentation"):
            if name != "none":
                self.fault(path, f"{name} changes images, but data set {self.name} holds books", "write none")

    def losses(self) -> None:
        """A book belongs to many readers: what pairs books by their labels alone would push a liked one away."""
        for name, path in _levels(self.document, "loss"):
            if name in CHOOSES_ITSELF:
                what = f"{name} {CHOOSES_ITSELF[name]}, so it would push away books that a reader liked"
                suited = [entry.name for entry in LOSSES if entry.name not in CHOOSES_ITSELF]
                self.fault(path, what, f"take one of: {', '.join(suited)}")

    def vocabulary(self, dataset: BookDataset) -> None:
        """Pretrained weights know tokens by their own numbers."""
        places: list[Path] = [(*path, "pretrained") for _, path in _levels(self.document, "backbone")]
        for path in (*places, ("ablation", "factors", "backbone.pretrained")):
            value: Any = self.document.get(*map(str, path))
            value = value.get("choice") if isinstance(value, dict) else value
            for weights in value if isinstance(value, list) else [value]:
                if isinstance(weights, str) and weights not in (FROM_SCRATCH, dataset.tokenizer):
                    what = (
                        f"{shown(weights)} has word pieces of its own, but data.params.tokenizer is {dataset.tokenizer}"
                    )
                    mend = f"write tokenizer: {weights} under data.params, or pretrained: {FROM_SCRATCH}"
                    self.fault(path, what, mend)
