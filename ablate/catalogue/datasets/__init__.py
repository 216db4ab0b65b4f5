"""Data sets: one file each, found by being in this folder."""

from ablate.catalogue.datasets.dataset import DATASETS, Dataset, Part, SourceFile

__all__ = ["DATASETS", "Dataset", "Part", "SourceFile"]
