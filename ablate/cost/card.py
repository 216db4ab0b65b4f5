"""The cost card of an architecture: what is counted of it, and what is timed on each device that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Of one device and precision. Milliseconds by name (p50, p95, p99, iqr); all are empty where it does not run."""

    device: str
    """As the machine calls it, threads included: cpu, 2 threads."""
    precision: str
    """fp32, bf16 or int8 (dynamic, of fully connected layers)."""
    one_ms: Mapping[str, float]
    """To embed one image."""
    batch32_ms: Mapping[str, float]
    """To embed 32 at once."""
    best_batch: int
    per_second: float
    """Images embedded at the best batch."""
    note: str = ""
    """Why it does not run, or that its spread was too large to be kept."""


@dataclass(frozen=True)
class Card:
    """What one architecture costs."""

    architecture: str
    item: str
    """What it embeds: 3 x 224 x 224."""
    counted: Mapping[str, float]
    """`cost/...` names, as a study reports them."""
    uncounted: Mapping[str, int]
    """Operators that are not in the FLOPs -> the numbers they put out for one image."""
    timings: tuple[Timing, ...]
