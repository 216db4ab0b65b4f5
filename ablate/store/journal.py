"""The journal: Optuna's storage of a study in one file, one JSON line per change; what a killed driver left half is cut off."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


class _DriverBackend(JournalFileBackend):
    """Appends without Optuna's lock file: the driver holds the study, and each record is one write to a file in append mode.

    A trial's beginning and its state are forced to the disk, and with its state all that was written before. SIGKILL loses
    nothing; a power cut may lose epochs of trials that run, and what `metrics.jsonl` has of them is then filled in.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with open(self.path, "ab") as file:
            file.write(lines.encode())
            file.flush()
            if any("values" in log or "study_id" in log for log in logs):
                os.fsync(file.fileno())


def open_to_write(path: Path) -> JournalStorage:
    """For the holder of the study, and nobody else."""
    _mend(path)
    return JournalStorage(_DriverBackend(str(path)))


def open_to_read(path: Path) -> JournalStorage:
    """For readers, also beside a running driver."""
    return JournalStorage(JournalFileBackend(str(path)))


def _mend(path: Path) -> None:
    """Cut off the last record if its driver was killed, or the power cut, before it was whole."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    while whole and not _is_record(content[content.rfind(b"\n", 0, whole - 1) + 1 : whole]):
        whole = content.rfind(b"\n", 0, whole - 1) + 1
    if whole < len(content):
        os.truncate(path, whole)


def _is_record(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
