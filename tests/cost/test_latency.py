"""Latency is positive, grows with the batch, is measured once, and not kept where the machine was busy."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from ablate.catalogue.backbones import BACKBONES, ImageShape
from ablate.cost import latency
from ablate.cost.latency import Latency, cached_latency, latency_path, look_again, measure_latency

IMAGE = ImageShape(1, 28)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine would make one image slower than 32."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def brief(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "WARMUP_SECONDS", 0.02)
    monkeypatch.setattr(latency, "LEAST_SECONDS", 0.02)
    monkeypatch.setenv("ABLATE_CACHE", str(tmp_path))


@pytest.fixture
def network() -> nn.Module:
    module: nn.Module = BACKBONES["simple_cnn"].build(IMAGE, width=16).module
    return module


def test_the_slowest_runs_take_at_least_as_long_as_the_median_and_both_take_time(network: nn.Module) -> None:
    one = measure_latency(network, IMAGE, batch=1, device=CPU)
    assert 0 < one.p50_ms <= one.p95_ms


def test_as_many_images_as_asked_for_go_through_the_network_at_once(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()

    def noted(network: nn.Module, images: torch.Tensor) -> float:
        seen.add(tuple(images.shape))
        return float(len(images))

    monkeypatch.setattr(latency, "_run", noted)
    assert measure_latency(network, IMAGE, batch=32, device=CPU).p50_ms == 32_000
    assert seen == {(32, IMAGE.channels, IMAGE.size, IMAGE.size)}


def timed(monkeypatch: pytest.MonkeyPatch, network: nn.Module, *rounds: list[float]) -> Latency:
    """What is measured where the runs of each round take these seconds; rounds that are not asked for stay unused."""
    seconds = (each for one in rounds for each in one)
    monkeypatch.setattr(latency, "WARMUP_SECONDS", 0.0)
    monkeypatch.setattr(latency, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(latency, "RUNS_SECONDS", 0.0)
    monkeypatch.setattr(latency, "ROUND_SECONDS", 0.0)  # then every round has LEAST_RUNS
    monkeypatch.setattr(latency, "_run", lambda network, images: next(seconds))
    return measure_latency(network, IMAGE, batch=1, device=CPU)


def test_percentiles_are_those_of_the_single_runs_of_a_round(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = timed(monkeypatch, network, *[[0.5] * 19 + [1.0]] * 2)
    assert measured.p50_ms == 500
    assert measured.p95_ms == pytest.approx(525)  # of 20 runs: a twentieth of the way from the 19th to the slowest
    assert measured.p99_ms == pytest.approx(905)  # 0.99 x 19 = 18.81 steps up the 20 runs
    assert measured.iqr_ms == 0
    assert measured.settled


def test_a_busy_round_is_measured_again_until_two_agree_and_the_steadier_of_them_counts(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, calm, calmer = [0.9] * 20, [0.52] * 10 + [0.6] * 10, [0.55] * 20
    measured = timed(monkeypatch, network, busy, calm, calmer)
    assert [measured.p50_ms, measured.p95_ms] == pytest.approx([550, 550])
    assert measured.settled


def test_a_round_whose_runs_scatter_widely_is_measured_again(
    network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = [0.3] * 10 + [
        0.6
    ] * 10  # half of them met something else: the interquartile range is two thirds of the median
    measured = timed(monkeypatch, network, wide, wide, [0.5] * 20, [0.51] * 20)
    assert (measured.p50_ms, measured.iqr_ms, measured.settled) == (500, 0, True)
    assert not Latency(p50_ms=450, p95_ms=600, p99_ms=600, iqr_ms=300).steady


def test_what_never_settles_is_given_but_not_kept(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    restless = [[0.5 * 1.1**number] * 20 for number in (4, 2, 0, 5, 1, 3)]
    assert len(restless) == latency.MOST_ROUNDS
    measured = timed(monkeypatch, network, *restless)
    assert (measured.p50_ms, measured.settled) == (500, False)  # the fastest: a busy machine only adds time
    answers = iter([Latency(7.0, 8.0, 9.0, 1.0, settled=False), Latency(3.0, 4.0, 5.0, 0.5)])
    monkeypatch.setattr(latency, "measure_latency", lambda *given, **more: next(answers))
    found = [cached_latency(network, IMAGE, key="cnn", batch=1, device=CPU).p50_ms for _ in range(3)]
    assert found == [7.0, 3.0, 3.0]


def test_a_measured_latency_is_not_measured_again(network: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(network: nn.Module, image: ImageShape, *, batch: int, device: torch.device) -> Latency:
        measured.append(batch)
        return Latency(float(len(measured)), 9.0, 9.0, 0.1)

    monkeypatch.setattr(latency, "measure_latency", measure)
    first = cached_latency(network, IMAGE, key="cnn", batch=1, device=CPU)
    assert cached_latency(network, IMAGE, key="cnn", batch=1, device=CPU) == first
    assert measured == [1]
    cached_latency(network, IMAGE, key="cnn", batch=32, device=CPU)
    cached_latency(network, IMAGE, key="other", batch=1, device=CPU)
    cached_latency(network, ImageShape(1, 29), key="cnn", batch=1, device=CPU)
    assert measured == [1, 32, 1, 1]


@pytest.mark.parametrize(
    ("kept", "now", "anew", "found", "later"),
    [
        (1.0, 0.97, None, 1.0, 1.0),  # as fast as it was
        (1.0, 1.4, None, 1.0, 1.0),  # slower: something else runs now
        (1.4, 0.9, 0.88, 0.88, 0.88),  # the machine was slow when it was measured
        (1.4, 0.9, 1.5, 1.4, 1.4),  # and is again
    ],
)
def test_what_was_measured_while_the_machine_was_slow_is_found_out_by_a_later_look(
    network: nn.Module,
    monkeypatch: pytest.MonkeyPatch,
    kept: float,
    now: float,
    anew: float | None,
    found: float,
    later: float,
) -> None:
    answers = iter([kept, *([] if anew is None else [anew]), 0.7])
    monkeypatch.setattr(latency, "measure_latency", lambda *given, **more: Latency(next(answers), 9.0, 9.0, 0.1))
    monkeypatch.setattr(latency, "_warm_round", lambda *given, **more: Latency(now, 9.0, 9.0, 0.1))
    asked = {"key": "cnn", "batch": 1, "device": CPU}
    assert cached_latency(network, IMAGE, **asked).p50_ms == kept  # type: ignore[arg-type]
    assert look_again(network, IMAGE, **asked).p50_ms == found  # type: ignore[arg-type]
    assert cached_latency(network, IMAGE, **asked).p50_ms == later  # type: ignore[arg-type]


def test_a_look_is_a_round_of_the_network_itself(network: nn.Module) -> None:
    found = latency._warm_round(network, IMAGE, batch=2, device=CPU)
    assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms


def test_other_threads_another_machine_and_other_libraries_have_a_latency_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = latency_path(IMAGE, key="cnn", batch=1, device=CPU)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    threads = latency_path(IMAGE, key="cnn", batch=1, device=CPU)
    monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    machine = latency_path(IMAGE, key="cnn", batch=1, device=CPU)
    monkeypatch.setattr(latency, "_versions", lambda: ["other"])
    versions = latency_path(IMAGE, key="cnn", batch=1, device=CPU)
    assert len({first, threads, machine, versions}) == 4
