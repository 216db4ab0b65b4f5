"""The pictures of a trial, trials/<id>/pictures/*.png: `ablate run` draws those of the best trial, `ablate show` any."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

FOLDER = "pictures"
PARTIAL = ".pictures-partial"


def write(trial: Path, files: Mapping[str, bytes]) -> None:
    """Make these the pictures in a trial's folder; killed at any moment, the old ones or the new are there."""
    partial, final = trial / PARTIAL, trial / FOLDER
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir(parents=True)
    for name, content in files.items():
        (partial / name).write_bytes(content)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)


def read(trial: Path) -> dict[str, bytes]:
    """File name -> PNG."""
    return {path.name: path.read_bytes() for path in sorted((trial / FOLDER).glob("*.png"))}


def are_current(trial: Path) -> bool:
    """Whether they were drawn, or given up, after the trial's last checkpoint."""
    try:
        drawn = (trial / FOLDER).stat().st_mtime
    except FileNotFoundError:
        return False
    return all(path.stat().st_mtime <= drawn for path in trial.glob("checkpoint-*"))
