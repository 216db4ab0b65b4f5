"""Amazon book reviews: the public CSVs Books_rating.csv (3 million reviews) and books_data.csv (212,404 titles).

Source: "Amazon Books Reviews" on Kaggle, reviews of McAuley et al. 2015 (arXiv:1506.04757) with details from Google Books.
Columns that are read, by these very names:
Books_rating.csv: Title, User_id, review/score, review/time (not: Id, Price, profileName, review/helpfulness,
review/summary, review/text: what a held-out reader wrote of a book must not be among its features);
books_data.csv: Title, description, authors, publisher, publishedDate, categories, and with `popularity` ratingsCount (not:
image, previewLink, infoLink).
"""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ablate.catalogue.datasets.book_dataset import BOUNDS, OWN, BookDataset
from ablate.catalogue.datasets.corpus import Corpus
from ablate.catalogue.datasets.csv_tables import numbers_of, read_csv, stars_of
from ablate.catalogue.datasets.dataset import DATASETS, Dataset

if TYPE_CHECKING:
    import pandas

REVIEWS = ("Title", "User_id", "review/score", "review/time")
DETAILS = ("Title", "description", "authors", "publisher", "publishedDate", "categories")
LAST_YEAR = 2023
"""Of publishedDate: a book's age is counted from the year after."""


@dataclass
class AmazonBooks(BookDataset):
    """Two files; a book is a title, for the same one is sold under many Ids."""

    popularity: bool
    """Whether ratingsCount is among a book's numbers."""

    name = "amazon_books"
    files = {  # noqa: RUF012  (typed by the base class)
        key: tuple(f"amazon_books/{stem}.csv{packed}" for packed in ("", ".gz"))
        for key, stem in (("ratings", "Books_rating"), ("books", "books_data"))
    }
    categories = (64, 64)

    @property
    def num_numbers(self) -> int:
        return 5 if self.popularity else 4

    def read(self, paths: Mapping[str, Path]) -> tuple[Corpus, tuple[str, ...]]:
        books = read_csv(paths["books"], (*DETAILS, *(("ratingsCount",) if self.popularity else ())))
        books = books.assign(Title=books["Title"].map(_plain)).query("Title != ''").drop_duplicates("Title")
        ids = {title: index for index, title in enumerate(books["Title"])}
        table = read_csv(paths["ratings"], REVIEWS)
        stars = stars_of(paths["ratings"], table, "review/score")
        rated = np.array([ids.get(_plain(title), -1) for title in table["Title"]], dtype=np.int64)
        usable = ~np.isnan(stars) & (rated >= 0) & (table["User_id"] != "").to_numpy(bool)
        left = int((~usable).sum())
        notes = (f"left out: {left:,} reviews without a score, a user or a title of books_data",) if left else ()
        time = np.nan_to_num(numbers_of(paths["ratings"], table, "review/time"), nan=-1.0)
        kept = np.flatnonzero(usable)
        kept = kept[np.argsort(time[kept], kind="stable")]  # the last of several reviews counts
        authors, genres = (books[name].map(_listed).to_list() for name in ("authors", "categories"))
        corpus = Corpus(
            texts=[
                (title, ", ".join(names), ", ".join(words), text)
                for title, names, words, text in zip(books["Title"], authors, genres, books["description"], strict=True)
            ],
            numbers=self._numbers(paths["books"], books, authors),
            categories=[
                (words[0] if words else "", publisher)
                for words, publisher in zip(genres, books["publisher"], strict=True)
            ],
            readers=table["User_id"].to_numpy(np.str_)[kept],
            books=rated[kept],
            stars=stars[kept].astype(np.int64),
        )
        return corpus, notes

    def _numbers(
        self, path: Path, books: pandas.DataFrame, authors: list[list[str]]
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        year = books["publishedDate"].str.extract(r"(\d{4})", expand=False).astype(float).to_numpy(np.float64)
        columns = [
            np.log(np.maximum(LAST_YEAR + 1 - year, 1)),
            np.isfinite(year).astype(np.float64),
            np.log1p([float(len(names)) for names in authors]),
            np.log1p(books["description"].str.len().to_numpy(np.float64)),
        ]
        if self.popularity:
            columns.append(np.log1p(numbers_of(path, books, "ratingsCount")))
        return np.stack(columns, axis=1)


def _plain(title: str) -> str:
    """One spelling of a title in both files: composed letters, single spaces."""
    return " ".join(unicodedata.normalize("NFC", title).split())


def _listed(text: str) -> list[str]:
    """The names in "['Ann', 'Bo']", as the file writes them; a text that is no such list is one name."""
    try:
        found = ast.literal_eval(text) if text.startswith("[") else [text]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # whatever literal_eval may raise
        found = [text]
    return [str(name) for name in found if str(name)]


@DATASETS.register(
    "amazon_books",
    bounds=BOUNDS,
    source="McAuley et al. 2015, by way of Kaggle (Amazon Books Reviews); the terms are those of your copy, look there. Put "
    f"Books_rating.csv ({', '.join(REVIEWS)}) and books_data.csv ({', '.join(DETAILS)}; with popularity ratingsCount) into "
    "amazon_books/",
)
def amazon_books(
    *,
    popularity: bool = False,
    tokens: int = 64,
    vocabulary: int = 8192,
    tokenizer: str = OWN,
    least_ratings: int = 5,
    most_readers: int = 5000,
) -> Dataset:
    """Books with their reviewers' 1 to 5 stars: text, 4 numbers, main category and publisher; protocol pairs.

    Text: title, authors, categories, description. Numbers: log age, whether the year is known, log authors, log length of the
    description; `popularity` adds log ratingsCount. A review without a score, a user, or a title that books_data.csv has, is
    left out; a score that is no whole number from 1 to 5 is refused. Titles are compared as composed unicode with single
    spaces; of rows with one title the first counts, of one user's reviews of one title the last by review/time.
    """
    return AmazonBooks(tokens, vocabulary, tokenizer, least_ratings, most_readers, popularity)
