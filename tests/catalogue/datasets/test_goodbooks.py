"""goodbooks: the real files where ABLATE_DATA names them, small ones for every rule."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ablate.catalogue.datasets import DATASETS, Part
from ablate.errors import DataError
from ablate.study.splits import make_splits
from ablate.training.cache import load
from tests.catalogue.datasets.books import write, write_goodbooks

BOOKS: list[dict[str, object]] = [
    {
        "book_id": 1,
        "title": "None (Sagan om Ö, #2)",
        "authors": "Åsa Öberg, Бо",
        "original_publication_year": "1999.0",
        "language_code": "eng",
        "books_count": 7,
    },
    {"book_id": 2, "title": "The Sea", "authors": "Bo", "original_publication_year": "", "books_count": 1},
    {
        "book_id": 3,
        "title": "三体",
        "authors": "刘慈欣",
        "original_publication_year": "2008",
        "language_code": "eng",
        "books_count": 3,
    },
    {
        "book_id": 4,
        "title": "Unrated",
        "authors": "Cy",
        "original_publication_year": "2000",
        "language_code": "fre",
        "books_count": 1,
    },
]
GENRES = {"1": "fantasy,epic-fantasy,ya-fantasy,ya", "2": "sea,non-fiction", "3": "science-fiction", "4": "horror"}
RATINGS: list[tuple[object, object, object]] = [
    ("ann", 1, 5), ("ann", 2, 4), ("ann", 3, 1), ("bo", 1, 4), ("bo", 3, 5), ("cy", 2, 5), ("cy", 3, 2),
]  # fmt: skip


def decoded(root: Path, **params: object) -> Part:
    dataset = DATASETS["goodbooks"].build(tokens=16, vocabulary=256, **params)
    part: Part = dataset.decode(root, 0)["train"]
    return part


def test_a_row_holds_tokens_then_numbers_then_categories(tmp_path: Path) -> None:
    part = decoded(write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS))
    shape = DATASETS["goodbooks"].build(tokens=16, vocabulary=256).shape
    assert part.images.shape == (3, shape.width) and part.images.dtype == np.float32
    tokens, numbers, categories = np.split(part.images, [shape.tokens, shape.tokens + shape.numbers], axis=1)
    assert (tokens == tokens.astype(int)).all() and tokens.min() >= 0 and tokens.max() < shape.vocabulary
    assert (tokens[:, 0] == 2).all(), "a text begins with [CLS]"
    np.testing.assert_allclose(numbers.mean(axis=0), 0, atol=1e-6)
    ages = np.log([2018 - 1999, 2018 - 2008])  # the year of the second book is not known: it is 0, the mean
    expected = (ages - ages.mean()) / ages.std()
    np.testing.assert_allclose(numbers[[0, 2, 1], 0].astype(float), np.append(expected, 0.0), rtol=1e-5)
    # one language; genres fantasy, nonfiction and science, each once and so by name ("fiction" says little of book 3)
    assert categories.tolist() == [[1, 1], [0, 2], [1, 3]]


def test_liked_and_disliked_come_out_as_they_were_written(tmp_path: Path) -> None:
    part = decoded(write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS))
    assert part.ratings is not None
    assert part.labels.tolist() == [0, 0, 0, 1, 1]
    assert part.ratings.tolist() == [[0, 5], [1, 4], [2, 1], [0, 4], [2, 5]]
    assert part.notes == ("left out: 1 readers with fewer than 2 ratings or 2 books liked",), "cy likes one book"


def test_letters_of_any_script_are_word_pieces(tmp_path: Path) -> None:
    """With 256 pieces and 4 books no letter is rare enough to be left out: nothing is unknown."""
    part = decoded(write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS))
    assert (part.images[:, :16] != 1).all()
    assert len({tuple(row) for row in part.images[:, :16].tolist()}) == 3


def test_a_rating_that_is_not_there_or_of_nothing_known_is_left_out_and_counted(tmp_path: Path) -> None:
    more = [*RATINGS, ("dy", 1, "NaN"), ("dy", 2, ""), ("", 1, 5), ("ann", 99, 5)]
    part = decoded(write_goodbooks(tmp_path, BOOKS, GENRES, more))
    assert part.notes[0] == "left out: 4 ratings without a number, a reader or a known book"
    assert part.ratings is not None and len(part.ratings) == 5


def test_of_two_ratings_of_a_book_the_last_counts(tmp_path: Path) -> None:
    part = decoded(write_goodbooks(tmp_path, BOOKS, GENRES, [*RATINGS, ("ann", 3, 5)]))
    assert part.ratings is not None and part.ratings[2].tolist() == [2, 5]
    assert part.notes[0] == "left out: 1 ratings of a book that their reader rated again later"


def test_at_most_so_many_readers_are_taken_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    ratings = [(f"reader {r}", book, 5) for r in range(30) for book in (1, 2)]
    parts = []
    for name, rows in (("as it is", ratings), ("backwards", ratings[::-1])):
        root = write_goodbooks(tmp_path / name, BOOKS, GENRES, list(rows))
        parts.append(decoded(root, most_readers=10))
    assert len(set(parts[0].labels.tolist())) == 10
    assert np.array_equal(parts[0].labels, parts[1].labels)
    assert "left out: 20 readers beyond most_readers, 10" in parts[0].notes


@pytest.mark.parametrize(
    ("rating", "message"),
    [
        ("five", r"row 8: rating is 'five', which is no number"),
        ("3.5", r"row 8: rating is 3.5\n  ratings are 1, 2, 3, 4 or 5"),
        ("0", r"row 8: rating is 0\n"),
        ("inf", r"row 8: rating is inf\n"),
    ],
)
def test_a_rating_of_another_scale_is_refused_with_its_row(tmp_path: Path, rating: str, message: str) -> None:
    root = write_goodbooks(tmp_path, BOOKS, GENRES, [*RATINGS, ("dy", 1, rating)])
    with pytest.raises(DataError, match=message):
        decoded(root)


def test_missing_columns_are_all_named_beside_those_that_were_found(tmp_path: Path) -> None:
    root = write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS)
    write(root / "goodbooks" / "ratings.csv", ("reader", "book_id", "stars"), [{"reader": 1, "book_id": 1, "stars": 5}])
    with pytest.raises(DataError, match=r"ratings.csv has no column user_id, rating; it has reader, book_id, stars\n"):
        decoded(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"cannot be read as CSV \(No columns to parse from file\)"),
        (b"user_id,book_id,rating\n", "has a header and no rows"),
        ("user_id,book_id,rating\nÅsa,1,5\n".encode("latin-1"), r"cannot be read as CSV \('utf-8' codec"),
    ],
    ids=["empty", "header alone", "no UTF-8"],
)
def test_a_file_without_ratings_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    root = write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS)
    (root / "goodbooks" / "ratings.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        decoded(root)


def test_a_damaged_packed_file_is_refused_by_name(tmp_path: Path) -> None:
    root = write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS)
    whole = gzip.compress((root / "goodbooks" / "ratings.csv").read_bytes())
    (root / "goodbooks" / "ratings.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(DataError, match=r"ratings.csv.gz cannot be read as CSV"):
        decoded(root)


def test_readers_of_one_liked_book_alone_leave_nothing_to_learn(tmp_path: Path) -> None:
    root = write_goodbooks(tmp_path, BOOKS, GENRES, [("ann", 1, 5), ("ann", 2, 2), ("bo", 1, 4)])
    with pytest.raises(DataError, match="no reader has 2 ratings and 2 books of 4 or 5 stars"):
        decoded(root)


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        DATASETS["goodbooks"].build().find(tmp_path)
    assert str(refusal.value).count(f"\n  {tmp_path}/goodbooks/") == 3


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Part:
    """The real set, decoded once for the tests below."""
    import os

    root = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))
    if not (root / "goodbooks").is_dir():
        pytest.skip("set ABLATE_DATA to a folder with goodbooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABLATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return load("goodbooks", DATASETS["goodbooks"].build(), root, 0).parts["train"]


@pytest.mark.slow  # reads 199,190 ratings and trains word pieces on 8,966 books
def test_the_published_sample_has_its_published_numbers(real: Part) -> None:
    assert real.ratings is not None
    assert len(real.images) == 8966 and len(np.unique(real.labels)) == 1972 - 1, "one reader likes fewer than two books"
    stars = np.bincount(real.ratings[:, 1], minlength=6)[1:]
    published = np.array([4306, 12434, 45963, 70817, 65670])
    assert ((published - stars) >= 0).all() and (published - stars).sum() == 199_190 - len(real.ratings) < 182
    assert (real.images[:, :48] > 0).sum(axis=1).mean() > 20, "texts are more than their titles"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_reader_is_in_two_splits_and_every_rating_is_in_one(real: Part, seed: int) -> None:
    splits = make_splits({"train": real.labels}, protocol="pairs", disjoint_parts=False, seed=seed, test_seed=7)
    rows = [split.indices for split in (splits.train, splits.val, splits.test)]
    train, val, test = (set(real.labels[indices].tolist()) for indices in rows)
    assert not train & val and not train & test and not val & test
    assert np.array_equal(np.sort(np.concatenate(rows)), np.arange(len(real.labels)))
    other = make_splits({"train": real.labels}, protocol="pairs", disjoint_parts=False, seed=seed + 1, test_seed=7)
    assert np.array_equal(other.test.indices, splits.test.indices), "the test is drawn by a seed of its own"
    assert not np.array_equal(other.val.indices, splits.val.indices)


def test_two_processes_decode_the_same_bytes(tmp_path: Path) -> None:
    """The trainer of word pieces, left to itself, numbers letters by a hash that differs from process to process."""
    root = write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS)
    code = (
        "import sys, hashlib; from pathlib import Path; from ablate.catalogue.datasets import DATASETS;"
        "part = DATASETS['goodbooks'].build(vocabulary=256).decode(Path(sys.argv[1]), 0)['train'];"
        "print(hashlib.sha256(part.images.tobytes()).hexdigest())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1] and len(runs[0].strip()) == 64


def test_popularity_adds_numbers_that_are_over_all_readers(tmp_path: Path) -> None:
    root = write_goodbooks(tmp_path, BOOKS, GENRES, RATINGS)
    columns = [*BOOKS[0], "average_rating", "ratings_count", "work_text_reviews_count"]
    more = [{**book, "average_rating": 3.5, "ratings_count": 10, "work_text_reviews_count": 2} for book in BOOKS]
    write(root / "goodbooks" / "books.csv", columns, more)
    assert decoded(root, popularity=True).images.shape[1] == decoded(root).images.shape[1] + 3
