"""Peak memory of a stretch of work: of the GPU's allocator, and of the process on the host."""

from __future__ import annotations

from pathlib import Path

import torch

MIB = 2**20


def reset_peak(device: torch.device) -> None:
    """Start a new stretch: the peak falls to what is in use now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        try:
            clear.write_text("5")  # 5: resets VmHWM (Linux, Documentation/filesystems/proc.rst)
        except OSError:
            return  # a hardened container, or a /proc that is read-only: the peak is that of the process's whole life


def gpu_peak_mib(device: torch.device) -> float:
    """Peak of the GPU's allocator since `reset_peak` in MiB."""
    return torch.cuda.max_memory_allocated(device) / MIB


def host_peak_mib() -> float | None:
    """Peak of the process since `reset_peak` in MiB; None where the system does not say (it is not Linux, or gVisor)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) / 1024 if "VmHWM" in lines else None


WORDS_OF_MEMORY = {
    "host": ("can't allocate memory",),
    "gpu": ("CUDA error: out of memory", "STATUS_ALLOC_FAILED"),  # of a context, of cuBLAS and cuDNN
}
"""In errors of torch 2.15 that have no class of their own."""


def exhausted_by(error: Exception) -> str:
    """Whose memory an error says there is none left of: host or gpu; empty where it says something else."""
    if isinstance(error, torch.OutOfMemoryError):
        return "gpu"
    if isinstance(error, MemoryError):
        return "host"
    return next((whose for whose, words in WORDS_OF_MEMORY.items() if any(word in str(error) for word in words)), "")
