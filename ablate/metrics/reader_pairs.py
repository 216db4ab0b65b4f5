"""Pairs of books that judge embeddings by readers: two books that one reader liked, or one liked and one not.

Shapes: R ratings, P pairs, G readers.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ablate.metrics.ratings import Ratings
from ablate.metrics.verification import Pairs


def sample_reader_pairs(ratings: Ratings, *, num_pairs: int, seed: int) -> Pairs:
    """Half pairs of two liked books, a quarter liked and disliked, a quarter liked and unread; positives come first.

    Each pair is of one reader, drawn uniformly from those who have such a pair, so that heavy readers count no more than
    others; then its books, uniformly from that reader's. Where nobody has a disliked book, all negatives are unread,
    and the other way round. The same ratings and seed give the same pairs on every device; a pair may come twice.
    ValueError where one of the two kinds does not exist.
    """
    draw = torch.Generator().manual_seed(seed)
    shelves = _Shelves(ratings)
    half = num_pairs // 2
    disliked = (shelves.disliked.size > 0) & (shelves.liked.size > 0)
    unread = (shelves.unread > 0) & (shelves.liked.size > 0)
    if not (shelves.liked.size >= 2).any() or not (disliked | unread).any():
        raise ValueError(
            "the readers of a split do not make both kinds of pairs\n"
            "  protocol pairs needs a reader with two liked books, and one with a disliked or an unread one"
        )
    negatives = num_pairs - half
    num_disliked = negatives // 2 if disliked.any() and unread.any() else negatives * bool(disliked.any())
    positive = shelves.two_liked(_draw_readers(shelves.liked.size >= 2, half, draw), draw)
    first = shelves.liked_and_disliked(_draw_readers(disliked, num_disliked, draw), draw)
    second = shelves.liked_and_unread(_draw_readers(unread, negatives - num_disliked, draw), draw)
    books = torch.cat([positive, first, second], dim=1).to(ratings.book.device)
    return Pairs(books[0], books[1], torch.arange(num_pairs, device=books.device) < half)


def _draw_readers(able: Bool[Tensor, "G"], num: int, draw: torch.Generator) -> Int[Tensor, "P"]:
    readers = able.nonzero()[:, 0]
    return readers[torch.randint(len(readers), (num,), generator=draw)] if num else readers[:0]


def _below(limits: Int[Tensor, "P"], draw: torch.Generator) -> Int[Tensor, "P"]:
    """For each limit a whole number below it."""
    drawn = (torch.rand(len(limits), generator=draw, dtype=torch.float64) * limits).long()
    return torch.minimum(drawn, limits - 1)


class _Shelf:
    """Some ratings of all readers, sorted by reader: where each reader's begin, and how many there are."""

    def __init__(self, group: Int[Tensor, "R"], book: Int[Tensor, "R"], num_readers: int) -> None:
        self.book = book
        self.size = torch.bincount(group, minlength=num_readers)
        self.start = self.size.cumsum(0) - self.size

    def take(self, reader: Int[Tensor, "P"], place: Int[Tensor, "P"]) -> Int[Tensor, "P"]:
        return self.book[self.start[reader] + place]


class _Shelves:
    """What each reader liked, disliked and has not read; on the CPU."""

    def __init__(self, ratings: Ratings) -> None:
        _, group = torch.unique(ratings.reader.cpu(), return_inverse=True)
        readers, book = int(group.max()) + 1, ratings.book.cpu()
        liked, disliked = ratings.liked.cpu(), ratings.disliked.cpu()
        self.num_books = ratings.num_books
        self.liked = _Shelf(group[liked], book[liked], readers)
        self.disliked = _Shelf(group[disliked], book[disliked], readers)
        self.rated = _Shelf(group, book, readers)
        self.unread = ratings.num_books - self.rated.size
        place = torch.arange(len(book)) - self.rated.start[group]
        # before a reader's i-th rated book lie book[i] - i unread ones; reader after reader this never falls
        self.unread_before = group * ratings.num_books + book - place

    def two_liked(self, reader: Int[Tensor, "P"], draw: torch.Generator) -> Int[Tensor, "2 P"]:
        first = _below(self.liked.size[reader], draw)
        second = _below(self.liked.size[reader] - 1, draw)
        second += second >= first  # no book is paired with itself
        return torch.stack([self.liked.take(reader, first), self.liked.take(reader, second)])

    def liked_and_disliked(self, reader: Int[Tensor, "P"], draw: torch.Generator) -> Int[Tensor, "2 P"]:
        shelves = (self.liked, self.disliked)
        return torch.stack([shelf.take(reader, _below(shelf.size[reader], draw)) for shelf in shelves])

    def liked_and_unread(self, reader: Int[Tensor, "P"], draw: torch.Generator) -> Int[Tensor, "2 P"]:
        liked = self.liked.take(reader, _below(self.liked.size[reader], draw))
        number = _below(self.unread[reader], draw)
        rated = torch.searchsorted(self.unread_before, reader * self.num_books + number, right=True)
        return torch.stack([liked, number + rated - self.rated.start[reader]])
