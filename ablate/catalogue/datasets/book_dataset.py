"""A data set of books: what goodbooks and amazon_books share. A book is one row of numbers, laid out by its BookShape.

Readers are the classes: they rate books, and no reader is in two splits. Judged by protocol `pairs`.
Shapes: N books, W width of a row, R ratings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ablate.catalogue.backbones import BookShape, ImageShape, ItemShape
from ablate.catalogue.datasets.corpus import Corpus, category_ids, keep_ratings, standardised
from ablate.catalogue.datasets.dataset import Dataset, Part, SourceFile
from ablate.catalogue.datasets.source_files import WantedFile, find_source_files
from ablate.catalogue.datasets.word_pieces import load_word_pieces, token_rows, tokenizer_source, train_word_pieces
from ablate.catalogue.registry import Entry

OWN = "own"
"""A tokenizer trained on the corpus."""
BOUNDS = {
    "tokens": (4, 512),
    "vocabulary": (64, 100_000),
    "least_ratings": (2, 10_000),
    "most_readers": (0, 10_000_000),
}
"""Of the parameters that all data sets of books have."""


@dataclass
class BookDataset(ABC):
    """One part; the files may have any content, so long as it is what the columns promise."""

    tokens: int
    """Token ids of a book; longer texts are cut."""
    vocabulary: int
    """Most word pieces that are trained on the corpus."""
    tokenizer: str
    """`own`, or the folder or hub name of a pretrained network's."""
    least_ratings: int
    """Readers with fewer are left out."""
    most_readers: int
    """At most so many readers; 0: all."""

    name: ClassVar[str]
    files: ClassVar[Mapping[str, tuple[str, ...]]]
    """Key -> where the file may lie below the data folder."""
    categories: ClassVar[tuple[int, ...]]
    """How many values each category has, 0 for unknown or rare among them."""
    image_size = 0
    channels = 0
    num_classes = None
    disjoint_parts = False

    @property
    @abstractmethod
    def num_numbers(self) -> int:
        """How many numbers a book has."""

    @abstractmethod
    def read(self, paths: Mapping[str, Path]) -> tuple[Corpus, tuple[str, ...]]:
        """Books and ratings as the files have them, and a sentence on each thing that was left out. Raises DataError."""

    @property
    def shape(self) -> BookShape:
        """Of a row; reads a tokenizer that is named."""
        own = self.tokenizer == OWN
        vocabulary = self.vocabulary if own else load_word_pieces(self.tokenizer).get_vocab_size()
        return BookShape(self.tokens, vocabulary, self.num_numbers, self.categories)

    def find(self, root: Path, *, download: bool = False) -> dict[str, SourceFile]:
        wanted = {key: WantedFile(places, md5s=()) for key, places in self.files.items()}
        found = find_source_files(self.name, root, wanted, download=None)
        return found if self.tokenizer == OWN else found | {"tokenizer": tokenizer_source(self.tokenizer)}

    def decode(self, root: Path, image_size: int) -> dict[str, Part]:
        corpus, notes = self.read({key: source.path for key, source in self.find(root).items()})
        corpus, more = keep_ratings(corpus, least_ratings=self.least_ratings, most_readers=self.most_readers)
        own = self.tokenizer == OWN
        pieces = train_word_pieces(corpus.texts, self.vocabulary) if own else load_word_pieces(self.tokenizer)
        words = zip(*corpus.categories, strict=True)
        columns = [category_ids(list(each), size) for each, size in zip(words, self.categories, strict=True)]
        rows = np.concatenate(
            [token_rows(pieces, corpus.texts, self.tokens), standardised(corpus.numbers), np.stack(columns, axis=1)],
            axis=1,
        )
        assert rows.shape[1] == self.shape.width, (
            f"{self.name}: a row of {rows.shape[1]} numbers, not {self.shape.width}"
        )
        _, readers = np.unique(corpus.readers, return_inverse=True)
        order = np.lexsort((corpus.books, readers))
        ratings = np.stack([corpus.books, corpus.stars], axis=1)[order]
        part = Part(
            rows.astype(np.float32),
            readers[order].astype(np.int64),
            ratings=ratings,
            notes=(*notes, *more),
            names={row: fields[0] for row, fields in enumerate(corpus.texts)},
        )
        return {"train": part}


def item_shape(dataset: Dataset, image_size: int) -> ItemShape:
    """Of what a data set holds; images at this size."""
    return dataset.shape if isinstance(dataset, BookDataset) else ImageShape(dataset.channels, image_size)


def holds_books(dataset: Entry) -> bool:
    """Whether its items are books; told without building it, which some data sets refuse before they are given a folder."""
    return "tokenizer" in dataset.parameters
