"""A trial's numbers are the same in a fresh process and after any other trials in one process."""

from __future__ import annotations

import gc
import json
import platform
import random
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from ablate.study.configuration import Component
from ablate.training import loop
from ablate.training.build import Parts, build
from ablate.training.failures import Diverged
from ablate.training.fresh import fresh_start
from ablate.training.loop import train
from ablate.training.spec import TrialSpec
from tests.training.trials import CNN, trial, untimed

FIRST = """
import json, sys
from ablate.training.loop import train
from ablate.training.spec import TrialSpec
reports = []
train(TrialSpec.from_dict(json.loads(sys.argv[1])), reports.append)
print(json.dumps(reports))
"""


def reports_of(spec: TrialSpec) -> list[dict[str, float]]:
    reports: list[dict[str, float]] = []
    train(spec, reports.append)
    return [untimed(report) for report in reports]


def leave_a_mess() -> None:
    """What a careless component might do to its process."""
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    torch.set_num_threads(2)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.set_flush_denormal(False)
    torch.set_float32_matmul_precision("medium")
    torch.use_deterministic_algorithms(True)
    torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]
    torch.backends.cudnn.enabled = False
    np.seterr(all="raise")


@pytest.fixture
def spec(tmp_path: Path) -> TrialSpec:
    miner = Component("distance_weighted")
    return trial(tmp_path / "one", backbone=CNN, loss=Component("triplet"), sampler=miner, epochs=2)


def again(spec: TrialSpec, number: int) -> TrialSpec:
    return replace(spec, folder=f"{spec.folder}-{number}")


def test_nothing_that_an_earlier_trial_set_reaches_the_next(spec: TrialSpec) -> None:
    first = reports_of(spec)
    leave_a_mess()
    assert reports_of(again(spec, 1)) == first
    assert len(first) == 2


def test_a_trial_that_raised_or_diverged_leaves_nothing(spec: TrialSpec, tmp_path: Path) -> None:
    first = reports_of(spec)

    def refuse(report: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(again(spec, 1), refuse)
    with pytest.raises(Diverged):
        train(trial(tmp_path / "bad", optimizer=Component("sgd", {"lr": 1e30})), refuse)
    assert reports_of(again(spec, 2)) == first


@pytest.mark.slow  # starts a process
def test_a_fresh_process_and_one_after_fifty_trials_give_the_same_numbers(spec: TrialSpec, tmp_path: Path) -> None:
    call = [sys.executable, "-c", FIRST, json.dumps(spec.to_dict())]
    fresh = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
    losses = [Component(name) for name in ("contrastive", "triplet", "cosine_embedding", "info_nce", "circle")]
    samplers = [Component(name) for name in ("random", "hard", "semi_hard", "distance_weighted")]
    mlp = Component("mlp", {"width": 8, "depth": 1})
    others = islice(cycle(product([mlp, CNN], losses, samplers)), 50)
    for number, (backbone, loss, sampler) in enumerate(others):
        rate = Component("sgd", {"lr": 1e30 if number % 10 == 7 else 1e-2})
        other = trial(tmp_path / str(number), backbone=backbone, loss=loss, sampler=sampler, optimizer=rate)
        try:
            reports_of(other)
        except Diverged:
            assert number % 10 == 7
        if number % 10 == 3:
            leave_a_mess()
    assert reports_of(again(spec, 1)) == [untimed(report) for report in fresh]


def test_the_weights_of_the_last_trial_are_free_before_the_next(
    spec: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: list[weakref.ref[torch.Tensor]] = []
    real = build

    def watch(*args: Any, **kwargs: Any) -> Parts:
        parts = real(*args, **kwargs)
        weights.extend(weakref.ref(tensor) for tensor in parts.network.parameters())
        return parts

    monkeypatch.setattr(loop, "build", watch)
    gc.disable()  # only a fresh start collects
    try:
        for number in range(3):
            reports_of(again(spec, number))
            fresh_start(seed=0, cpus=1, gpus=0.0)
            assert len(weights) == 8 * (number + 1)
            assert all(tensor() is None for tensor in weights)
    finally:
        gc.enable()


def test_another_seed_gives_other_numbers(spec: TrialSpec) -> None:
    assert reports_of(spec) != reports_of(replace(again(spec, 1), seed=4))


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="glibc keeps what threads have freed; others have other habits"
)
def test_memory_that_an_ended_thread_has_freed_goes_back_to_the_system() -> None:
    """In an arena of its own, below a block that is still there."""
    process, kept = psutil.Process(), []

    def work() -> None:
        blocks = [torch.ones(20_000) for _ in range(4_000)]  # 80 kB each: below what would be mapped by itself
        kept.append(blocks[-1])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    before = process.memory_info().rss
    fresh_start(seed=0, cpus=1, gpus=0.0)
    assert before - process.memory_info().rss > 200e6
    assert kept[0].sum() == 20_000
