"""Checkpoints: what a trial needs to go on where it stopped, and the weights of its best epoch.

A checkpoint is a folder `checkpoint-<epoch>`: tensors.safetensors, state.pt (read with weights_only) and header.json with the
SHA-256 of both. It is written under another name, fsynced and renamed: what is there is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor

FORMAT = 1
PREFIX = "checkpoint-"


@dataclass
class Progress:
    """How far a trial has come, in plain numbers."""

    epoch: int = 0
    """Epochs trained."""
    best: dict[str, float] = field(default_factory=dict)
    """All metrics of the best epoch, `epoch` among them; empty before the first."""
    train_seconds: float = 0.0
    seconds: float = 0.0
    peak_memory_mib: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """A trial between two epochs."""

    progress: Progress
    weights: Mapping[str, Tensor]
    """Of network and loss after the last epoch."""
    best_weights: Mapping[str, Tensor]
    """Of the network after its best epoch."""
    state: Mapping[str, Any]
    """Of optimizer and schedule: tensors and plain types."""


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` into the trial's folder; older ones are removed once it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{PREFIX}{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    tensors = {f"last.{name}": tensor.contiguous() for name, tensor in checkpoint.weights.items()}
    tensors |= {f"best.{name}": tensor.contiguous() for name, tensor in checkpoint.best_weights.items()}
    _write(temporary / "tensors.safetensors", dump_tensors(tensors))
    torch.save(dict(checkpoint.state), temporary / "state.pt")
    _write(temporary / "state.pt", (temporary / "state.pt").read_bytes())
    header = {
        "format": FORMAT,
        "torch": torch.__version__,
        "progress": asdict(checkpoint.progress),
        "sha256": {name: _digest(temporary / name) for name in ("tensors.safetensors", "state.pt")},
    }
    _write(temporary / "header.json", json.dumps(header, indent=1).encode())
    final = folder / f"{PREFIX}{checkpoint.progress.epoch:06d}"
    shutil.rmtree(final, ignore_errors=True)
    os.rename(temporary, final)
    for older in _all(folder):
        if older != final:
            shutil.rmtree(older)


def load(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint in the trial's folder, on the CPU; None where there is none."""
    for path in reversed(_all(folder)):
        header = _header(path)
        if header is not None:
            tensors = load_tensors((path / "tensors.safetensors").read_bytes())
            return Checkpoint(
                progress=Progress(**header["progress"]),
                weights={n.removeprefix("last."): t for n, t in tensors.items() if n.startswith("last.")},
                best_weights={n.removeprefix("best."): t for n, t in tensors.items() if n.startswith("best.")},
                state=torch.load(path / "state.pt", weights_only=True, map_location="cpu"),
            )
    return None


def _all(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{PREFIX}*"))


def _header(path: Path) -> dict[str, Any] | None:
    """The header if the checkpoint is whole and of this format."""
    try:
        header: dict[str, Any] = json.loads((path / "header.json").read_text())
        whole = all(_digest(path / name) == digest for name, digest in header["sha256"].items())
    except (OSError, ValueError, KeyError):
        return None  # damaged: an older one, or the beginning, is the place to go on from
    return header if whole and header["format"] == FORMAT else None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
