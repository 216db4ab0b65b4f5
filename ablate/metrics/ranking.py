"""Ranking: is a book that a reader liked found by the other books that this reader liked?

Source: leave-one-out evaluation of recommenders (Rendle et al. 2009, arXiv:1205.2618); NDCG, Jarvelin & Kekalainen 2002.
Shapes: N books, D embedding width, Q books of one reader that are held out together, M books that the reader rated.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ablate.metrics.ratings import Ratings

_CHUNK_BYTES = 64 * 2**20
_RANKS = 10


@torch.no_grad()
def leave_one_out_metrics(
    embeddings: Float[Tensor, "N D"], ratings: Ratings, *, chunk: int | None = None
) -> dict[str, float]:
    """recall_at_10 and ndcg_at_10, each in 0..1; means over a reader's liked books, then over readers.

    Each liked book in turn is held out: the mean of the others' embeddings, of length 1, is compared by cosine similarity with
    all books but those that the reader rated otherwise. Exact: no candidate is drawn. NDCG is 1 / log2(1 + rank) up to
    rank 10, for there is one right answer. Of equal similarities the held-out book ranks last: a constant embedding
    scores 0. Readers with fewer than two liked books are left out; ValueError where that leaves none, or an embedding
    is not finite. `chunk` is the number of held-out books ranked at once; None takes as many as fit 64 MiB.
    """
    if not embeddings.isfinite().all():
        raise ValueError("the embeddings hold NaN or infinity; nothing can be ranked\n  look for a diverged loss")
    books = torch.nn.functional.normalize(embeddings.float(), dim=1)
    rows = chunk or max(
        1, _CHUNK_BYTES // (5 * len(books))
    )  # 5: a similarity, and whether it is at least the held-out one's
    total, readers = torch.zeros(2, dtype=torch.float64, device=books.device), 0
    sizes = torch.unique_consecutive(ratings.reader, return_counts=True)[1].tolist()
    for rated, liked in zip(torch.split(ratings.book, sizes), torch.split(ratings.liked, sizes), strict=True):
        held_out = rated[liked]
        if len(held_out) >= 2:
            ranks = torch.cat([_ranks(books, part, held_out, rated) for part in torch.split(held_out, rows)])
            total += _scores(ranks).mean(dim=0)
            readers += 1
    if readers == 0:
        raise ValueError("no reader likes two books; nothing can be held out\n  take readers with more ratings")
    recall, ndcg = (total / readers).tolist()
    return {f"recall_at_{_RANKS}": recall, f"ndcg_at_{_RANKS}": ndcg}


def _ranks(
    books: Float[Tensor, "N D"], held_out: Int[Tensor, "Q"], liked: Int[Tensor, "L"], rated: Int[Tensor, "M"]
) -> Int[Tensor, "Q"]:
    """The rank of each held-out book, from 1, among itself and the books that the reader did not rate."""
    query = books[liked].sum(dim=0) - books[held_out]  # the sum ranks as the mean does
    similarity = query @ books.T
    own = similarity.gather(1, held_out[:, None])
    similarity[:, rated] = -math.inf
    return 1 + (similarity >= own).sum(dim=1)


def _scores(rank: Int[Tensor, "Q"]) -> Float[Tensor, "Q 2"]:
    """Recall and NDCG at 10."""
    found = rank <= _RANKS
    gain = torch.where(found, 1 / torch.log2(1 + rank.double()), 0.0)
    return torch.stack([found.double(), gain], dim=1)
