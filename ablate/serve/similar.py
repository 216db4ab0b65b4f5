"""What embeddings say of pictures: whether two are the same, and which are most similar to one.

Shapes: N embeddings of a gallery, K found, D embedding width; all embeddings have length 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablate.serve.model import Floats

MOST = 10
"""Pictures that are found."""


@dataclass(frozen=True)
class Match:
    """Two pictures compared."""

    similarity: float
    """Cosine, -1 to 1."""
    distance: float
    """Of the embeddings, 0 to 2."""
    same: bool
    """Whether the similarity reaches the model's threshold."""


def match(first: Floats, second: Floats, *, threshold: float) -> Match:
    """Two embeddings [D] compared; `threshold` is a cosine similarity."""
    one, other = first.astype(np.float64), second.astype(np.float64)
    similarity = float(one @ other)
    return Match(similarity, float(np.linalg.norm(one - other)), similarity >= threshold)


def nearest(query: Floats, gallery: Floats) -> npt.NDArray[np.int64]:
    """Positions [K] of the MOST nearest of `gallery` [N, D] to `query` [D], the nearest first; of equals the earlier."""
    return np.argsort(-(gallery @ query), kind="stable")[:MOST]
