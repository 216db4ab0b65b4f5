"""goodbooks-10k: ratings of the 10,000 most rated books of a reading site, or a sample of its users.

Source: Zajac 2017 (github.com/zygmuntz/goodbooks-10k), CC BY-SA 4.0; book_genres.csv was derived from its readers' tags.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ablate.catalogue.datasets.book_dataset import BOUNDS, OWN, BookDataset
from ablate.catalogue.datasets.corpus import Corpus
from ablate.catalogue.datasets.csv_tables import numbers_of, read_csv, stars_of
from ablate.catalogue.datasets.dataset import DATASETS, Dataset
from ablate.errors import DataError

if TYPE_CHECKING:
    import pandas

BOOKS = ("book_id", "title", "authors", "original_publication_year", "language_code", "books_count")
POPULARITY = ("average_rating", "ratings_count", "work_text_reviews_count")
LAST_YEAR = 2017
"""Of the set: a book's age is counted from the year after."""
SAYS_LITTLE = frozenset({"fiction", "adult", "to", "read", "the", "of", "in", "and"})
"""Words of genre tags that are no genre."""


@dataclass
class Goodbooks(BookDataset):
    """Three files; see `goodbooks` for what is made of them."""

    popularity: bool
    """Whether a book's numbers hold what all readers of the site gave it."""

    name = "goodbooks"
    files = {  # noqa: RUF012  (typed by the base class)
        key: (f"goodbooks/{key}.csv.gz", f"goodbooks/{key}.csv") for key in ("ratings", "books", "book_genres")
    }
    categories = (16, 64)

    @property
    def num_numbers(self) -> int:
        return 8 if self.popularity else 5

    def read(self, paths: Mapping[str, Path]) -> tuple[Corpus, tuple[str, ...]]:
        books = read_csv(paths["books"], (*BOOKS, *(POPULARITY if self.popularity else ())))
        genres = _genres(read_csv(paths["book_genres"], ("book_id", "genres")))
        ids = {book: index for index, book in enumerate(books["book_id"])}
        if len(ids) < len(books):
            raise DataError(f"{paths['books']} has a book_id twice\n  each book has one row: remove the others")
        tags = [genres.get(book, ()) for book in books["book_id"]]
        table = read_csv(paths["ratings"], ("user_id", "book_id", "rating"))
        stars = stars_of(paths["ratings"], table, "rating")
        rated = np.array([ids.get(book, -1) for book in table["book_id"]], dtype=np.int64)
        named = (table["user_id"] != "").to_numpy(bool)
        usable = ~np.isnan(stars) & (rated >= 0) & named
        left = int((~usable).sum())
        notes = (f"left out: {left:,} ratings without a number, a reader or a known book",) if left else ()
        corpus = Corpus(
            texts=[
                (title, authors, " ".join(words))
                for title, authors, words in zip(books["title"], books["authors"], tags, strict=True)
            ],
            numbers=self._numbers(paths["books"], books),
            categories=[
                (language, next((word for word in words if word not in SAYS_LITTLE), ""))
                for language, words in zip(books["language_code"], tags, strict=True)
            ],
            readers=table["user_id"].to_numpy(np.str_)[usable],
            books=rated[usable],
            stars=stars[usable].astype(np.int64),
        )
        return corpus, notes

    def _numbers(self, path: Path, books: pandas.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        year = numbers_of(path, books, "original_publication_year")
        volume = books["title"].str.extract(r"#(\d+)", expand=False).fillna("0").to_numpy(np.float64)
        columns = [
            np.log(np.maximum(LAST_YEAR + 1 - year, 1)),
            np.isfinite(year).astype(np.float64),
            np.log1p(numbers_of(path, books, "books_count")),
            np.log1p(books["authors"].str.count(",").to_numpy(np.float64)),
            np.log1p(volume),
        ]
        if self.popularity:
            rating, *counts = (numbers_of(path, books, name) for name in POPULARITY)
            columns += [rating, *(np.log1p(count) for count in counts)]
        return np.stack(columns, axis=1)


def _genres(table: pandas.DataFrame) -> dict[str, tuple[str, ...]]:
    """Of each book the words of its genre tags, the one that most tags hold first, equally frequent ones by name.

    Tags are much alike (ya, ya-fantasy, young-adult-fantasy) and sorted by name: cut as they come, a text would lose its end.
    """
    found = {}
    for book, tags in zip(table["book_id"], table["genres"], strict=True):
        counts = Counter(
            word
            for tag in tags.replace("non-fiction", "nonfiction").split(",")
            for word in set(re.split(r"[^\w]+", tag))
            if len(word) > 1
        )
        found[book] = tuple(sorted(counts, key=lambda word: (-counts[word], word)))
    return found


@DATASETS.register(
    "goodbooks",
    bounds=BOUNDS,
    source="goodbooks-10k, Zajac 2017, CC BY-SA 4.0; put ratings, books and book_genres (.csv or .csv.gz) into goodbooks/",
)
def goodbooks(
    *,
    popularity: bool = False,
    tokens: int = 48,
    vocabulary: int = 4096,
    tokenizer: str = OWN,
    least_ratings: int = 2,
    most_readers: int = 0,
) -> Dataset:
    """Books with their readers' 1 to 5 stars: text, 5 numbers, language and main genre; protocol pairs.

    Text: title, authors, and the words of the genre tags. Numbers: log age, whether the year is known, log editions, log
    authors, log volume of a series. `popularity` adds average rating, log ratings and log reviews: these are over all
    readers of the site, so they hold a trace of the ratings that are held out. A rating without a number, a reader or a book of
    books.csv is left out; of several of one reader and book the last counts; so is a reader with fewer than two books liked.
    """
    return Goodbooks(tokens, vocabulary, tokenizer, least_ratings, most_readers, popularity)
