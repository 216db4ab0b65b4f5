"""amazon_books, on small files with the public columns: the data folder need not have the three gigabytes."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from ablate.catalogue.datasets import DATASETS, Part, amazon_books
from ablate.errors import DataError
from ablate.summary.catalogue import as_text
from tests.catalogue.datasets.books import write, write_amazon

CAFE = "Café  Society"
DETAILS: list[dict[str, object]] = [
    {
        "Title": CAFE,
        "description": "Nights in a café.",
        "authors": "['Åsa Ö', 'Bo']",
        "publisher": "Norstedts",
        "publishedDate": "1999-05-01",
        "categories": "['Fiction']",
        "ratingsCount": "12.0",
    },
    {"Title": "Sea", "description": "", "authors": "[{[]: 1}]", "publishedDate": "19??", "categories": "['Science']"},
    {"Title": "Stone", "authors": "[broken", "publishedDate": "2003", "categories": "['Fiction']"},
    {"Title": "", "description": "no title"},
]


def review(user: str, title: str, score: object, time: object = 1) -> dict[str, object]:
    return {"Id": f"{user}{title}", "Title": title, "User_id": user, "review/score": score, "review/time": time}


REVIEWS = [
    review("ann", unicodedata.normalize("NFD", "Café Society"), "5.0"),
    review("ann", "Sea", "4.0"),
    review("ann", "Stone", "1.0", time=5),
    review("bo", "Sea", "5.0"),
    review("bo", "Stone", "4.0"),
    review("cy", "Sea", "5.0"),
]


def decoded(root: Path, **params: object) -> Part:
    dataset = DATASETS["amazon_books"].build(tokens=16, vocabulary=256, **{"least_ratings": 2, **params})
    part: Part = dataset.decode(root, 0)["train"]
    return part


def test_reviews_of_one_title_are_of_one_book_however_it_is_spelled(tmp_path: Path) -> None:
    part = decoded(write_amazon(tmp_path, DETAILS, REVIEWS))
    assert part.ratings is not None
    assert part.labels.tolist() == [0, 0, 0, 1, 1]
    assert part.ratings.tolist() == [[0, 5], [1, 4], [2, 1], [1, 5], [2, 4]]
    assert part.images.shape == (3, DATASETS["amazon_books"].build(tokens=16).shape.width)
    assert part.images[:, -2].tolist() == [1, 2, 1], "main category: Fiction is the most frequent"


def test_a_review_without_score_user_or_known_title_is_left_out_and_counted(tmp_path: Path) -> None:
    more = [review("dy", "Sea", "NaN"), review("", "Sea", "5.0"), review("dy", "Nowhere", 5), review("dy", "", 5)]
    part = decoded(write_amazon(tmp_path, DETAILS, [*REVIEWS, *more]))
    assert part.notes[0] == "left out: 4 reviews without a score, a user or a title of books_data"
    assert part.ratings is not None and len(part.ratings) == 5


def test_of_several_reviews_of_a_book_the_latest_counts_not_the_last_in_the_file(tmp_path: Path) -> None:
    part = decoded(write_amazon(tmp_path, DETAILS, [*REVIEWS, review("ann", "Stone", "5.0", time=2)]))
    assert part.ratings is not None and part.ratings[2].tolist() == [2, 1]
    later = decoded(write_amazon(tmp_path / "later", DETAILS, [*REVIEWS, review("ann", "Stone", "5.0", time=9)]))
    assert later.ratings is not None and later.ratings[2].tolist() == [2, 5]


def test_missing_columns_are_named_and_those_that_are_not_read_may_be_missing(tmp_path: Path) -> None:
    root = write_amazon(tmp_path, DETAILS, REVIEWS)
    whole = decoded(root)
    path = root / "amazon_books" / "Books_rating.csv"
    columns = ("Title", "User_id", "review/score", "review/time")
    write(path, columns, [{name: row[name] for name in columns} for row in REVIEWS])
    assert np.array_equal(decoded(root).images, whole.images)
    write(path, columns[:2], [{name: row[name] for name in columns[:2]} for row in REVIEWS])
    with pytest.raises(DataError, match=r"has no column review/score, review/time; it has Title, User_id\n"):
        decoded(root)


def test_whoever_has_the_files_finds_the_columns_that_they_need() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    for text in (as_text("datasets"), readme):
        for name in (
            "Books_rating.csv",
            "books_data.csv",
            "ratingsCount",
            *amazon_books.REVIEWS,
            *amazon_books.DETAILS,
        ):
            assert name in text
        assert "your copy" in text, "whose terms hold"


def test_a_score_of_another_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Books_rating.csv, row 7: review/score is 10\n"):
        decoded(write_amazon(tmp_path, DETAILS, [*REVIEWS, review("dy", "Sea", "10")]))


def test_what_readers_wrote_is_no_feature_of_a_book(tmp_path: Path) -> None:
    silent = decoded(write_amazon(tmp_path / "silent", DETAILS, REVIEWS))
    loud = [{**row, "review/text": "wonderful", "review/summary": "five stars"} for row in REVIEWS]
    assert np.array_equal(decoded(write_amazon(tmp_path / "loud", DETAILS, loud)).images, silent.images)


def test_the_count_of_all_ratings_is_read_only_where_it_is_asked_for(tmp_path: Path) -> None:
    root = write_amazon(tmp_path, DETAILS, REVIEWS)
    assert decoded(root, popularity=True).images.shape[1] == decoded(root).images.shape[1] + 1
