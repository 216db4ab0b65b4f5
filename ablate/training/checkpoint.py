"""Checkpoints: what a trial needs to go on where it stopped, and the weights of its best epoch.

A checkpoint is a folder `checkpoint-<epoch>`: tensors.safetensors, state.pt (read with weights_only) and header.json with the
SHA-256 of both. It is written under another name, fsynced and renamed: what is there is whole. In an object store, which knows
no renaming, header.json comes last.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as dump_tensors
from torch import Tensor

from ablate.errors import StoreError
from ablate.objects import Objects
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
    gpu_seconds: float = 0.0
    usd: float = 0.0
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


def save(place: Path | Objects, checkpoint: Checkpoint) -> None:
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
    name = f"{PREFIX}{checkpoint.progress.epoch:06d}"
    try:
        if isinstance(place, Objects):
            _replace_objects(place, name, contents)
        else:
            _replace(place, name, contents)
    except OSError as error:
        raise _unreachable(place, "written", error) from error


def _unreachable(place: Path | Objects, what: str, error: OSError) -> StoreError:
    where = place.address if isinstance(place, Objects) else place
    return StoreError(
        f"{where}: the checkpoint cannot be {what} ({error.strerror or ' '.join(str(error).split())})\n"
        "  make room there, or give --out a folder, or --checkpoints an address, that can be written"
    )


def load(place: Path | Objects) -> Checkpoint | None:
    """The newest whole checkpoint in the trial's folder, on the CPU; None where there is none.

    Raises StoreError where it cannot be read, which says nothing of what is there.
    """
    try:
        names = _names(place)
    except OSError as error:
        raise _unreachable(place, "read", error) from error
    for name in names:
        try:
            contents = _read(partial(_content, place, name))
        except OSError as error:
            raise _unreachable(place, "read", error) from error
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
    unfinished, final = folder / PARTIAL, folder / name
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    unfinished.mkdir()
    try:
        for file_name, content in contents.items():
            with written(unfinished / file_name) as file:
                file.write(content)
        sync_folder(unfinished)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)  # it would keep a full disk full
        raise
    if final.exists():  # a damaged one: the trial went on from an older one, or from the beginning
        shutil.rmtree(final)
    unfinished.rename(final)
    sync_folder(folder)
    for older in folder.glob(f"{PREFIX}*"):
        if older != final:
            shutil.rmtree(older)


def _replace_objects(objects: Objects, name: str, contents: Mapping[str, bytes]) -> None:
    """The same in an object store; the header, which makes it whole, is the last of `contents`."""
    for file_name, content in contents.items():
        objects.write(f"{name}/{file_name}", content)
    objects.remove(
        *(older for older in objects.names() if older.startswith(PREFIX) and not older.startswith(f"{name}/"))
    )


def _names(place: Path | Objects) -> list[str]:
    """Of the checkpoints there, the newest first."""
    names = place.names() if isinstance(place, Objects) else [path.name for path in place.glob(f"{PREFIX}*")]
    return sorted({name.partition("/")[0] for name in names if name.startswith(PREFIX)}, reverse=True)


def _content(place: Path | Objects, name: str, file: str) -> bytes:
    return place.read(f"{name}/{file}") if isinstance(place, Objects) else (place / name / file).read_bytes()


def _read(content: Callable[[str], bytes]) -> dict[str, bytes] | None:
    """The files of a checkpoint, if it is whole and of this format; `content` gives each. Raises OSError."""
    try:
        contents = {"header.json": content("header.json")}
        header: dict[str, Any] = json.loads(contents["header.json"])
        for name, digest in header["sha256"].items():
            contents[name] = content(name)
            if _digest(contents[name]) != digest:
                return None
    except (FileNotFoundError, ValueError, KeyError):
        return None  # damaged: an older one, or the beginning, is the place to go on from
    return contents if header["format"] == FORMAT else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
