"""A corpus of books: what its files say of each book, and which reader rated which; and the rules by which ratings are kept.

Shapes: N books, M numbers, K categories, R ratings.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ablate.errors import DataError

Ints = npt.NDArray[np.int64]
LIKED = 4
"""Stars from which a book is liked."""
LEAST_LIKED = 2
"""Books that a reader must like: with one there is no pair, and nothing to find it by when it is held out."""


@dataclass(frozen=True)
class Corpus:
    """Books and ratings."""

    texts: list[tuple[str, ...]]
    """[N], of each book its fields, the title first, then such as authors and genres."""
    numbers: npt.NDArray[np.float64]
    """[N, M], NaN where one is not known."""
    categories: list[tuple[str, ...]]
    """[N], of each book K words; empty where one is not known."""
    readers: npt.NDArray[np.str_]
    """[R], who rated."""
    books: Ints
    """[R], which book."""
    stars: Ints
    """[R], 1 to 5."""

    def rated(self, kept: npt.NDArray[np.bool_] | Ints) -> Corpus:
        """With some of the ratings, and with all books."""
        return replace(self, readers=self.readers[kept], books=self.books[kept], stars=self.stars[kept])


def keep_ratings(corpus: Corpus, *, least_ratings: int, most_readers: int) -> tuple[Corpus, tuple[str, ...]]:
    """What is learned from, and a sentence on each thing that was left out.

    Of several ratings of a book by one reader the last in the file counts. Left out are then readers with fewer than
    `least_ratings`, or with fewer than two books liked; of more than `most_readers` (0: no limit) those whose digest is
    larger stay away, whatever the order of the file; and at last the books that nobody rated.
    """
    last = _last_of_each(corpus)
    notes = _note(len(corpus.books) - len(last), "ratings of a book that their reader rated again later")
    corpus = corpus.rated(last)
    names, reader = np.unique(corpus.readers, return_inverse=True)
    ratings = np.bincount(reader, minlength=len(names))
    liked = np.bincount(reader[corpus.stars >= LIKED], minlength=len(names))
    enough = (ratings >= least_ratings) & (liked >= LEAST_LIKED)
    notes += _note(
        int((~enough).sum()), f"readers with fewer than {least_ratings} ratings or {LEAST_LIKED} books liked"
    )
    if most_readers and enough.sum() > most_readers:
        order = sorted(np.flatnonzero(enough), key=lambda i: hashlib.md5(str(names[i]).encode()).digest())
        notes += _note(len(order) - most_readers, f"readers beyond most_readers, {most_readers:,}")
        enough[order[most_readers:]] = False
    corpus = corpus.rated(enough[reader])
    if len(corpus.books) == 0:
        raise DataError(
            f"no reader has {least_ratings} ratings and {LEAST_LIKED} books of {LIKED} or 5 stars: nothing can be learned\n"
            "  lower data.params.least_ratings, or take more ratings"
        )
    return _without_unrated_books(corpus), notes


def _note(number: int, what: str) -> tuple[str, ...]:
    return (f"left out: {number:,} {what}",) if number else ()


def _last_of_each(corpus: Corpus) -> Ints:
    """Of each reader and book the rating that comes last, in the order of the file."""
    _, reader = np.unique(corpus.readers, return_inverse=True)
    key = reader.astype(np.int64) * len(corpus.texts) + corpus.books
    _, first_from_behind = np.unique(key[::-1], return_index=True)
    return np.sort(len(key) - 1 - first_from_behind)


def _without_unrated_books(corpus: Corpus) -> Corpus:
    kept, books = np.unique(corpus.books, return_inverse=True)
    return replace(
        corpus,
        texts=[corpus.texts[i] for i in kept],
        numbers=corpus.numbers[kept],
        categories=[corpus.categories[i] for i in kept],
        books=books.astype(np.int64),
    )


def standardised(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """[N, M] with mean 0 and deviation 1 over the books; what is not known is 0, and so is what never differs."""
    known = np.isfinite(numbers)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, numbers, 0.0)
    mean = filled.sum(axis=0) / count
    centred = np.where(known, filled - mean, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / count)
    return np.asarray(centred / np.where(deviation > 1e-9, deviation, 1.0))


def category_ids(words: list[str], size: int) -> Ints:
    """[N], the most frequent words from 1 on; 0 for what is not known or beyond `size`. Of equally frequent ones by name."""
    counts = Counter(word for word in words if word)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - 1]
    ids = {word: 1 + index for index, word in enumerate(frequent)}
    return np.array([ids.get(word, 0) for word in words], dtype=np.int64)
