"""Small files of books and readers, in the columns of the real ones."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

BOOK_COLUMNS = ("book_id", "title", "authors", "original_publication_year", "language_code", "books_count", "isbn")
REVIEW_COLUMNS = (
    *("Id", "Title", "Price", "User_id", "profileName"),
    *("review/helpfulness", "review/score", "review/time", "review/summary", "review/text"),
)
DETAIL_COLUMNS = (
    *("Title", "description", "authors", "image", "previewLink"),
    *("publisher", "publishedDate", "infoLink", "categories", "ratingsCount"),
)


def write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> None:
    """A CSV with these columns; what a row does not name is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_goodbooks(
    root: Path, books: list[dict[str, object]], genres: Mapping[str, str], ratings: list[tuple[object, object, object]]
) -> Path:
    """The three official files, unpacked; the data folder."""
    write(root / "goodbooks" / "books.csv", BOOK_COLUMNS, books)
    tags: list[dict[str, object]] = [{"book_id": book, "genres": words} for book, words in genres.items()]
    write(root / "goodbooks" / "book_genres.csv", ("book_id", "goodreads_book_id", "genres"), tags)
    columns = ("user_id", "book_id", "rating")
    write(root / "goodbooks" / "ratings.csv", columns, [dict(zip(columns, row, strict=True)) for row in ratings])
    return root


def write_amazon(root: Path, details: list[dict[str, object]], reviews: list[dict[str, object]]) -> Path:
    """Both files; the data folder."""
    write(root / "amazon_books" / "books_data.csv", DETAIL_COLUMNS, details)
    write(root / "amazon_books" / "Books_rating.csv", REVIEW_COLUMNS, reviews)
    return root
