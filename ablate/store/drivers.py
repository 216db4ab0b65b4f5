"""The drivers of a study: one alone, or several that share it, and whose turn it is to hand out trials.

Each of several holds a lock file of its own in the study's folder; the kernel frees it however its driver dies, also where the
folder is on a network file system with locks. What they tell each other is in the study's storage, a database.

    drivers/<host>-<pid>-<4 letters>.lock   one per driver, with its host, process and Ray session
    drivers/{turn,mlflow,alone}.lock        held to hand out a trial, to find the study's run in MLflow, to measure alone
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ablate.store.folder import StudyFolder, is_held


class Driver:
    """The only driver of its study."""

    shares = False
    """Whether there may be others."""
    mark: Mapping[str, str] = {}
    """What a trial says of the driver that sees to it."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder

    @contextmanager
    def driving(self) -> Iterator[list[dict[str, Any]]]:
        """Drive the study. Gives what those noted that died driving it on this machine (process, Ray session).

        Raises StoreError while a driver holds the study for itself.
        """
        with self.folder.held() as last:
            yield [last]

    def note(self, holder: dict[str, Any]) -> None:
        """Write down who this driver is, for the one that finds it dead."""
        self.folder.note_holder(holder)

    @contextmanager
    def turn(self, what: str = "turn") -> Iterator[None]:
        """Wait until no other driver has its turn. Not to be taken within another turn of the same kind."""
        yield

    def is_mine(self, mark: Mapping[str, Any]) -> bool:
        """Whether this driver sees to a trial that says so of its driver."""
        return True

    def lives(self, mark: Mapping[str, Any]) -> bool:
        """Whether the driver that sees to a trial is still there; this one is."""
        return True

    def take_dead(self) -> list[dict[str, Any]]:
        """What those noted that have died on this machine since; of several drivers that ask, one gets each."""
        return []


class SharingDriver(Driver):
    """One of several."""

    shares = True

    def __init__(self, folder: StudyFolder) -> None:
        super().__init__(folder)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self.mark = {"driver": self.name}

    @contextmanager
    def driving(self) -> Iterator[list[dict[str, Any]]]:
        with self.folder.held(shared=True):
            self.folder.drivers.mkdir(exist_ok=True)
            with ExitStack() as own:
                with self.turn():  # or another would find the file before it is locked, and take this driver for dead
                    fcntl.flock(own.enter_context(self._lock_of(self.name).open("w")), fcntl.LOCK_EX)
                    own.callback(self._lock_of(self.name).unlink, missing_ok=True)
                    self.note({"pid": os.getpid()})
                    dead = self._take_dead()
                yield dead

    def note(self, holder: dict[str, Any]) -> None:
        self._lock_of(self.name).write_text(json.dumps({"host": socket.gethostname(), **holder}))

    @contextmanager
    def turn(self, what: str = "turn") -> Iterator[None]:
        with (self.folder.drivers / f"{what}.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def is_mine(self, mark: Mapping[str, Any]) -> bool:
        return mark.get("driver") == self.name

    def lives(self, mark: Mapping[str, Any]) -> bool:
        return self.is_mine(mark) or is_held(self._lock_of(mark.get("driver", "")))

    def take_dead(self) -> list[dict[str, Any]]:
        with self.turn():
            return self._take_dead()

    def _take_dead(self) -> list[dict[str, Any]]:
        found = []
        for file in self.folder.drivers.glob("*-*.lock"):
            if file == self._lock_of(self.name) or is_held(file):
                continue
            noted = json.loads(file.read_text() or "{}")
            if noted.get("host") == socket.gethostname():
                found.append(noted)
                file.unlink()
        return found

    def _lock_of(self, name: str) -> Path:
        return self.folder.drivers / f"{name}.lock"
