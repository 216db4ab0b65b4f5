"""What is said of an error: whether memory was short, of which kind, and whether the process can go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ray.exceptions import RayTaskError

from ablate.engine.failing import OUT_OF_GPU_MEMORY, OUT_OF_MEMORY, context_is_lost, of_task, reason
from tests.training.trials import trial


@pytest.mark.parametrize(
    ("error", "begins", "lost"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), OUT_OF_GPU_MEMORY, False),
        (RuntimeError("CUDA error: out of memory"), OUT_OF_GPU_MEMORY, False),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            OUT_OF_GPU_MEMORY,
            False,
        ),
        (MemoryError(), OUT_OF_MEMORY, False),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
            OUT_OF_MEMORY,
            False,
        ),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "RuntimeError: ", True),
        (ValueError("memory is not the matter"), "ValueError: ", False),
    ],
)
def test_an_error_says_which_memory_was_short(error: Exception, begins: str, lost: bool, tmp_path: Path) -> None:
    assert reason(error, trial(tmp_path))["failure"].startswith(begins)
    assert context_is_lost(error) == lost


def test_of_an_error_in_two_lines_the_first_is_told_and_of_rays_own_text_the_last() -> None:
    raised = RayTaskError("read_test", "Traceback ...", ValueError("no two are alike\n  take others"))
    assert of_task(raised) == of_task(raised.as_instanceof_cause()) == "no two are alike"
    assert of_task(RuntimeError("Ray lost a worker.\nIts node has died.")) == "Its node has died."
