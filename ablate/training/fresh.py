"""A fresh start in a reused process: nothing that an earlier trial left may reach the next one.

Trials of a study follow each other in one process, so that torch, the GPU's context and the data stay warm. What is not
meant to stay is set back here: random generators, global flags of torch, threads, the allocator's cache and peaks.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import sys
from contextlib import suppress

import numpy as np
import torch

from ablate.cost.memory import reset_peak
from ablate.training.streams import Stream, seed_everything

_modules_when_frozen = 0


def fresh_start(*, seed: int, cpus: int, gpus: float, device: torch.device | None = None) -> torch.device:
    """Set this process back and return the device to train on: `device`, or the first GPU, or the CPU without `gpus`.

    `cpus` threads; with `gpus` below 1 the process may use that share of the GPU's memory, so that running out of it ends
    this trial and not its neighbours.
    """
    _collect()
    torch.set_num_threads(cpus)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_flush_denormal(True)  # denormal numbers make a CPU up to 100 times slower
    # The layers run in bfloat16 on a GPU; what is left in 32 bits are losses and metrics, and TF32 would round their
    # cosines to three digits.
    torch.set_float32_matmul_precision("highest")
    if torch.are_deterministic_algorithms_enabled():  # asked first: the setter imports torch's compiler
        torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.backends.mkldnn.set_flags(True)  # type: ignore[no-untyped-call]
    torch.backends.cudnn.enabled = True
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.benchmark = gpus > 0  # batches have one size: the fastest kernel is looked for once
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")  # numpy's defaults
    device = device or torch.device("cuda" if gpus > 0 else "cpu")
    if device.type == "cuda":
        if device.index is not None:
            torch.cuda.set_device(device)  # of several workers on one machine, each has its own
        torch.cuda.init()  # type: ignore[no-untyped-call]  # before the seeds: only a GPU in use gets them
        torch.cuda.empty_cache()
        # 0.95: every process also holds a context of some hundred MB that this limit does not count
        torch.cuda.set_per_process_memory_fraction(gpus * 0.95 if gpus < 1 else 1.0)
    reset_peak(device)
    seed_everything(seed, Stream.WEIGHTS)
    return device


def _collect() -> None:
    """Free the last trial's weights: an optimizer and its schedule hold each other, so only the collector finds them.

    Code is not looked through again and again: what is alive once new modules were imported is set aside, which makes 165 ms
    for every trial 0.5 (torch 2.15). Only then: what is held of a trial by mistake is set aside at most a few times.
    """
    global _modules_when_frozen
    gc.collect()
    _give_back()
    if len(sys.modules) != _modules_when_frozen:
        _modules_when_frozen = len(sys.modules)
        gc.freeze()


def _give_back() -> None:
    """Return freed memory to the system; glibc alone does, and Linux with it.

    Each trial is trained by a thread of its own, and each thread may get an arena of its own, which keeps what was freed in
    it: 0.9 GiB a trial for EfficientNet-B0 at 48 pixels, 7 GiB after eight trials.
    """
    with suppress(OSError, AttributeError):  # another libc has no such function, and other habits
        ctypes.CDLL(None).malloc_trim(0)


atexit.register(gc.unfreeze)  # or triton's binding (nanobind) prints pages of leaks when the process ends
