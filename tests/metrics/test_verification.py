"""Pairs, thresholds and the ROC curve against plain loops and against scikit-learn."""

from __future__ import annotations

import itertools

import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve
from torch import Tensor

from ablate.metrics import verification
from ablate.metrics.verification import Pairs, best_threshold, sample_pairs, verification_metrics


def noisy_pairs(num_pairs: int, *, num_levels: int, seed: int) -> tuple[Tensor, Tensor]:
    """Similarities rounded to `num_levels` steps, so that few levels mean many ties, higher for pairs of one class."""
    generator = torch.Generator().manual_seed(seed)
    same = torch.rand(num_pairs, generator=generator) < 0.4
    similarity = (torch.randn(num_pairs, generator=generator) + same).div(6).clamp(-1, 1)
    return (similarity * num_levels).round() / num_levels, same


EXAMPLES = [noisy_pairs(p, num_levels=n, seed=s) for s, (p, n) in enumerate([(40, 3), (300, 20), (5_000, 10**6)])]


def curve_by_loop(similarity: Tensor, same: Tensor) -> list[tuple[float, float]]:
    """(FPR, TPR) of every threshold from above all similarities down to the lowest."""
    scores, truth = similarity.tolist(), same.tolist()
    points = [(0.0, 0.0)]
    for threshold in sorted(set(scores), reverse=True):
        accepted = [is_same for score, is_same in zip(scores, truth, strict=True) if score >= threshold]
        points.append(((len(accepted) - sum(accepted)) / (len(truth) - sum(truth)), sum(accepted) / sum(truth)))
    return points


def keys(pairs: Pairs) -> list[tuple[int, int]]:
    return [(min(a, b), max(a, b)) for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)]


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES)
def test_auc_is_the_share_of_same_and_different_pairs_in_the_right_order(similarity: Tensor, same: Tensor) -> None:
    above = similarity[same][:, None] - similarity[~same][None, :]
    expected = float(((above > 0).double() + (above == 0).double() / 2).mean())
    auc = verification_metrics(similarity, same, threshold=0.0)["auc"]
    assert auc == pytest.approx(expected, abs=1e-12)
    assert auc == pytest.approx(roc_auc_score(same, similarity), abs=1e-12)


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES)
def test_the_curve_has_the_points_and_thresholds_of_scikit_learn(similarity: Tensor, same: Tensor) -> None:
    curve = verification.roc_curve(similarity, same)
    fpr, tpr, thresholds = roc_curve(same, similarity.double(), drop_intermediate=False)
    assert curve.fpr.tolist() == pytest.approx(fpr.tolist())
    assert curve.tpr.tolist() == pytest.approx(tpr.tolist())
    assert curve.threshold.tolist() == thresholds.tolist()


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES)
def test_tpr_at_fpr_is_the_highest_point_of_scikit_learns_curve_that_far(similarity: Tensor, same: Tensor) -> None:
    metrics = verification_metrics(similarity, same, threshold=0.0)
    fpr, tpr, _ = roc_curve(same, similarity, drop_intermediate=False)
    assert metrics["tpr_at_fpr_1e-3"] == pytest.approx(tpr[fpr <= 1e-3].max())


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES[:2])
def test_tpr_at_fpr_is_the_highest_point_of_a_loop_over_thresholds_that_far(similarity: Tensor, same: Tensor) -> None:
    expected = max(tpr for fpr, tpr in curve_by_loop(similarity, same) if fpr <= 1e-3)
    assert verification_metrics(similarity, same, threshold=0.0)["tpr_at_fpr_1e-3"] == pytest.approx(expected)


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES[:2])
def test_eer_is_where_a_walk_along_the_curve_crosses_equal_errors(similarity: Tensor, same: Tensor) -> None:
    points = curve_by_loop(similarity, same)
    crossings = []
    for (fpr_a, tpr_a), (fpr_b, tpr_b) in itertools.pairwise(points):
        for step in range(10_001):  # a walk in small steps instead of the formula for the crossing
            fpr, tpr = (a + (b - a) * step / 10_000 for a, b in ((fpr_a, fpr_b), (tpr_a, tpr_b)))
            crossings.append((abs(fpr - (1 - tpr)), fpr))
    assert verification_metrics(similarity, same, threshold=0.0)["eer"] == pytest.approx(min(crossings)[1], abs=1e-4)


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES)
def test_pair_accuracy_counts_a_pair_at_the_threshold_as_same(similarity: Tensor, same: Tensor) -> None:
    threshold = float(similarity[3])
    right = [(score >= threshold) == truth for score, truth in zip(similarity.tolist(), same.tolist(), strict=True)]
    found = verification_metrics(similarity, same, threshold=threshold)
    assert found["pair_accuracy"] == pytest.approx(sum(right) / len(right))
    wrong = [not each for each in right]
    of_different = [each for each, truth in zip(wrong, same.tolist(), strict=True) if not truth]
    of_same = [each for each, truth in zip(wrong, same.tolist(), strict=True) if truth]
    assert found["fpr"] == pytest.approx(sum(of_different) / len(of_different))
    assert found["fnr"] == pytest.approx(sum(of_same) / len(of_same))


@pytest.mark.parametrize(("similarity", "same"), EXAMPLES[:2])
def test_no_threshold_judges_more_pairs_rightly_than_the_best(similarity: Tensor, same: Tensor) -> None:
    candidates = [*similarity.tolist(), 2.0]
    accuracies = [verification_metrics(similarity, same, threshold=t)["pair_accuracy"] for t in candidates]
    threshold = best_threshold(similarity, same)
    assert verification_metrics(similarity, same, threshold=threshold)["pair_accuracy"] == max(accuracies)
    assert threshold not in similarity.tolist()


def test_the_best_threshold_is_midway_and_of_equals_the_highest() -> None:
    same = torch.tensor([True, False, True, False])
    # Above 0.5 and above 0.25 both judge three of four rightly; 0.625 is midway between 0.75 and 0.5.
    assert best_threshold(torch.tensor([0.75, 0.5, 0.25, 0.0]), same) == 0.625


def test_accepting_all_pairs_or_none_can_be_the_best_threshold() -> None:
    similarity = torch.tensor([0.2, 0.2, 0.2, 0.2])
    for same, accuracy in (([True] * 3 + [False], 0.75), ([True] + [False] * 3, 0.75)):
        threshold = best_threshold(similarity, torch.tensor(same))
        metrics = verification_metrics(similarity, torch.tensor(same), threshold=threshold)
        assert metrics["pair_accuracy"] == accuracy


def test_a_threshold_between_two_neighbouring_floats_still_parts_them() -> None:
    upper = torch.tensor(0.3)
    similarity = torch.stack([upper, torch.nextafter(upper, torch.tensor(0.0))])
    same = torch.tensor([True, False])
    threshold = best_threshold(similarity, same)
    assert verification_metrics(similarity, same, threshold=threshold)["pair_accuracy"] == 1.0


def test_a_perfect_split_and_its_reverse_are_the_ends_of_every_scale() -> None:
    similarity, same = torch.tensor([0.9, 0.8, 0.1, 0.0]), torch.tensor([True, True, False, False])
    best = {"pair_accuracy": 1.0, "fpr": 0.0, "fnr": 0.0, "auc": 1.0, "eer": 0.0, "tpr_at_fpr_1e-3": 1.0}
    worst = {"pair_accuracy": 0.0, "fpr": 1.0, "fnr": 1.0, "auc": 0.0, "eer": 1.0, "tpr_at_fpr_1e-3": 0.0}
    assert verification_metrics(similarity, same, threshold=0.5) == best
    assert verification_metrics(similarity, ~same, threshold=0.5) == worst


def test_a_constant_similarity_scores_as_chance() -> None:
    metrics = verification_metrics(torch.full((10,), 0.7), torch.arange(10) < 5, threshold=0.5)
    errors = {"fpr": 1.0, "fnr": 0.0, "eer": 0.5}
    assert metrics == {"pair_accuracy": 0.5, **errors, "auc": 0.5, "tpr_at_fpr_1e-3": 0.0}


@pytest.mark.parametrize("same", [[], [True, True], [False]])
def test_pairs_of_one_kind_are_refused(same: list[bool]) -> None:
    with pytest.raises(ValueError, match="cannot judge verification"):
        verification_metrics(torch.zeros(len(same)), torch.tensor(same, dtype=torch.bool), threshold=0.0)


def test_similarities_that_are_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        best_threshold(torch.tensor([0.1, float("nan")]), torch.tensor([True, False]))


@pytest.mark.parametrize("num_pairs", [10, 11, 100])
def test_half_the_pairs_are_of_one_class_and_none_repeats_or_joins_an_item_with_itself(num_pairs: int) -> None:
    labels = torch.randint(0, 12, (80,), generator=torch.Generator().manual_seed(0)) * 5
    pairs = sample_pairs(labels, num_pairs=num_pairs, seed=1)
    assert torch.equal(labels[pairs.first] == labels[pairs.second], pairs.same)
    assert int(pairs.same.sum()) == num_pairs // 2
    assert bool((pairs.first != pairs.second).all())
    assert len(set(keys(pairs))) == len(pairs.same) == num_pairs


def test_every_pair_comes_once_before_any_comes_twice() -> None:
    labels = torch.tensor([1, 0, 1, 0, 0])  # 3 + 1 pairs of one class, 3 x 2 of different ones
    all_pairs = set(itertools.combinations(range(5), 2))
    exactly_once = sample_pairs(labels, num_pairs=8, seed=0)
    assert len(set(keys(exactly_once))) == 8
    twice = keys(sample_pairs(labels, num_pairs=24, seed=0))
    assert set(twice) == all_pairs
    counts = [twice.count(pair) for pair in all_pairs if labels[pair[0]] == labels[pair[1]]]
    assert sorted(counts) == [3, 3, 3, 3]


def test_every_pair_of_a_kind_is_equally_likely() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2, 2])
    drawn = [key for seed in range(1_000) for key in keys(sample_pairs(labels, num_pairs=4, seed=seed))]
    kinds = {True: 10, False: 26}  # pairs of one class: 6 + 1 + 3; of different ones: 36 - 10
    for pair in itertools.combinations(range(9), 2):
        expected = 1_000 * 2 / kinds[bool(labels[pair[0]] == labels[pair[1]])]
        assert abs(drawn.count(pair) - expected) < 5 * expected**0.5, f"{pair} is too rare or too frequent"


def test_pairs_are_fixed_by_the_seed_and_leave_the_global_generator_alone() -> None:
    labels = torch.arange(100) % 10
    state = torch.get_rng_state()
    first, again, other = (keys(sample_pairs(labels, num_pairs=50, seed=seed)) for seed in (4, 4, 5))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)


def test_pairs_of_sixty_thousand_items_need_no_list_of_all_pairs() -> None:
    pairs = sample_pairs(torch.arange(60_000) % 10, num_pairs=6_000, seed=0)  # of 1.8 thousand million
    assert len(set(keys(pairs))) == 6_000


@pytest.mark.parametrize("labels", [[], [3], [3, 3, 3], [1, 2, 3]])
def test_labels_that_cannot_make_both_kinds_of_pairs_are_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="do not make both kinds of pairs"):
        sample_pairs(torch.tensor(labels, dtype=torch.int64), num_pairs=4, seed=0)
