"""Latency: milliseconds to embed a batch, with nothing else running; measured once per architecture and device.

Measured in rounds until two agree: what else a machine does mostly comes and goes within a second, and must not be kept for
ever. Where it stays for seconds, two rounds agree on what is too slow: `look_again` finds that out some time later.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ablate.catalogue.backbones import ItemShape
from ablate.cost.examples import examples

WARMUP_SECONDS, LOOK_WARMUP_SECONDS = 0.15, 0.05
"""Long enough for allocators, caches and clocks to settle; before a look, for caches."""
LOOKS = 3
"""At what was measured, after all others: on a shared Xeon two fifths of all rounds were slow, for 1 to 5 s at a time."""
FASTER = 1.15
"""How much faster a look must be for what is kept to be taken anew: less is not worth the seconds."""
LEAST_RUNS, ROUND_SECONDS = 20, 0.07
"""Of one round: a 95th percentile needs 20 runs at least, however slow the network."""
RUNS, RUNS_SECONDS = 100, 0.2
"""A 99th needs 100, which a round has where they take no longer than this; else it is nearly the slowest run."""
LEAST_SECONDS, MOST_SECONDS, MOST_ROUNDS = 0.2, 2.0, 6
"""Of all rounds: a fast network takes 0.4 s with its warm-up, 0.6 where the machine is never quiet; a slow one, two rounds."""
AGREEMENT = 1.05
"""Medians of two rounds agree where the larger is at most this many times the smaller."""
SPREAD = 0.3
"""Of its median, most that the interquartile range of a round may be: half of the runs of a busier one met something else."""
LIBRARIES = ("torch", "torchvision", "transformers", "timm")
"""Those that build and run a network: what was measured with other versions is measured again."""


@dataclass(frozen=True)
class Latency:
    """Of one batch size, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    iqr_ms: float
    """Interquartile range."""
    settled: bool = True
    """Whether two rounds agreed; a measurement that did not settle is made again by the next study that needs it."""

    @property
    def by_name(self) -> dict[str, float]:
        """Milliseconds by p50, p95, p99 and iqr."""
        return {"p50": self.p50_ms, "p95": self.p95_ms, "p99": self.p99_ms, "iqr": self.iqr_ms}

    @property
    def steady(self) -> bool:
        """Whether its spread is small enough to be the network's own."""
        return self.iqr_ms <= SPREAD * self.p50_ms


def cached_latency(network: nn.Module, image: ItemShape, *, key: str, batch: int, device: torch.device) -> Latency:
    """`measure_latency`, or what it found earlier for this `key`, image, device, thread count and versions of libraries.

    Kept in `$ABLATE_CACHE/latency` (by default below ~/.cache/ablate), if it settled.
    """
    path = latency_path(image, key=key, batch=batch, device=device)
    if path.exists():
        return Latency(**json.loads(path.read_text()))
    latency = measure_latency(network, image, batch=batch, device=device)
    _keep(path, latency)
    return latency


def look_again(network: nn.Module, image: ItemShape, *, key: str, batch: int, device: torch.device) -> Latency:
    """`cached_latency`, taken anew where one round is now faster than what is kept by more than FASTER.

    To be called some time after that: a machine whose cores others share may have been slow all the while.
    """
    kept = cached_latency(network, image, key=key, batch=batch, device=device)
    now = _warm_round(network, image, batch=batch, device=device)
    if now.p50_ms * FASTER >= kept.p50_ms:
        return kept
    anew = measure_latency(network, image, batch=batch, device=device)
    if anew.p50_ms >= kept.p50_ms:  # slow again: the next look decides
        return kept
    _keep(latency_path(image, key=key, batch=batch, device=device), anew)
    return anew


def _keep(path: Path, latency: Latency) -> None:
    """In a file, if it settled."""
    if not latency.settled:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(latency)))
    temporary.rename(path)


def _warm_round(network: nn.Module, image: ItemShape, *, batch: int, device: torch.device) -> Latency:
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    images = examples(image, batch, device)
    with torch.inference_mode():
        _warm_up(network, images, LOOK_WARMUP_SECONDS)
        return _round(network, images, LEAST_RUNS)


def latency_path(image: ItemShape, *, key: str, batch: int, device: torch.device) -> Path:
    """Where the latency of one architecture on one device is kept."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.node()} {platform.machine()}"
    facts = [key, list(image), batch, name, torch.get_num_threads(), _versions(), list(Latency.__dataclass_fields__)]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    root = Path(os.environ.get("ABLATE_CACHE") or "~/.cache/ablate").expanduser()
    return root / "latency" / f"{digest}.json"


@lru_cache(maxsize=1)
def _versions() -> list[str | None]:
    """Of LIBRARIES; None for one that is not installed."""
    return [version(name) if find_spec(name) else None for name in LIBRARIES]


def measure_latency(
    network: nn.Module, image: ItemShape, *, batch: int, device: torch.device, least_runs: int = LEAST_RUNS
) -> Latency:
    """Time forward passes of `batch` random images or books, in inference mode; at least so many runs a round."""
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    images = examples(image, batch, device)
    with torch.inference_mode():
        _warm_up(network, images, WARMUP_SECONDS)
        rounds: list[Latency] = []
        begin = time.perf_counter()
        while not _enough(rounds, time.perf_counter() - begin):
            rounds.append(_round(network, images, least_runs))
    agreeing = _agreeing(rounds)
    if not agreeing:
        return replace(min(rounds, key=lambda one: one.p50_ms), settled=False)
    return min(agreeing, key=lambda one: one.p95_ms / one.p50_ms)


def _warm_up(network: nn.Module, images: torch.Tensor, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        _run(network, images)


def _enough(rounds: list[Latency], seconds: float) -> bool:
    if len(rounds) < 2 or seconds < LEAST_SECONDS:
        return False
    return bool(_agreeing(rounds)) or len(rounds) >= MOST_ROUNDS or seconds >= MOST_SECONDS


def _agreeing(rounds: list[Latency]) -> list[Latency]:
    """The two fastest of the steady rounds, where their medians agree: a busy machine only ever adds time."""
    fastest = sorted((one for one in rounds if one.steady), key=lambda one: one.p50_ms)[:2]
    return fastest if len(fastest) == 2 and fastest[1].p50_ms <= AGREEMENT * fastest[0].p50_ms else []


def _round(network: nn.Module, images: torch.Tensor, least_runs: int) -> Latency:
    seconds: list[float] = []
    begin = time.perf_counter()
    taken = 0.0
    while len(seconds) < least_runs or taken < ROUND_SECONDS or (len(seconds) < RUNS and taken < RUNS_SECONDS):
        seconds.append(_run(network, images))
        taken = time.perf_counter() - begin
    p25, p50, p75, p95, p99 = map(float, np.percentile(seconds, [25, 50, 75, 95, 99]) * 1000)
    return Latency(p50, p95, p99, p75 - p25)


def _run(network: nn.Module, images: torch.Tensor) -> float:
    begin = time.perf_counter()
    network(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin
