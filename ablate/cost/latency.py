"""Latency: milliseconds to embed a batch, with nothing else running; measured once per architecture and device."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ablate.catalogue.backbones import ImageShape

WARMUP_SECONDS = 0.3
"""Long enough for allocators, caches and clocks to settle."""
LEAST_RUNS, MOST_RUNS, MOST_SECONDS = 20, 200, 1.0
"""A 95th percentile needs 20 runs at least; a slow network stops at MOST_SECONDS after those."""


@dataclass(frozen=True)
class Latency:
    """Of one batch size, in milliseconds."""

    p50_ms: float
    p95_ms: float


def cached_latency(network: nn.Module, image: ImageShape, *, key: str, batch: int, device: torch.device) -> Latency:
    """`measure_latency`, or what it found earlier for this `key`, image, device, thread count and torch.

    Kept in `$ABLATE_CACHE/latency` (by default below ~/.cache/ablate).
    """
    path = latency_path(image, key=key, batch=batch, device=device)
    if path.exists():
        return Latency(**json.loads(path.read_text()))
    latency = measure_latency(network, image, batch=batch, device=device)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(asdict(latency)))
    temporary.rename(path)
    return latency


def latency_path(image: ImageShape, *, key: str, batch: int, device: torch.device) -> Path:
    """Where the latency of one architecture on one device is kept."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{platform.node()} {platform.machine()}"
    facts = [key, list(image), batch, name, torch.get_num_threads(), torch.__version__]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    root = Path(os.environ.get("ABLATE_CACHE") or "~/.cache/ablate").expanduser()
    return root / "latency" / f"{digest}.json"


def measure_latency(network: nn.Module, image: ImageShape, *, batch: int, device: torch.device) -> Latency:
    """Time forward passes of `batch` random images, in inference mode, precision as in training's validation."""
    network = network.to(device).to(memory_format=torch.channels_last).eval()
    images = torch.rand(batch, image.channels, image.size, image.size, device=device)
    images = images.to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        end = time.perf_counter() + WARMUP_SECONDS
        while time.perf_counter() < end:
            _run(network, images)
        seconds: list[float] = []
        begin = time.perf_counter()
        while len(seconds) < LEAST_RUNS or (len(seconds) < MOST_RUNS and time.perf_counter() - begin < MOST_SECONDS):
            seconds.append(_run(network, images))
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Latency(float(p50), float(p95))


def _run(network: nn.Module, images: torch.Tensor) -> float:
    begin = time.perf_counter()
    network(images)
    if images.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin
