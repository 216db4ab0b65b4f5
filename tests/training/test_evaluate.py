"""Evaluation, against plain loops over the same pairs and images."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablate.catalogue.metrics import PROTOCOLS
from ablate.metrics.retrieval import retrieval_metrics
from ablate.training import evaluate as module
from ablate.training.data import TrialData, load_data
from ablate.training.evaluate import embed, evaluate
from ablate.training.failures import Diverged
from ablate.training.network import SiameseNetwork, build_network
from tests.training.trials import CNN, DIGITS


@pytest.fixture
def data() -> TrialData:
    return load_data(DIGITS, torch.device("cpu"))


@pytest.fixture
def network(data: TrialData) -> SiameseNetwork:
    torch.manual_seed(0)
    return build_network(CNN, 8, data.shape).train()


def test_evaluation_leaves_weights_and_batch_norm_as_they_were(data: TrialData, network: SiameseNetwork) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    evaluate(network, data, data.val, protocol="retrieval", seed=0)
    assert any("running_mean" in name for name in before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())


def test_an_embedding_does_not_depend_on_the_other_images_of_its_chunk(
    data: TrialData, network: SiameseNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = embed(network, data, data.val)
    monkeypatch.setattr(module, "CHUNK", 7)
    torch.testing.assert_close(embed(network, data, data.val), whole)
    assert len(whole) == len(data.val.labels)
    assert not whole.requires_grad


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS if name != "pairs"])  # of books: see test_books.py
def test_a_protocol_gives_its_metrics_and_a_threshold(data: TrialData, network: SiameseNetwork, protocol: str) -> None:
    metrics = evaluate(network, data, data.val, protocol=protocol, seed=0)
    assert sorted(metrics) == sorted(["threshold", *(metric.name for metric in PROTOCOLS[protocol])])


def test_retrieval_is_judged_by_all_embeddings_of_the_split(data: TrialData, network: SiameseNetwork) -> None:
    metrics = evaluate(network, data, data.val, protocol="retrieval", seed=0)
    network.eval()
    with torch.no_grad():
        embeddings = network(data.batch(data.val, torch.arange(len(data.val.labels))))
    for name, value in retrieval_metrics(embeddings, data.val.labels).items():
        assert metrics[name] == pytest.approx(value, abs=1e-3)


def test_a_given_threshold_decides_the_accuracy_and_a_chosen_one_is_at_least_as_good(
    data: TrialData, network: SiameseNetwork
) -> None:
    chosen = evaluate(network, data, data.val, protocol="verification", seed=0)
    for threshold in (-1.0, 0.0, 0.5, 0.9, 1.1):
        given = evaluate(network, data, data.val, protocol="verification", seed=0, threshold=threshold)
        assert given["threshold"] == threshold
        assert given["pair_accuracy"] <= chosen["pair_accuracy"]
        assert given["auc"] == chosen["auc"]
    assert given["pair_accuracy"] == 0.5  # beyond 1 no pair is called the same, and half of them are


def test_every_epoch_is_judged_by_the_same_pairs_and_another_seed_by_others(
    data: TrialData, network: SiameseNetwork
) -> None:
    first = evaluate(network, data, data.val, protocol="verification", seed=0)
    assert evaluate(network, data, data.val, protocol="verification", seed=0) == first
    assert evaluate(network, data, data.val, protocol="verification", seed=1) != first


def test_the_length_of_an_embedding_never_counts(data: TrialData) -> None:
    networks = []
    for normalize in (True, False):
        torch.manual_seed(0)
        networks.append(build_network(CNN, 8, data.shape, normalize=normalize).train())
    unit, raw = (embed(network, data, data.val) for network in networks)
    torch.testing.assert_close(raw.norm(dim=1), torch.ones(len(raw)))
    assert torch.equal(unit, raw)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_a_diverged_trial(data: TrialData, network: SiameseNetwork, bad: float) -> None:
    nn.init.constant_(network.head.weight, bad)
    with pytest.raises(Diverged, match="no longer finite; a smaller learning rate"):
        evaluate(network, data, data.val, protocol="retrieval", seed=0)
