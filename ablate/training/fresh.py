"""A fresh start in a reused process: nothing that an earlier trial left may reach the next one.

Trials of a study follow each other in one process, so that torch, the GPU's context and the data stay warm. What is not
meant to stay is set back here: random generators, global flags of torch, threads, the allocator's cache and peaks.
"""

from __future__ import annotations

import gc

import torch

from ablate.cost.memory import reset_peak
from ablate.training.streams import Stream, seed_everything


def fresh_start(*, seed: int, cpus: int, gpus: float) -> torch.device:
    """Set this process back and return the device to train on.

    `cpus` threads; with `gpus` below 1 the process may use that share of the GPU's memory, so that running out of it ends
    this trial and not its neighbours.
    """
    gc.collect()
    torch.set_num_threads(cpus)
    torch.set_default_dtype(torch.float32)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_flush_denormal(True)  # denormal numbers make a CPU up to 100 times slower
    torch.set_float32_matmul_precision("high")
    torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.backends.cudnn.enabled = True
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.benchmark = gpus > 0  # batches have one size: the fastest kernel is looked for once
    device = torch.device("cuda" if gpus > 0 else "cpu")
    if device.type == "cuda":
        torch.cuda.empty_cache()
        # 0.95: every process also holds a context of some hundred MB that this limit does not count
        torch.cuda.set_per_process_memory_fraction(min(1.0, gpus * 0.95 if gpus < 1 else 1.0))
    reset_peak(device)
    seed_everything(seed, Stream.WEIGHTS)
    return device
