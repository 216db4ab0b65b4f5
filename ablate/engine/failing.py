"""What is reported of a trial that raised: expected failures end the trial, not the study, and say why."""

from __future__ import annotations

import traceback
from contextlib import suppress
from pathlib import Path

from ablate.errors import StoreError
from ablate.objects import Objects
from ablate.store.folder import ERROR_FILE
from ablate.training.spec import TrialSpec

LOST = {
    "its node has died": "its node has died",
    "The actor is temporarily unavailable": "nothing was heard of its process for minutes",  # its machine was suspended
}
"""In Ray 2.60's error where a trial's process was not at fault, and how we say it. tests/e2e/test_cluster.py and
test_endings.py fail where Ray's words change."""
LOW_ON_MEMORY = "running low on memory"
"""In the error of Ray 2.60's memory monitor, which ends a process before the kernel would (tests/e2e/test_endings.py)."""
NOT_KEPT = "not kept: "
"""How a failure begins where a checkpoint could not be written, or not be read: no fault of the trial's."""
OUT_OF_MEMORY, OUT_OF_GPU_MEMORY = "out of memory: ", "out of GPU memory: "
"""How the reason of every trial begins that wanted more of it than there was."""


def reason(error: Exception, spec: TrialSpec) -> dict[str, str]:
    """`infeasible` or `failure`, in place of metrics; what nobody expects leaves its traceback beside the checkpoints."""
    from ablate.cost.memory import exhausted_by
    from ablate.training.failures import Diverged, Infeasible

    if isinstance(error, Infeasible):
        return {"infeasible": str(error)}
    if isinstance(error, Diverged):
        return {"failure": f"diverged: {error}"}
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, StoreError):  # there is no room for a traceback, either
        return {"failure": f"{NOT_KEPT}{first_line}"}
    _keep_traceback(spec.place)
    memory = {"gpu": OUT_OF_GPU_MEMORY, "host": OUT_OF_MEMORY, "": ""}[exhausted_by(error)]
    return {"failure": f"{memory}{type(error).__name__}: {first_line}"}


def of_task(error: Exception) -> str:
    """In a line what Ray's error of a task says: the first of what the task raised, the last of a word of Ray's own."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


def why_lost(error: str) -> str | None:
    """How a trial was lost for no fault of its own, so that it may go on from its checkpoint; None where it was not."""
    return next((said for sign, said in LOST.items() if sign in error), None)


def context_is_lost(error: Exception) -> bool:
    """Whether the GPU's context is lost for good, and so this process."""
    from ablate.cost.memory import exhausted_by

    return "CUDA error" in str(error) and not exhausted_by(error)


def _keep_traceback(place: Path | Objects) -> None:
    text = traceback.format_exc()
    if isinstance(place, Objects):
        with suppress(OSError):  # it may be what failed; the reason is told in any case
            place.write(ERROR_FILE, text.encode())
        return
    place.mkdir(parents=True, exist_ok=True)
    (place / ERROR_FILE).write_text(text)
