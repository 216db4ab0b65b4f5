"""Ratings: which reader gave which book how many stars, and what follows from it.

Liked is 4 or 5 stars, disliked 1 or 2; 3 is neither: such a book makes no pair, and nothing pushes it away. Unread is what a
reader has not rated. Shapes: R ratings, B samples of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Int
from torch import Tensor

LEAST_LIKED, MOST_DISLIKED = 4, 2
"""Stars."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """All ratings of some readers, the dislikes among them."""

    reader: Int[Tensor, "R"]
    """Ascending."""
    book: Int[Tensor, "R"]
    """Of one reader ascending: a book is rated once."""
    stars: Int[Tensor, "R"]
    """1 to 5."""
    num_books: int
    """Books there are, rated by these readers or by others."""

    @property
    def liked(self) -> Bool[Tensor, "R"]:
        """4 or 5 stars."""
        return self.stars >= LEAST_LIKED

    @property
    def disliked(self) -> Bool[Tensor, "R"]:
        """1 or 2 stars."""
        return self.stars <= MOST_DISLIKED

    def spared(self, reader: Int[Tensor, "B"], book: Int[Tensor, "B"]) -> Bool[Tensor, "B B"]:
        """Which two samples, each a book that its reader liked, are no negative pair though their readers differ.

        For the reader of one has rated the other's book, too, and did not dislike it: then both are of that reader's taste
        (the same book liked by both among them), or nothing is known. Symmetric.
        """
        key = reader[:, None] * self.num_books + book[None, :]
        place = torch.searchsorted(self._not_disliked, key).clamp_(max=len(self._not_disliked) - 1)
        known = self._not_disliked[place] == key
        return (known | known.T) & (reader[:, None] != reader)

    @cached_property
    def _not_disliked(self) -> Int[Tensor, "R"]:
        """reader x books + book, ascending, of 3 stars and more: a table of all readers and books would not fit memory."""
        return (self.reader * self.num_books + self.book)[~self.disliked]
