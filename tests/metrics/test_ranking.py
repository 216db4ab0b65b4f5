"""Leave one out, against a loop over readers and books, and against scikit-learn's ndcg_score."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from torch import Tensor

from ablate.catalogue.metrics import METRICS
from ablate.metrics.ranking import leave_one_out_metrics
from ablate.metrics.ratings import Ratings


def ratings_of(rows: list[tuple[int, int, int]], num_books: int) -> Ratings:
    """From (reader, book, stars)."""
    table = torch.tensor(sorted(rows))
    return Ratings(table[:, 0], table[:, 1], table[:, 2], num_books)


def drawn(seed: int, *, readers: int, books: int, share: float) -> Ratings:
    draw = np.random.default_rng(seed)
    rows = [(r, b, int(draw.integers(1, 6))) for r in range(readers) for b in range(books) if draw.random() < share]
    return ratings_of(rows, books)


def slow(embeddings: Tensor, ratings: Ratings) -> tuple[float, float]:
    """Recall and NDCG at 10, one held-out book at a time."""
    unit = embeddings.double().numpy()
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    recalls, gains = [], []
    for reader in sorted(set(ratings.reader.tolist())):
        mine = ratings.reader == reader
        rated = ratings.book[mine].tolist()
        liked = [b for b, s in zip(rated, ratings.stars[mine].tolist(), strict=True) if s >= 4]
        if len(liked) < 2:
            continue
        recall, gain = [], []
        for held_out in liked:
            query = np.mean([unit[b] for b in liked if b != held_out], axis=0)
            candidates = [b for b in range(ratings.num_books) if b == held_out or b not in rated]
            similarity = [float(query @ unit[b]) for b in candidates]
            best = sorted(candidates, key=lambda b: -similarity[candidates.index(b)])[:10]
            recall.append(held_out in best)
            relevance = [[float(b == held_out) for b in candidates]]
            gain.append(ndcg_score(relevance, [similarity], k=10))
        recalls.append(np.mean(recall))
        gains.append(np.mean(gain))
    return float(np.mean(recalls)), float(np.mean(gains))


@pytest.mark.parametrize("seed", range(4))
def test_it_matches_a_loop_over_readers_and_books(seed: int) -> None:
    ratings = drawn(seed, readers=7, books=60, share=0.2)
    embeddings = torch.randn(60, 5, generator=torch.Generator().manual_seed(seed))
    found = leave_one_out_metrics(embeddings, ratings)
    assert (found["recall_at_10"], found["ndcg_at_10"]) == pytest.approx(slow(embeddings, ratings), abs=1e-6)
    assert 0 < found["ndcg_at_10"] < found["recall_at_10"] < 1


@pytest.mark.parametrize("chunk", [1, 3, None])
def test_the_size_of_a_chunk_changes_nothing(chunk: int | None) -> None:
    ratings, embeddings = drawn(0, readers=7, books=60, share=0.3), torch.randn(60, 5)
    whole = leave_one_out_metrics(embeddings, ratings, chunk=1000)
    assert leave_one_out_metrics(embeddings, ratings, chunk=chunk) == pytest.approx(whole)


def test_a_constant_embedding_finds_nothing() -> None:
    ratings = drawn(0, readers=7, books=60, share=0.3)
    assert leave_one_out_metrics(torch.ones(60, 4), ratings) == {"recall_at_10": 0.0, "ndcg_at_10": 0.0}


def test_books_that_the_reader_rated_otherwise_do_not_stand_in_the_way() -> None:
    """Books 2 to 13 lie nearer to the reader's taste than the held-out one, but were rated 1 or 3: they are no candidates."""
    embeddings = torch.cat([torch.tensor([[1.0, 0.0], [0.9, 0.4]]), torch.tensor([[0.99, 0.1]]).repeat(12, 1)])
    rated = [(0, 0, 5), (0, 1, 4), *((0, book, 1 + 2 * (book % 2)) for book in range(2, 14))]
    assert leave_one_out_metrics(embeddings, ratings_of(rated, 14)) == {"recall_at_10": 1.0, "ndcg_at_10": 1.0}
    unread = leave_one_out_metrics(embeddings, ratings_of(rated[:2], 14))
    assert unread == {"recall_at_10": 0.0, "ndcg_at_10": 0.0}


def test_every_reader_counts_the_same_however_many_books_are_liked() -> None:
    embeddings = torch.eye(40)
    embeddings[[0, 1]] = torch.eye(40)[0]  # reader 0 likes two equal books, reader 1 many that have nothing in common
    rows = [(0, 0, 5), (0, 1, 5), *((1, book, 5) for book in range(2, 22))]
    assert leave_one_out_metrics(embeddings, ratings_of(rows, 40))["recall_at_10"] == 0.5


def test_the_gain_falls_with_the_logarithm_of_the_rank() -> None:
    angles = torch.tensor(
        [0.0, 0.5, *(0.1 * i for i in range(1, 4))]
    )  # three unread books lie between the two liked ones
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    found = leave_one_out_metrics(embeddings, ratings_of([(0, 0, 4), (0, 1, 4)], 5))
    assert found["ndcg_at_10"] == pytest.approx(1 / math.log2(5))


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="no reader likes two books"):
        leave_one_out_metrics(torch.randn(3, 2), ratings_of([(0, 0, 5), (0, 1, 1), (1, 1, 5)], 3))
    with pytest.raises(ValueError, match="diverged"):
        leave_one_out_metrics(torch.full((3, 2), math.nan), ratings_of([(0, 0, 5), (0, 1, 5)], 3))


def test_the_catalogue_tells_recall_at_10_of_classes_and_of_held_out_books() -> None:
    summary = METRICS["recall_at_10"].summary
    assert "has the query's class" in summary and "in protocol pairs, a liked book" in summary
