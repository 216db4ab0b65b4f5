"""Data sets: one file each, found by being in this folder."""

from ablate.catalogue.datasets.book_dataset import BookDataset, holds_books, item_shape
from ablate.catalogue.datasets.dataset import DATASETS, INVERTED, Dataset, Part, SourceFile

__all__ = ["DATASETS", "INVERTED", "BookDataset", "Dataset", "Part", "SourceFile", "holds_books", "item_shape"]
