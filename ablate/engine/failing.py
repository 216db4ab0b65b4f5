"""What is reported of a trial that raised: expected failures end the trial, not the study, and say why."""

from __future__ import annotations

import traceback
from pathlib import Path

NODE_DIED = "its node has died"
"""In Ray 2.60's error where not only a trial's process died; tests/e2e/test_cluster.py fails where these words change."""
LOW_ON_MEMORY = "running low on memory"
"""In the error of Ray 2.60's memory monitor, which ends a process before the kernel would."""
OUT_OF_MEMORY = "out of memory: "
"""How the reason of every trial begins that wanted more than there was."""


def reason(error: Exception, folder: str) -> dict[str, str]:
    """`infeasible` or `failure`, in place of metrics; what nobody expects leaves its traceback in the trial's `folder`."""
    import torch

    from ablate.training.failures import Diverged, Infeasible

    if isinstance(error, Infeasible):
        return {"infeasible": str(error)}
    if isinstance(error, Diverged):
        return {"failure": f"diverged: {error}"}
    _keep_traceback(Path(folder))
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return {"failure": f"{OUT_OF_MEMORY}{first_line}"}
    memory = OUT_OF_MEMORY if "can't allocate memory" in str(error) else ""
    return {"failure": f"{memory}{type(error).__name__}: {first_line}"}


def context_is_lost(error: Exception) -> bool:
    """Whether the GPU's context is lost for good, and so this process."""
    return "CUDA error" in str(error)


def _keep_traceback(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").write_text(traceback.format_exc())
