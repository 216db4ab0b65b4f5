"""What the pictures of a trial are drawn from, as plain arrays: numpy only, so that who draws them need not import torch.

Shapes: C points of the ROC curve, S pairs shown, M items of the sample, Q queries, K neighbours of each; H, W, C of an image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating[Any]]
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Roc:
    """How the pairs that judge the split part by their similarity."""

    thresholds: Numbers
    """[C], descending from infinity: a pair at or above is accepted."""
    fpr: Numbers
    """[C], share of the different pairs that are accepted."""
    tpr: Numbers
    """[C], share of the same pairs that are accepted."""
    auc: float
    threshold: float
    """Similarity from which a pair was called the same: chosen on validation."""
    at_threshold: tuple[float, float]
    """fpr and tpr there."""
    num_pairs: int


@dataclass(frozen=True, eq=False)
class PairGroup:
    """Pairs of one kind that were judged one way, and some of them to look at."""

    same: bool
    """Whether both items are of one class."""
    right: bool
    """Whether they were judged so."""
    count: int
    """All pairs of this group."""
    total: int
    """All pairs of this kind, however judged."""
    similarity: Numbers
    """[S], cosines, ascending; so much for those that are shown."""
    first: Images | None
    """[S, H, W, C]; None of books."""
    second: Images | None
    """[S, H, W, C]; None of books."""
    first_names: tuple[str, ...]
    """[S], of classes; of books titles."""
    second_names: tuple[str, ...]
    """[S]."""


@dataclass(frozen=True, eq=False)
class Projection:
    """The sample's embeddings on a plane."""

    method: str
    """PCA or t-SNE."""
    points: Numbers
    """[M, 2]."""
    note: str
    """What it shows of the embeddings, or how it was made."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Some items of some classes, projected."""

    labels: npt.NDArray[np.int64]
    """[M]."""
    num_items: int
    """Of the whole split."""
    num_classes: int
    """Of the whole split."""
    seed: int
    """That drew it."""
    projections: tuple[Projection, ...]
    names: Mapping[int, str] = field(default_factory=dict)
    """Label -> what people call it, where that is known."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What some queries find in their split, the most similar first."""

    queries: Images | None
    """[Q, H, W, C]; None of books."""
    found: Images | None
    """[Q, K, H, W, C]; None of books."""
    query_names: tuple[str, ...]
    """[Q], of classes; of books titles."""
    found_names: tuple[tuple[str, ...], ...]
    """[Q, K]."""
    similarity: Numbers
    """[Q, K], cosines."""
    right: npt.NDArray[np.bool_]
    """[Q, K]: of the query's class; of books, liked by a reader who liked the query, too."""
    num_items: int
    """Items that each query was compared with."""
    seed: int
    """That drew the queries."""


@dataclass(frozen=True, eq=False)
class Portrait:
    """One trial, seen by the weights of its best epoch on one split."""

    trial: str
    """Its id."""
    dataset: str
    split: str
    """val or test."""
    epoch: int
    """The best one."""
    roc: Roc | None = None
    pairs: tuple[PairGroup, ...] = ()
    sample: Sample | None = None
    neighbours: Neighbours | None = None
    notes: tuple[str, ...] = field(default=())
    """What there is no picture of, and why."""
