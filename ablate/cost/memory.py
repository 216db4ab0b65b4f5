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
        except PermissionError:
            return  # a hardened container: the peak is then that of the process's whole life


def gpu_peak_mib(device: torch.device) -> float:
    """Peak of the GPU's allocator since `reset_peak` in MiB."""
    return torch.cuda.max_memory_allocated(device) / MIB


def host_peak_mib() -> float | None:
    """Peak of the process since `reset_peak` in MiB; None where the system does not say (it is not Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) / 1024
