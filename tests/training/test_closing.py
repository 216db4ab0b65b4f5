"""What is measured when a study's trials are over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.costs import COSTS, MEASURES
from ablate.cost import latency
from ablate.cost.latency import Latency
from ablate.study.configuration import Component
from ablate.training import checkpoint, closing
from ablate.training.closing import measure_architectures, read_test
from ablate.training.data import load_data
from ablate.training.evaluate import evaluate
from ablate.training.loop import train
from ablate.training.network import build_network
from tests.training.trials import CNN, CONFIGURATION, DIGITS, trial


def test_the_test_split_is_read_by_the_best_weights_with_the_threshold_of_validation(tmp_path: Path) -> None:
    spec = trial(tmp_path, backbone=CNN, optimizer=Component("sgd", {"lr": 2.0}), epochs=3)
    train(spec, lambda report: None)
    read = read_test(spec)
    found = checkpoint.load(tmp_path)
    assert found is not None
    data = load_data(DIGITS, torch.device("cpu"))
    network = build_network(CNN, CONFIGURATION.embedding_dim, data.shape)
    network.load_state_dict(dict(found.best_weights))
    threshold = found.progress.best["val/threshold"]
    expected = evaluate(network, data, data.test, protocol="retrieval", seed=DIGITS.seed, threshold=threshold)
    assert read["test/threshold"] == threshold
    assert read == pytest.approx({f"test/{name}": value for name, value in expected.items()}, abs=1e-3)
    assert read_test(spec) == read


def test_every_architecture_gets_its_latency_for_1_and_32_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "WARMUP_SECONDS", 0.01)
    monkeypatch.setattr(latency, "LEAST_SECONDS", 0.02)
    monkeypatch.setattr(latency, "SPREAD", 1e9)
    monkeypatch.setattr(latency, "AGREEMENT", 1e9)  # a busy machine's rounds may never agree, and are then not kept
    monkeypatch.setenv("ABLATE_CACHE", str(tmp_path))
    other = trial(tmp_path, backbone=CNN).configuration
    measured = measure_architectures({"mlp": CONFIGURATION, "cnn": other}, trial(tmp_path))
    assert set(measured) == {"mlp", "cnn"}
    for costs in measured.values():
        for batch in ("latency", "latency_batch32"):
            p50, p95, p99 = (costs[f"cost/{batch}_ms_{short}"] for short in ("p50", "p95", "p99"))
            assert 0 < p50 <= p95 <= p99 and costs[f"cost/{batch}_ms_iqr"] >= 0
    assert len(list((tmp_path / "latency").iterdir())) == 4


def test_what_the_study_asks_for_is_timed_beside_the_latency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "WARMUP_SECONDS", 0.01)
    monkeypatch.setattr(latency, "MOST_SECONDS", 0.1)
    default = set(measure_architectures({"mlp": CONFIGURATION}, trial(tmp_path))["mlp"])
    assert default == {name for name, cost in COSTS.items() if cost.known == "timed" and not cost.measure}
    asked = measure_architectures({"mlp": CONFIGURATION}, replace(trial(tmp_path), measure=MEASURES))["mlp"]
    assert set(asked) == {name for name, cost in COSTS.items() if cost.known == "timed"}
    assert min(value for name, value in asked.items() if not name.endswith("iqr")) > 0


def test_each_architecture_is_measured_on_images_of_its_own_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, ImageShape]] = []

    def measure(network: nn.Module, image: ImageShape, *, key: str, batch: int, device: torch.device) -> Latency:
        network.eval()(torch.zeros(1, image.channels, image.size, image.size))  # an mlp stands no other size
        seen.append((key, image))
        return Latency(1.0, 1.0, 1.0, 0.1)

    monkeypatch.setattr(closing, "cached_latency", measure)
    monkeypatch.setattr(closing, "look_again", measure)
    sizes = {str(size): replace(CONFIGURATION, image_size=size) for size in (8, 12)}
    measure_architectures(sizes, trial(tmp_path))
    assert seen == [(str(size), ImageShape(1, size)) for size in (8, 8, 12, 12)] * (1 + latency.LOOKS)
