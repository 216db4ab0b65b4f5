"""Checkpoints of trials: in their folders, or in an object store while they train, to be brought there once they are complete.

In the folder they are what they are without such a store: shown, exported, made longer, reused.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ablate.errors import StoreError
from ablate.objects import Objects
from ablate.store.folder import ERROR_FILE, StudyFolder

PARTIAL = ".brought"


def bring(folder: StudyFolder, id: str, *, complete: bool) -> None:
    """Copy what a trial has left in the store into its folder; of one that is not complete only why it failed.

    Raises StoreError where the store does not answer.
    """
    objects = _of(folder, id)
    if objects is None:
        return
    own = folder.trial(id)
    partial = own / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)  # of a driver that was killed
    try:
        for name in objects.names() if complete else {ERROR_FILE} & set(objects.names()):
            file = partial / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(objects.read(name))
    except OSError as error:
        raise _unreachable(objects, error) from None
    for path in sorted(partial.glob("*")):
        _replace(path, own / path.name)
    shutil.rmtree(partial, ignore_errors=True)


def send(folder: StudyFolder, id: str) -> None:
    """Copy the checkpoints in a trial's folder into the store, where the trial is to go on. Raises StoreError."""
    objects = _of(folder, id)
    if objects is None:
        return
    own = folder.trial(id)
    files = sorted(path for path in own.glob("checkpoint-*/*"))
    try:
        for path in sorted(files, key=lambda path: path.name == "header.json"):  # which makes a checkpoint whole
            objects.write(str(path.relative_to(own)), path.read_bytes())
    except OSError as error:
        raise _unreachable(objects, error) from None


def forget(folder: StudyFolder, id: str) -> None:
    """Delete a trial's checkpoints, in its folder and what it has in the store. Raises StoreError."""
    for checkpoint in folder.trial(id).glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    objects = _of(folder, id)
    if objects is None:
        return
    try:
        objects.clear()
    except OSError as error:
        raise _unreachable(objects, error) from None


def _of(folder: StudyFolder, id: str) -> Objects | None:
    address = folder.checkpoints(id)
    return Objects(address) if address else None


def _replace(path: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    path.rename(target)


def _unreachable(objects: Objects, error: OSError) -> StoreError:
    return StoreError(
        f"{objects.address}: the checkpoints cannot be reached ({' '.join(str(error).split())})\n"
        "  run the same command again once they can: nothing is lost"
    )
