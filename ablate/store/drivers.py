"""The drivers that share a study: who they are, which of them live, and whose turn it is to hand out trials.

Each holds a lock file of its own in the study's folder; the kernel frees it however its driver dies, also where the folder is
on a network file system that all drivers see. What they tell each other is in the study's storage, a database.

    drivers/<host>-<pid>-<4 letters>.lock   one per driver, with its process and Ray session
    drivers/{turn,mlflow,closing}.lock      held to hand out a trial, to find the study's run in MLflow, for the closing
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from ablate.store.folder import StudyFolder


class Drivers:
    """Those of one study, seen by one of them, whose `name` it is."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder, self.path = folder, folder.drivers
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"

    @contextmanager
    def joined(self) -> Iterator[list[dict[str, Any]]]:
        """Be one of the drivers. Gives what those noted that died on this machine (process, Ray session), and forgets them.

        Raises StoreError while a driver holds the study for itself.
        """
        with self.folder.held(shared=True):
            self.path.mkdir(exist_ok=True)
            with ExitStack() as own:
                with self.turn():  # or another would find the file before it is locked, and take this driver for dead
                    fcntl.flock(own.enter_context(self._own.open("w")), fcntl.LOCK_EX)
                    own.callback(self._own.unlink, missing_ok=True)
                    self.note({"pid": os.getpid()})
                    dead = self._take_dead()
                yield dead

    def take_dead(self) -> list[dict[str, Any]]:
        """What those noted that have died on this machine since; of several drivers that ask, one gets each."""
        with self.turn():
            return self._take_dead()

    def note(self, holder: dict[str, Any]) -> None:
        """Write down who this driver is, for the one that finds it dead."""
        self._own.write_text(json.dumps({"host": socket.gethostname(), **holder}))

    def lives(self, name: str) -> bool:
        """Whether a driver is still there; this one is."""
        return name == self.name or _is_held(self.path / f"{name}.lock")

    @contextmanager
    def turn(self, what: str = "turn") -> Iterator[None]:
        """Wait until no other driver has its turn. Not to be taken within another turn of the same kind."""
        with (self.path / f"{what}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def _own(self) -> Path:
        return self.path / f"{self.name}.lock"

    def _take_dead(self) -> list[dict[str, Any]]:
        found = []
        for file in self.path.glob(f"{socket.gethostname()}-*.lock"):
            if file != self._own and not _is_held(file):
                found.append(json.loads(file.read_text() or "{}"))
                file.unlink()
        return found


def any_lives(folder: StudyFolder) -> bool:
    """Whether a driver shares the study now."""
    return any(_is_held(file) for file in folder.drivers.glob("*-*.lock"))


def _is_held(path: Path) -> bool:
    """Whether a process holds a lock file; not where it is gone."""
    try:
        with path.open() as file:
            return not _try_shared(file)
    except FileNotFoundError:
        return False


def _try_shared(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
