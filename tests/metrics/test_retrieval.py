"""Retrieval metrics against a plain loop and against pytorch-metric-learning; ties, lone classes, chunks, memory."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from torch import Tensor

from ablate.metrics.retrieval import retrieval_metrics

# Sizes of classes: equal, unequal with lone items, two classes only, and one class larger than all others together.
CLASS_SIZES = ([6] * 8, [1, 1, 2, 3, 5, 5, 11, 14], [25, 20], [40, 2, 2, 3, 1])


def clustered(class_sizes: list[int], *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Unit vectors around class centres, in random order; the noise mixes the classes."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(class_sizes)) * 7 - 3, torch.tensor(class_sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    centres = torch.randn(60, 8, generator=generator)
    embeddings = centres[labels + 3] + torch.randn(len(labels), 8, generator=generator)
    return torch.nn.functional.normalize(embeddings, dim=1), labels


def by_double_loop(embeddings: Tensor, labels: Tensor) -> dict[str, float]:
    """The definitions, query by query: rank all others (of equals, negatives first) and read the ranking."""
    similarity, label = (embeddings @ embeddings.T).tolist(), labels.tolist()
    scores: dict[str, list[float]] = {}
    for query in range(len(label)):
        others = [item for item in range(len(label)) if item != query]
        others.sort(key=lambda item: (-similarity[query][item], label[item] == label[query]))
        hits = [label[item] == label[query] for item in others]
        num_positives = sum(hits)
        if num_positives == 0:
            continue
        precision_at_hits = [sum(hits[: k + 1]) / (k + 1) for k in range(num_positives) if hits[k]]
        score = {f"recall_at_{k}": float(any(hits[:k])) for k in (1, 5, 10)}
        score["r_precision"] = sum(hits[:num_positives]) / num_positives
        score["map_at_r"] = sum(precision_at_hits) / num_positives
        for name, value in score.items():
            scores.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in scores.items()}


@pytest.mark.parametrize("class_sizes", CLASS_SIZES)
def test_retrieval_metrics_match_a_double_loop_over_queries(class_sizes: list[int]) -> None:
    embeddings, labels = clustered(class_sizes)
    expected = by_double_loop(embeddings, labels)
    assert retrieval_metrics(embeddings, labels) == pytest.approx(expected, abs=1e-6)
    assert 0 < expected["map_at_r"] < 1, "the example is too easy or too hard to show a difference"


@pytest.mark.parametrize("class_sizes", CLASS_SIZES)
def test_retrieval_metrics_match_pytorch_metric_learning(class_sizes: list[int]) -> None:
    embeddings, labels = clustered(class_sizes, seed=1)
    names = ("precision_at_1", "r_precision", "mean_average_precision_at_r")
    peer = AccuracyCalculator(include=names, k="max_bin_count", device=torch.device("cpu"))
    theirs = peer.get_accuracy(embeddings, labels)
    ours = retrieval_metrics(embeddings, labels)
    assert [ours["recall_at_1"], ours["r_precision"], ours["map_at_r"]] == pytest.approx(
        [theirs[name] for name in names], abs=1e-6
    )


@pytest.mark.parametrize("chunk", [1, 2, 7, 43, 44, 45, 1000])
def test_retrieval_metrics_are_the_same_for_any_chunk(chunk: int) -> None:
    embeddings, labels = clustered(CLASS_SIZES[1])
    assert retrieval_metrics(embeddings, labels, chunk=chunk) == pytest.approx(by_double_loop(embeddings, labels))


def test_retrieval_metrics_do_not_depend_on_the_order_of_items() -> None:
    embeddings, labels = clustered(CLASS_SIZES[1])
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(3))
    assert retrieval_metrics(embeddings[order], labels[order]) == pytest.approx(retrieval_metrics(embeddings, labels))


@pytest.mark.parametrize("sort_labels", [True, False])
def test_a_constant_embedding_scores_zero_in_any_order(sort_labels: bool) -> None:
    labels = torch.arange(60) % 3
    embeddings = torch.nn.functional.normalize(torch.ones(60, 5), dim=1)
    metrics = retrieval_metrics(embeddings, labels.sort().values if sort_labels else labels)
    assert set(metrics.values()) == {0.0}


def test_of_equal_similarities_the_negative_ranks_first() -> None:
    # Query 0 ties its positive 1 with the negative 2, so it finds its positive second; so does query 1.
    # Query 2 finds its positive 3 behind the two nearer items, query 3 all others at the same similarity.
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    metrics = retrieval_metrics(embeddings, torch.tensor([0, 0, 1, 1]))
    assert metrics == {"recall_at_1": 0, "recall_at_5": 1, "recall_at_10": 1, "r_precision": 0, "map_at_r": 0}


def test_ties_match_a_double_loop_over_queries() -> None:
    # Signs only, in three dimensions: eight distinct vectors for sixty items, and dot products exact in float32.
    generator = torch.Generator().manual_seed(5)
    embeddings = torch.randint(0, 2, (60, 3), generator=generator) * 2.0 - 1
    labels = torch.randint(0, 6, (60,), generator=generator)
    assert retrieval_metrics(embeddings, labels, chunk=9) == pytest.approx(by_double_loop(embeddings, labels))


def test_separated_classes_score_one() -> None:
    labels = torch.arange(40) % 8
    assert set(retrieval_metrics(torch.eye(8)[labels], labels).values()) == {1.0}


def test_map_at_r_of_one_query_worked_by_hand() -> None:
    # Only class 0 has several members; R = 2. The query at 0 degrees ranks 10 (negative), 20, 30: precision at 2 is
    # 1/2, and rank 3 is beyond R: 1/4. The one at 20 ranks 10 and 30 (ties, negative first), then 0: 1/4 again.
    # The one at 30 ranks 20, then 10: precision at 1 is 1, one of two: 1/2.
    degrees = torch.tensor([0.0, 20.0, 30.0, 10.0 + 1e-3]).deg2rad()
    metrics = retrieval_metrics(torch.stack([degrees.cos(), degrees.sin()], dim=1), torch.tensor([0, 0, 0, 1]))
    assert metrics["map_at_r"] == pytest.approx((1 / 4 + 1 / 4 + 1 / 2) / 3)
    assert metrics["r_precision"] == pytest.approx(1 / 2)
    assert metrics["recall_at_1"] == pytest.approx(1 / 3)


def test_an_item_alone_in_its_class_is_in_the_gallery_but_no_query() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]])
    assert retrieval_metrics(embeddings, torch.tensor([4, 4, 9]))["recall_at_1"] == 0.0
    assert retrieval_metrics(embeddings[:2], torch.tensor([4, 4]))["recall_at_1"] == 1.0


@pytest.mark.parametrize("num_items", [0, 1, 5])
def test_no_class_with_two_members_is_refused(num_items: int) -> None:
    with pytest.raises(ValueError, match=f"none of the {num_items} items shares its class"):
        retrieval_metrics(torch.ones(num_items, 2), torch.arange(num_items))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_embeddings_that_are_not_finite_are_refused(value: float) -> None:
    embeddings = torch.ones(4, 2)
    embeddings[2, 1] = value
    with pytest.raises(ValueError, match="NaN"):
        retrieval_metrics(embeddings, torch.tensor([0, 0, 1, 1]))


def test_embeddings_are_left_unchanged_and_may_require_gradients_or_be_half_precision() -> None:
    embeddings, labels = clustered(CLASS_SIZES[0])
    before = embeddings.clone()
    metrics = retrieval_metrics(embeddings.requires_grad_(), labels)
    assert torch.equal(embeddings, before)
    rounded = embeddings.detach().bfloat16()
    assert retrieval_metrics(rounded, labels) == pytest.approx(by_double_loop(rounded.float(), labels))
    assert set(metrics) == {"recall_at_1", "recall_at_5", "recall_at_10", "r_precision", "map_at_r"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compares the accelerator's path, which uses torch.topk")
@pytest.mark.parametrize("class_sizes", CLASS_SIZES)
def test_retrieval_metrics_on_an_accelerator_match_a_double_loop(class_sizes: list[int]) -> None:
    embeddings, labels = clustered(class_sizes)
    on_device = retrieval_metrics(embeddings.cuda(), labels.cuda(), chunk=10)
    assert on_device == pytest.approx(by_double_loop(embeddings, labels), abs=1e-6)


@pytest.mark.parametrize("class_sizes", CLASS_SIZES)
def test_the_largest_by_topk_are_the_largest_by_partition(
    class_sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    embeddings, labels = clustered(class_sizes)
    expected = retrieval_metrics(embeddings, labels)

    def largest_by_topk(values: Tensor, k: int) -> Tensor:
        return values.topk(k, dim=1).values.flip(1)

    monkeypatch.setattr("ablate.metrics.retrieval._largest", largest_by_topk)
    assert retrieval_metrics(embeddings, labels) == pytest.approx(expected)


MEASURE_PEAK = """
import re, torch
from pathlib import Path
from ablate.metrics.retrieval import retrieval_metrics

def peak_mib():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

torch.set_num_threads(2)
retrieval_metrics(torch.eye(4), torch.tensor([0, 0, 1, 1]))
labels = torch.arange(20_000) % 4
embeddings = torch.nn.functional.normalize(torch.randn(20_000, 16), dim=1)
Path("/proc/self/clear_refs").write_text("5")
before = peak_mib()
retrieval_metrics(embeddings, labels)
print(peak_mib() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_twenty_thousand_items_in_four_classes_stay_below_200_mib() -> None:
    """Slow: a process of its own, for its own peak. The whole matrix would be 1,526 MiB."""
    done = subprocess.run([sys.executable, "-c", MEASURE_PEAK], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 200
