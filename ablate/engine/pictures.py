"""The best trial's pictures, at the end of a study: a worker looks at the split, the driver draws.

That they cannot be drawn is told and ends nothing: the trial's `pictures/error.txt` says why, and the next run of the study
does not try again; `ablate show` does.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ray

from ablate.store import pictures
from ablate.training.portrait import Portrait
from ablate.training.spec import TrialSpec

Draw = Callable[[Path, Portrait], Mapping[str, bytes]]
"""From the study's folder, where the curves are, and a portrait to files: name -> PNG."""


def draw_best(study: Path, trial: TrialSpec, draw: Draw) -> list[str]:
    """Write the trial's pictures into its folder; what the user should know of them."""
    try:
        task = ray.remote(_on_worker).options(num_cpus=trial.cpus, num_gpus=trial.gpus)
        portrait: Portrait = ray.get(task.remote(trial.to_dict()))
        pictures.write(Path(trial.folder), draw(study, portrait))
        return [f"pictures of trial {trial.id}: {note}" for note in portrait.notes]
    except Exception as error:  # noqa: BLE001  no picture is worth a study that has all its numbers
        cause = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        note = f"the pictures of trial {trial.id} could not be drawn ({cause}); `ablate show {trial.id}` tries again"
        return [note, *_give_up(Path(trial.folder))]


def _give_up(folder: Path) -> list[str]:
    """Write down what happened, so that the next run of the study does not begin with the same."""
    try:
        pictures.write(folder, {"error.txt": traceback.format_exc().encode()})
    except OSError as error:
        return [f"{folder} cannot be written ({error.strerror or error})"]
    return []


def _on_worker(trial: dict[str, Any]) -> Portrait:
    from ablate.training.portray import portray

    return portray(TrialSpec.from_dict(trial))
