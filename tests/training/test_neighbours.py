"""The nearest neighbours, against a loop over all items."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ablate.training.neighbours import draw_queries, nearest


def unit(num: int, width: int, seed: int) -> torch.Tensor:
    points = torch.randn(num, width, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(points, dim=1)


@pytest.mark.parametrize(("num", "most"), [(50, 10), (50, 49), (6, 10), (2, 10)])
def test_the_nearest_are_those_of_a_loop_over_all_other_items(num: int, most: int) -> None:
    embeddings, queries = unit(num, 5, seed=num), torch.tensor([1, 0])
    similarity, found = nearest(embeddings, queries, most=most)
    for row, query in enumerate(queries.tolist()):
        scored = [(float(embeddings[query].double() @ embeddings[i].double()), i) for i in range(num) if i != query]
        scored.sort(reverse=True)
        assert found[row].tolist() == [i for _, i in scored[:most]]
        assert similarity[row].tolist() == pytest.approx([cosine for cosine, _ in scored[:most]], abs=1e-6)


def test_a_query_does_not_find_itself_but_its_twin() -> None:
    embeddings = unit(8, 4, seed=0)
    embeddings[5] = embeddings[2]
    similarity, found = nearest(embeddings, torch.tensor([2]), most=3)
    assert int(found[0, 0]) == 5 and float(similarity[0, 0]) == pytest.approx(1)


def test_queries_are_of_different_classes_as_far_as_there_are_and_have_something_to_find() -> None:
    labels = np.array([7, 7, 7, 3, 5, 5, 5, 5, 9, 9])  # 3 is alone
    three = draw_queries(labels, most=3, seed=0)
    assert labels[three].tolist() == [5, 7, 9]
    eight = draw_queries(labels, most=8, seed=0)
    assert sorted(labels[eight].tolist()) == [5, 5, 5, 7, 7, 7, 9, 9]
    assert len(set(eight.tolist())) == 8
    assert len(draw_queries(labels, most=50, seed=0)) == 9


def test_the_same_seed_draws_the_same_queries_and_another_others() -> None:
    labels = np.repeat(np.arange(40), 20)
    draws = [draw_queries(labels, most=8, seed=seed).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_where_every_class_has_one_item_there_are_no_queries() -> None:
    assert draw_queries(np.arange(5), most=8, seed=0).tolist() == []
