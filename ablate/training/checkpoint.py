"""Checkpoints: what a trial needs to go on where it stopped, and the weights of its best epoch.

A checkpoint is a folder `checkpoint-<epoch>`: tensors.safetensors, state.pt (read with weights_only) and header.json with the
SHA-256 of both. It is written under another name, fsynced and renamed: what is there is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor

from ablate.errors import StoreError
from ablate.training.durable import sync_folder, written

FORMAT = 1
PREFIX = "checkpoint-"
PARTIAL = ".checkpoint-partial"


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
    peak_host_mib: float = 0.0
    gpu_joules: float | None = None
    cpu_joules: float | None = None
    """None: not measured, or not all of it."""


@dataclass(frozen=True, eq=False)
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
    """Write `checkpoint` into the trial's folder; older ones are removed once it is there. Raises StoreError."""
    tensors = {f"last.{name}": tensor.contiguous() for name, tensor in checkpoint.weights.items()}
    tensors |= {f"best.{name}": tensor.contiguous() for name, tensor in checkpoint.best_weights.items()}
    state = io.BytesIO()
    torch.save(dict(checkpoint.state), state)
    contents = {"tensors.safetensors": dump_tensors(tensors), "state.pt": state.getvalue()}
    header = {
        "format": FORMAT,
        "torch": torch.__version__,
        "progress": asdict(checkpoint.progress),
        "sha256": {name: _digest(content) for name, content in contents.items()},
    }
    contents["header.json"] = json.dumps(header, indent=1).encode()
    try:
        _replace(folder, f"{PREFIX}{checkpoint.progress.epoch:06d}", contents)
    except OSError as error:
        raise StoreError(
            f"{folder}: the checkpoint cannot be written ({error.strerror or error})\n"
            "  make room there, or give --out a folder that can be written"
        ) from error


def load(folder: Path) -> Checkpoint | None:
    """The newest whole checkpoint in the trial's folder, on the CPU; None where there is none."""
    for path in sorted(folder.glob(f"{PREFIX}*"), reverse=True):
        contents = _read(path)
        if contents is not None:
            header = json.loads(contents["header.json"])
            tensors = load_tensors(contents["tensors.safetensors"])
            return Checkpoint(
                progress=Progress(**header["progress"]),
                weights={n.removeprefix("last."): t for n, t in tensors.items() if n.startswith("last.")},
                best_weights={n.removeprefix("best."): t for n, t in tensors.items() if n.startswith("best.")},
                state=torch.load(io.BytesIO(contents["state.pt"]), weights_only=True, map_location="cpu"),
            )
    return None


def _replace(folder: Path, name: str, contents: Mapping[str, bytes]) -> None:
    """Make `folder/name` hold these files and be the only checkpoint; killed at any moment, a whole one is left."""
    folder.mkdir(parents=True, exist_ok=True)
    partial, final = folder / PARTIAL, folder / name
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir()
    for file_name, content in contents.items():
        with written(partial / file_name) as file:
            file.write(content)
    sync_folder(partial)
    if final.exists():  # a damaged one: the trial went on from an older one, or from the beginning
        shutil.rmtree(final)
    partial.rename(final)
    sync_folder(folder)
    for older in folder.glob(f"{PREFIX}*"):
        if older != final:
            shutil.rmtree(older)


def _read(path: Path) -> dict[str, bytes] | None:
    """The files of a checkpoint, if it is whole and of this format."""
    try:
        contents = {"header.json": (path / "header.json").read_bytes()}
        header: dict[str, Any] = json.loads(contents["header.json"])
        for name, digest in header["sha256"].items():
            contents[name] = (path / name).read_bytes()
            if _digest(contents[name]) != digest:
                return None
    except (OSError, ValueError, KeyError):
        return None  # damaged: an older one, or the beginning, is the place to go on from
    return contents if header["format"] == FORMAT else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
