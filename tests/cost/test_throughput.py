"""The best batch is the smallest that no other beats clearly."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablate.catalogue.backbones import BACKBONES, ImageShape
from ablate.cost import throughput
from ablate.cost.quantized import has_int8, quantized
from ablate.cost.throughput import best_throughput

IMAGE, CPU = ImageShape(1, 8), torch.device("cpu")


@pytest.fixture
def network() -> nn.Module:
    module: nn.Module = BACKBONES["mlp"].build(IMAGE, width=16).module
    return module


def test_batches_double_until_two_in_a_row_bring_nothing(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    per_second = {1: 100.0, 2: 190.0, 4: 300.0, 8: 303.0, 16: 290.0}
    asked: list[int] = []

    def seconds(network: nn.Module, image: ImageShape, batch: int, device: torch.device) -> float:
        asked.append(batch)
        return batch / per_second[batch]

    monkeypatch.setattr(throughput, "_seconds", seconds)
    best = best_throughput(network, IMAGE, device=CPU)
    assert best == pytest.approx((4, 300))  # 8 is within the scatter
    assert asked == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), None]
)
def test_memory_that_runs_out_ends_the_search_and_another_error_is_told(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    def seconds(network: nn.Module, image: ImageShape, batch: int, device: torch.device) -> float:
        if batch > 2:
            raise error or RuntimeError("another")
        return 0.1

    monkeypatch.setattr(throughput, "_seconds", seconds)
    if error is None:
        with pytest.raises(RuntimeError, match="another"):
            best_throughput(network, IMAGE, device=CPU)
    else:
        assert best_throughput(network, IMAGE, device=CPU) == (2, 20.0)


def test_a_real_network_has_a_throughput(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(throughput, "MOST_BATCH", 4)
    best = best_throughput(network, IMAGE, device=CPU)
    assert best.batch in (1, 2, 4) and best.per_second > 0


def test_int8_layers_answer_nearly_as_those_they_replace() -> None:
    if not has_int8(CPU):
        pytest.skip("this torch has no quantized layers")
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 8)).eval()
    images = torch.rand(16, 64)
    low = quantized(network)
    kinds = [type(layer).__module__.startswith("torch.ao") for layer in low.children()]
    assert kinds == [True, False, True]
    assert (low(images) - network(images)).abs().max() < 0.05 * network(images).abs().max()
    assert isinstance(network[0], nn.Linear) and network[0].weight.dtype == torch.float32
