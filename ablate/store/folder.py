"""The folder of a study: who holds it, what its trials mean, and where each file lies.

runs/<study>/  study.yaml study.json journal.log mlflow.json driver.lock trials/<id>/{metrics.jsonl, checkpoint-*, error.txt}
               drivers/*.lock  of a study that several drivers share, in place of the journal a database
Each file is replaced as a whole (`write_whole`) or only appended to, so a driver may be killed between any two of its writes.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from uuid import uuid4

from ablate.catalogue.schedules import READS_EPOCHS
from ablate.errors import StoreError
from ablate.study.study import ARM, WEIGHTS, Study

ERROR_FILE = "error.txt"
MOST_DIFFERENCES = 8
"""Of two studies that are told one by one."""


@dataclass(frozen=True)
class StudyFolder:
    """Paths of one study."""

    path: Path
    """Absolute."""

    @property
    def journal(self) -> Path:
        return self.path / "journal.log"

    @property
    def lock(self) -> Path:
        return self.path / "driver.lock"

    @property
    def description(self) -> Path:
        return self.path / "study.json"

    @property
    def mirror(self) -> Path:
        return self.path / "mlflow.json"

    @property
    def drivers(self) -> Path:
        return self.path / "drivers"

    def trial(self, id: str) -> Path:
        """Folder of one trial."""
        return self.path / "trials" / id

    def error_of(self, id: str) -> Path:
        """The traceback of a trial that failed as nobody expected."""
        return self.trial(id) / ERROR_FILE

    @contextmanager
    def held(self, *, shared: bool = False) -> Iterator[dict[str, Any]]:
        """Hold the study: one driver at a time, or several that share it. Gives what the last holder noted (pid, Ray session).

        Raises StoreError while another process holds it. The lock is the kernel's: it ends with its holder, however that dies.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            opened = self.lock.open("a+")
        except OSError as error:
            raise self._unusable(error) from None
        with opened as file:
            if not _lock(file, shared=shared):
                raise self._running()
            last = _read_json(self.lock)
            if shared:
                yield last
                return
            self.note_holder({"pid": os.getpid()})
            try:
                yield last
            finally:
                file.truncate(0)  # not by its name: the folder may have been set aside meanwhile

    def _running(self) -> StoreError:
        pid = _read_json(self.lock).get("pid")
        if pid is None:
            return StoreError(
                f"{self.path}: this study is being run by drivers that share it\n"
                "  wait for them, or give yours another name (`--set study=NAME`)"
            )
        return StoreError(
            f"{self.path}: this study is running already, as process {pid}\n"
            f"  wait for it, end it with `kill -INT {pid}`, or give yours another name (`--set study=NAME`)"
        )

    @property
    def driven(self) -> bool:
        """Whether a process holds the study, or several share it; True also where that cannot be seen."""
        return any(is_held(lock) for lock in (self.lock, *self.drivers.glob("*-*.lock")))

    def check_writable(self) -> None:
        """Raise StoreError where the folder cannot be made, or written; tried in what there is of it, and left as it was."""
        place = next(place for place in (self.path, *self.path.parents) if os.path.exists(place))
        try:
            with TemporaryDirectory(prefix=".ablate-", dir=place):
                pass
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self.path}: this folder cannot be made and written ({(error.strerror or str(error)).lower()})\n"
            "  name another place with --out, or make this one writable"
        )

    def note_holder(self, holder: dict[str, Any]) -> None:
        """Write down who holds the study, for the run that finds it dead. Into the locked file: another has no lock."""
        self.lock.write_text(json.dumps(holder))

    def check(self, study: Study, data_digest: str | None = None) -> None:
        """Raise StoreError where the trials here mean something else than `study`: every difference, and the ways out.

        `data_digest` is that of the images and their split, once it is known.
        """
        if not self.description.exists():
            return
        earlier: dict[str, str] = _read_json(self.description).get("meaning", {})
        if not earlier:
            raise StoreError(
                f"{self.description} cannot be read\n  start anew with --fresh (the old study is kept beside it)"
            )
        now = study.meaning
        if data_digest is not None:
            now["data_digest"] = data_digest
        else:
            earlier.pop("data_digest", None)
        partial = (ARM, WEIGHTS)
        compared = {key for key in earlier | now if not key.startswith(partial) or (key in earlier and key in now)}
        differ = {key for key in compared if earlier.get(key) != now.get(key)}
        longer = int(now["space.epochs"]) >= int(earlier["space.epochs"])
        fixed_length = [name for name in study.space.slots["schedule"] if name in READS_EPOCHS]
        if longer and not fixed_length and study.ablation is None:
            differ.discard("space.epochs")
        if not differ:
            return
        rows = [
            f"  {key}: was {earlier.get(key, 'not there')}, is {now.get(key, 'not there')}" for key in sorted(differ)
        ]
        if len(rows) > MOST_DIFFERENCES:
            rows = [*rows[:MOST_DIFFERENCES], f"  and {len(rows) - MOST_DIFFERENCES} more"]
        if differ == {"space.epochs"} and longer and fixed_length:
            rows.append(
                f"  (schedule {fixed_length[0]} plans its rates over all epochs: a longer one is another training)"
            )
        if differ == {"space.epochs"} and not longer:
            rows.append(f"  (the study was made longer: run it with --set space.epochs={earlier['space.epochs']})")
        raise StoreError(
            f"{self.path}: the trials here answer another question; together they could not be compared\n"
            + "\n".join(rows)
            + "\n  start anew with --fresh (the old study is kept beside it),"
            + " or give this one another name (`--set study=NAME`)"
        )

    def describe(
        self,
        study: Study,
        data_digest: str | None = None,
        notes: Sequence[str] = (),
        *,
        storage: str | None = None,
        checkpoints: str | None = None,
    ) -> None:
        """Write down what the trials mean, where they run, what is to be known of their data, and the file as it was read.

        `storage` is the database that holds them, `checkpoints` where in an object store these are kept; None: in this folder.
        """
        from ablate.store.environment import describe_environment

        write_whole(self.path / "study.yaml", study.text)
        content = {
            "study": study.name,
            "key": self.key or uuid4().hex,
            "question": study.question,
            "objective": asdict(study.objective),
            "objectives": [asdict(each) for each in study.objectives],
            "trials": study.search.trials if study.ablation is None else study.ablation.trials,
            "ablation": None if study.ablation is None else study.ablation.to_dict(),
            "meaning": study.meaning | ({} if data_digest is None else {"data_digest": data_digest}),
            "resolved": study.resolved,
            "environment": describe_environment(),
            "notes": list(notes),
            **({} if storage is None else {"storage": storage}),
            **({} if checkpoints is None else {"checkpoints": checkpoints}),
        }
        write_whole(self.description, json.dumps(content, indent=1))

    @property
    def key(self) -> str:
        """Of this study and no other, were it of the same name; empty before it is described."""
        return str(_read_json(self.description).get("key", ""))

    @property
    def storage_url(self) -> str | None:
        """The database that holds its memory; None for the journal."""
        url = _read_json(self.description).get("storage")
        return None if url is None else str(url)

    @property
    def checkpoints_address(self) -> str | None:
        """The object store that has the checkpoints of its trials; None where they are in this folder."""
        address = _read_json(self.description).get("checkpoints")
        return None if address is None else str(address)

    def checkpoints(self, id: str) -> str:
        """Where in an object store those of one trial are, and no other study's; empty where they are in its folder."""
        address = self.checkpoints_address
        return "" if address is None else f"{address.rstrip('/')}/{self.path.name}-{self.key[:8]}/{id}"

    def check_checkpoints(self, address: str | None) -> str | None:
        """Where this study keeps them: where it does already, else at `address`. Raises StoreError where these are two."""
        return self._stays("--checkpoints", address, self.checkpoints_address, "checkpoints are", "in this folder")

    def check_storage(self, url: str | None) -> str | None:
        """The database of this study: the one it has, else `url`. Raises StoreError where these are two."""
        return self._stays("--storage", url, self.storage_url, "memory is", "a journal in this folder")

    def _stays(self, option: str, asked: str | None, kept: str | None, what: str, without: str) -> str | None:
        """A study that is there goes on with what it has."""
        if not self.description.exists() or asked == kept:
            return asked
        if asked is None:
            return kept
        raise StoreError(
            f"{self.path}: this study's {what} {kept or without}, not {asked}\n"
            f"  leave {option} out to go on with it, or start anew with --fresh (the old study is kept beside it)"
        )

    def set_aside(self) -> Path | None:
        """Move the whole study to the first free `<study>.old-N`; None where there is none."""
        if not self.path.exists():
            return None
        number = 1
        while (target := self.path.with_name(f"{self.path.name}.old-{number}")).exists():
            number += 1
        self.path.rename(target)
        return target


def write_whole(path: Path, text: str) -> None:
    """Replace a file: whoever reads it finds the old text or the new, also after a power cut."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock file for itself; True also where that cannot be seen."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:  # held; or not ours to read
        return True
    return False


def _lock(file: IO[str], *, shared: bool) -> bool:
    """Lock an open file; not at once, for a reader that looks whether the study is `driven` has it for an instant."""
    for _ in range(10):
        with suppress(BlockingIOError):
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return False


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}  # nobody has written it, or was killed while writing: nothing is known
    return content
