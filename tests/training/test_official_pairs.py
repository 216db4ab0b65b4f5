"""Verification by given pairs, against plain loops; on real faces where they are."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.metrics.verification import best_threshold
from ablate.study.configuration import Component
from ablate.training.data import TrialData, load_data
from ablate.training.evaluate import embed, evaluate, read_test
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.official_pairs import fold_metrics, on_device
from ablate.training.spec import DataSpec
from tests.training.trials import CNN, DIGITS

CPU = torch.device("cpu")


def pairs_of(num: int, folds: int) -> OfficialPairs:
    rng = np.random.default_rng(0)
    ends = rng.integers(40, size=(2, num))
    return OfficialPairs(ends[0], ends[1], np.arange(num) % 2 == 0, np.arange(num) * folds // num)


def test_the_threshold_of_a_fold_is_the_best_of_the_other_folds() -> None:
    pairs = pairs_of(600, 10)
    generator = torch.Generator().manual_seed(0)
    similarity = torch.rand(600, generator=generator) + 0.3 * torch.from_numpy(pairs.same)
    accuracies, thresholds, wrong = [], [], Counter[bool]()
    for fold in range(10):
        others = [i for i in range(600) if pairs.fold[i] != fold]
        threshold = best_threshold(similarity[others], torch.from_numpy(pairs.same[others]))
        held_out = [i for i in range(600) if pairs.fold[i] == fold]
        right = [(float(similarity[i]) >= threshold) == bool(pairs.same[i]) for i in held_out]
        accuracies.append(sum(right) / len(right))
        thresholds.append(threshold)
        wrong.update(bool(pairs.same[i]) for i, good in zip(held_out, right, strict=True) if not good)
    found = fold_metrics(similarity, pairs)
    assert found["pair_accuracy"] == pytest.approx(statistics.mean(accuracies))
    assert found["pair_accuracy_standard_error"] == pytest.approx(statistics.stdev(accuracies) / 10**0.5)
    assert found["threshold"] == pytest.approx(statistics.mean(thresholds))
    assert (found["fpr"], found["fnr"]) == (wrong[False] / sum(~pairs.same), wrong[True] / sum(pairs.same))
    assert found["fpr"] != found["fnr"]
    assert len(set(accuracies)) > 1


def test_a_fold_does_not_see_its_own_pairs_when_its_threshold_is_chosen() -> None:
    pairs = pairs_of(40, 2)
    similarity = torch.from_numpy(pairs.same).float()
    similarity[20:] += 10  # all of the second fold is beyond the threshold of the first, which calls it all the same
    assert fold_metrics(similarity, pairs)["pair_accuracy"] == 0.5


@pytest.mark.parametrize("pairs", [None, pairs_of(600, 1)], ids=["none given", "one fold"])
def test_without_folds_there_is_nothing_to_add(pairs: OfficialPairs | None) -> None:
    assert fold_metrics(torch.rand(600), pairs) == {}


def judged(data: TrialData, pairs: OfficialPairs) -> tuple[TrialData, SiameseNetwork]:
    """The digits with `pairs` for their test, and some network."""
    torch.manual_seed(0)
    return replace(data, test=replace(data.test, pairs=pairs)), build_network(CNN, 8, data.shape)


def test_given_pairs_take_the_place_of_drawn_ones_and_the_threshold_that_is_given_counts() -> None:
    pairs = pairs_of(200, 1)
    data, network = judged(load_data(DIGITS, CPU), pairs)
    found = read_test(network, data, replace(DIGITS, protocol="verification"), threshold=0.5)
    embeddings = embed(network, data, data.test).double()
    right = [
        (float(embeddings[a] @ embeddings[b]) >= 0.5) == bool(same)
        for a, b, same in zip(pairs.first, pairs.second, pairs.same, strict=True)
    ]
    assert found["test/pair_accuracy"] == sum(right) / 200
    assert found["test/threshold"] == 0.5
    assert set(found) == {
        f"test/{n}"
        for n in ("pair_accuracy", "fpr", "fnr", "auc", "eer", "tpr_at_fpr_1e-3", "triplet_accuracy", "threshold")
    }


def test_pairs_in_folds_report_their_mean_and_standard_error() -> None:
    data, network = judged(load_data(DIGITS, CPU), pairs_of(200, 10))
    found = read_test(network, data, replace(DIGITS, protocol="verification"), threshold=2.0)
    assert found["test/pair_accuracy"] != 0.5, "the threshold of validation, which calls none the same, is not used"
    assert found["test/pair_accuracy_standard_error"] > 0
    assert found["test/threshold"] < 1


def test_pairs_keep_their_order_on_the_device() -> None:
    pairs = pairs_of(50, 1)
    tensors = on_device(pairs, CPU)
    assert tensors.first.tolist() == pairs.first.tolist() and tensors.second.tolist() == pairs.second.tolist()
    assert tensors.same.dtype == torch.bool and tensors.same.tolist() == pairs.same.tolist()


def test_faces_are_tested_by_the_thousand_official_pairs_and_validated_by_other_people(data_root: Path) -> None:
    if not (data_root / "lfw" / "lfw112.zip").is_file():
        pytest.skip("ABLATE_DATA has no lfw")
    spec = DataSpec("lfw", (), str(data_root), 16, "verification", 0.2, 0.2, False, 0, 0)
    data = load_data(spec, CPU)
    classes = [set(split.labels.tolist()) for split in (data.train, data.val, data.test)]
    assert not classes[0] & classes[1] and not classes[0] & classes[2] and not classes[1] & classes[2]
    assert data.test.pairs is not None and len(data.test.pairs.same) == 1000
    assert data.val.pairs is not None and data.train.pairs is None
    torch.manual_seed(0)
    network = build_network(Component("mlp", {"width": 16, "depth": 1}), 8, data.shape)
    val = evaluate(network, data, data.val, protocol="verification", seed=0)
    found = read_test(network, data, spec, threshold=val["threshold"])
    assert found["test/threshold"] == val["threshold"]
    assert 0.5 < found["test/auc"] < 0.8, "pictures of one person look a little alike to any network"
