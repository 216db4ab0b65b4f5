"""Pairs of books by reader: what may be drawn is listed by brute force on a small example."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch

from ablate.metrics.ratings import Ratings
from ablate.metrics.reader_pairs import sample_reader_pairs

STARS = {  # reader -> book -> stars, of 8 books
    3: {0: 5, 1: 4, 2: 3, 3: 1},
    5: {1: 4, 4: 5, 5: 5, 6: 2, 7: 1},
    9: {0: 4, 7: 5, 2: 3},
    12: {6: 5},
}
NUM_BOOKS = 8


def ratings() -> Ratings:
    table = torch.tensor(sorted((r, b, s) for r, shelf in STARS.items() for b, s in shelf.items()))
    return Ratings(table[:, 0], table[:, 1], table[:, 2], NUM_BOOKS)


def allowed() -> dict[str, dict[int, set[tuple[int, int]]]]:
    """Kind -> reader -> the pairs (first, second) that there are."""
    kinds: dict[str, dict[int, set[tuple[int, int]]]] = {"liked": {}, "disliked": {}, "unread": {}}
    for reader, shelf in STARS.items():
        for a, b in product(range(NUM_BOOKS), repeat=2):
            if a != b and shelf.get(a, 0) >= 4:
                second = shelf.get(b)
                kind = "unread" if second is None else "liked" if second >= 4 else "disliked" if second <= 2 else None
                if kind is not None:
                    kinds[kind].setdefault(reader, set()).add((a, b))
    return kinds


def drawn(num_pairs: int, seed: int = 0) -> dict[str, list[tuple[int, int]]]:
    pairs = sample_reader_pairs(ratings(), num_pairs=num_pairs, seed=seed)
    both = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    half, quarter = num_pairs // 2, num_pairs // 4
    assert pairs.same.tolist() == [True] * half + [False] * half
    return {"liked": both[:half], "disliked": both[half : half + quarter], "unread": both[half + quarter :]}


@pytest.mark.parametrize("kind", ["liked", "disliked", "unread"])
def test_exactly_the_pairs_that_the_rules_allow_are_drawn_and_each_reader_as_often(kind: str) -> None:
    found, by_reader = Counter(drawn(40_000)[kind]), allowed()[kind]
    expected: Counter[tuple[int, int]] = Counter()
    for pairs in by_reader.values():
        for pair in pairs:
            expected[pair] += 1 / len(by_reader) / len(pairs)  # type: ignore[assignment]
    assert set(found) == set(expected)
    total = sum(found.values())
    for pair, share in expected.items():
        deviation = np.sqrt(share * (1 - share) / total)
        assert abs(found[pair] / total - share) < 5 * deviation, (kind, pair)


def test_a_book_of_three_stars_is_in_no_pair() -> None:
    pairs = drawn(4000)
    assert (0, 2) not in {pair for kind in pairs.values() for pair in kind}, "reader 3 and 9 gave book 2 three stars"


def test_the_same_seed_gives_the_same_pairs_and_another_seed_others() -> None:
    assert drawn(400, seed=1) == drawn(400, seed=1) != drawn(400, seed=2)


def test_where_nobody_dislikes_anything_all_negatives_are_unread() -> None:
    table = torch.tensor([(0, 0, 5), (0, 1, 5), (1, 1, 4), (1, 2, 4)])
    pairs = sample_reader_pairs(Ratings(table[:, 0], table[:, 1], table[:, 2], 4), num_pairs=100, seed=0)
    unread = {(0, 2), (0, 3), (1, 2), (1, 3)} | {(1, 0), (2, 0), (1, 3), (2, 3)}
    assert set(zip(pairs.first[50:].tolist(), pairs.second[50:].tolist(), strict=True)) == unread


def test_readers_without_two_liked_books_make_no_pairs_and_that_is_said() -> None:
    table = torch.tensor([(0, 0, 5), (0, 1, 1), (1, 1, 4)])
    with pytest.raises(ValueError, match="a reader with two liked books"):
        sample_reader_pairs(Ratings(table[:, 0], table[:, 1], table[:, 2], 3), num_pairs=10, seed=0)


def test_spared_are_exactly_the_pairs_of_which_one_reader_does_not_dislike_both() -> None:
    samples = [(r, b) for r, shelf in STARS.items() for b, stars in shelf.items() if stars >= 4]
    reader, book = (torch.tensor(column) for column in zip(*samples, strict=True))
    found = ratings().spared(reader, book)
    for (i, (a, x)), (j, (b, y)) in product(enumerate(samples), repeat=2):
        expected = a != b and (STARS[a].get(y, 0) >= 3 or STARS[b].get(x, 0) >= 3)
        assert bool(found[i, j]) == expected, ((a, x), (b, y))
    assert found[samples.index((3, 1)), samples.index((5, 1))], "both like book 1"
