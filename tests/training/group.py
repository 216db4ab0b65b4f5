"""Processes that train together, for tests: gloo over a file, no Ray."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from torch.multiprocessing.spawn import spawn

from ablate.training.workers import Workers

Work = Callable[[Workers, Path], Any]
"""What each worker does; a function of a module. The path is a folder that all see."""


def together(work: Work, folder: Path, *, size: int) -> list[Any]:
    """What `work` returned on each of `size` workers, by rank."""
    spawn(_enter, (work, folder, size), nprocs=size)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"result-{rank}.pt", weights_only=False) for rank in range(size)]


def _enter(rank: int, work: Work, folder: Path, size: int) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=size)
    torch.save(work(Workers(rank, size), folder), folder / f"result-{rank}.pt")
    torch.distributed.barrier()  # nobody leaves while another still talks
    torch.distributed.destroy_process_group()
    os._exit(
        0
    )  # torch's threads may be running yet: a regular end then aborts now and then ("terminate called without ...")
