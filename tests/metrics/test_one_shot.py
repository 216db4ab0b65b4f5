"""Episodes: what they draw, and accuracy against a loop over them; ties, chance, chunks."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats
from torch import Tensor

from ablate.metrics.one_shot import TIE, Episodes, one_shot_accuracy, sample_episodes

SIZES = [6] * 6 + [2, 3, 14, 1]


def clustered(sizes: list[int], *, seed: int = 0, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    """Vectors of any length around class centres, in random order; the noise mixes the classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(sizes)) * 7 - 3, torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(7 * len(sizes), 8, generator=generator)
    return centres[labels + 3] + noise * torch.randn(len(labels), 8, generator=generator), labels


def by_loop(embeddings: Tensor, labels: Tensor, episodes: Episodes) -> float:
    """The definition, query by query, in doubles."""
    scores = []
    for support, query in zip(episodes.support.tolist(), episodes.query.tolist(), strict=True):
        prototypes = {}
        for examples in support:
            unit = [embeddings[item].double() / embeddings[item].double().norm() for item in examples]
            mean = sum(unit[1:], unit[0]) / len(unit)
            prototypes[int(labels[examples[0]])] = mean / mean.norm()
        for item in query:
            of_query = embeddings[item].double() / embeddings[item].double().norm()
            similarity = {label: float(of_query @ prototype) for label, prototype in prototypes.items()}
            nearest = [label for label, value in similarity.items() if value >= max(similarity.values()) - TIE]
            scores.append((int(labels[item]) in nearest) / len(nearest))
    return sum(scores) / len(scores)


@pytest.mark.parametrize(("ways", "shots"), [(2, 1), (6, 1), (9, 1), (5, 2), (7, 5), (1, 13)])
def test_an_episode_has_distinct_classes_and_distinct_items_of_each(ways: int, shots: int) -> None:
    _, labels = clustered(SIZES)
    episodes = sample_episodes(labels, ways=ways, shots=shots, num_episodes=200, seed=0)
    assert episodes.support.shape == (200, ways, shots) and episodes.query.shape == (200, ways)
    for support, query in zip(episodes.support, episodes.query, strict=True):
        classes = labels[query]
        assert len(set(classes.tolist())) == ways
        assert torch.equal(labels[support], classes[:, None].expand(ways, shots))
        assert len({*support.flatten().tolist(), *query.tolist()}) == ways * (shots + 1)


def test_every_class_and_every_item_of_it_is_drawn_equally_often() -> None:
    _, labels = clustered([3] * 4 + [9] * 4 + [1])
    episodes = sample_episodes(labels, ways=3, shots=2, num_episodes=12_000, seed=1)
    classes = labels[episodes.query].flatten()
    counts = torch.unique(classes, return_counts=True)[1]
    assert len(counts) == 8, "the class of one item takes no part"
    # classes of one episode exclude each other, which only evens them out: the test is on the safe side
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3
    for label in counts.new_tensor(sorted(set(classes.tolist()))):
        places = labels[episodes.query] == label
        for drawn in (episodes.query[places], episodes.support[places][:, 0], episodes.support[places][:, 1]):
            of_item = torch.unique(drawn, return_counts=True)[1]
            assert len(of_item) == int((labels == label).sum())
            assert stats.chisquare(of_item.numpy()).pvalue > 1e-4


def test_the_same_seed_draws_the_same_episodes_and_another_others() -> None:
    _, labels = clustered(SIZES)
    first, again, other = (sample_episodes(labels, ways=5, shots=1, num_episodes=20, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.support, again.support) and torch.equal(first.query, again.query)
    assert not torch.equal(first.query, other.query)


@pytest.mark.parametrize(("ways", "shots"), [(10, 1), (9, 2), (2, 13)])
def test_too_few_classes_with_enough_items_are_refused(ways: int, shots: int) -> None:
    _, labels = clustered(SIZES)
    with pytest.raises(ValueError, match=rf"need {ways} classes of {shots + 1} items, but there are \d\n  set ways"):
        sample_episodes(labels, ways=ways, shots=shots, num_episodes=1, seed=0)


@pytest.mark.parametrize(("ways", "shots"), [(2, 1), (7, 1), (5, 2), (6, 4)])
@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_accuracy_matches_a_loop_over_the_queries(ways: int, shots: int, chunk: int | None) -> None:
    embeddings, labels = clustered(SIZES)
    episodes = sample_episodes(labels, ways=ways, shots=shots, num_episodes=40, seed=0)
    expected = by_loop(embeddings, labels, episodes)
    assert one_shot_accuracy(embeddings, episodes, chunk=chunk) == pytest.approx(expected, abs=1e-9)
    assert 1 / ways < expected < 1, "the example is too easy or too hard to show a difference"


@pytest.mark.parametrize("ways", [2, 5, 9])
@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("spread", [0.0, 1e-9])
def test_embeddings_that_have_collapsed_score_chance(ways: int, shots: int, spread: float) -> None:
    """Whatever the rounding of a matrix product makes of equal similarities."""
    _, labels = clustered([6] * 9)
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(1, 67, generator=generator) + spread * torch.randn(len(labels), 67, generator=generator)
    episodes = sample_episodes(labels, ways=ways, shots=shots, num_episodes=300, seed=0)
    assert one_shot_accuracy(embeddings, episodes) == pytest.approx(1 / ways, abs=1e-12)


def test_embeddings_that_know_nothing_score_about_chance() -> None:
    _, labels = clustered([20] * 50)
    embeddings = torch.randn(1000, 16, generator=torch.Generator().manual_seed(5))
    episodes = sample_episodes(labels, ways=5, shots=1, num_episodes=4000, seed=0)
    # 1,000 items are behind the 20,000 queries: their standard error is that of some 1,000 independent ones
    assert one_shot_accuracy(embeddings, episodes) == pytest.approx(0.2, abs=4 * math.sqrt(0.2 * 0.8 / 1000))


def test_classes_at_right_angles_score_one_and_lengths_do_not_count() -> None:
    _, labels = clustered([6] * 8)
    lengths = torch.rand(len(labels), 1, generator=torch.Generator().manual_seed(0)) + 0.1
    episodes = sample_episodes(labels, ways=8, shots=3, num_episodes=10, seed=0)
    assert one_shot_accuracy(torch.eye(8)[(labels + 3) // 7] * lengths, episodes) == 1.0


def test_two_equally_near_classes_share_a_query() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    episodes = Episodes(torch.tensor([[[0], [1], [2]]]), torch.tensor([[3, 4, 5]]))
    assert one_shot_accuracy(embeddings, episodes) == pytest.approx((0.5 + 0.5 + 1) / 3)


def test_embeddings_that_are_not_finite_are_refused() -> None:
    embeddings, labels = clustered(SIZES)
    episodes = sample_episodes(labels, ways=2, shots=1, num_episodes=1, seed=0)
    embeddings[0, 0] = math.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        one_shot_accuracy(embeddings, episodes)
