"""Source files of a data set: looked for below the data folder, checked by MD5, downloaded where that is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ablate.catalogue.datasets.dataset import SourceFile
from ablate.errors import DataError


@dataclass(frozen=True)
class WantedFile:
    """One file that a data set needs."""

    places: tuple[str, ...]
    """Where it may lie, relative to the data folder; the first place that has a file counts."""
    md5s: tuple[str, ...]
    """The contents that are right; none named: any."""


@dataclass
class _Findings:
    sound: dict[str, SourceFile] = field(default_factory=dict)
    missing: list[Path] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def find_source_files(
    name: str,
    root: Path,
    wanted: Mapping[str, WantedFile],
    *,
    download: Callable[[Path], object] | None,
) -> dict[str, SourceFile]:
    """Every wanted file by its key; `download(root)` is tried once when some are missing and none is wrong."""
    root = root.expanduser().absolute()
    findings = _look(root, wanted)
    failure = None
    if findings.missing and not findings.wrong and download is not None:
        folders = {(root / place).parent for file in wanted.values() for place in file.places}
        with _left_as_it_was(folders):
            failure = _try_download(root, download, lambda: bool(_look(root, wanted).missing))
        findings = _look(root, wanted)
    faults = list(findings.wrong)
    if findings.missing:
        faults.append(_describe_missing(findings.missing, root, failure))
    if faults:
        raise DataError("\n".join(f"data set '{name}': {fault}" for fault in faults))
    return findings.sound


@contextmanager
def _left_as_it_was(folders: Iterable[Path]) -> Iterator[None]:
    """Afterwards no folder is there that was not before and holds nothing: a download that fails leaves nothing behind."""
    inside = {parent for folder in folders for parent in (folder, *folder.parents)}
    absent = [folder for folder in inside if not folder.exists()]
    yield
    for folder in sorted(absent, reverse=True):  # what is inside comes before what it is in
        with suppress(OSError):
            folder.rmdir()


def _look(root: Path, wanted: Mapping[str, WantedFile]) -> _Findings:
    findings = _Findings()
    for key, file in wanted.items():
        path = next((root / place for place in file.places if (root / place).is_file()), None)
        if path is None:
            findings.missing.append(root / file.places[0])
            continue
        try:
            md5 = _md5(path)
        except OSError as error:
            findings.wrong.append(f"{path} cannot be read ({error.strerror})\n  make it readable")
            continue
        if not file.md5s or md5 in file.md5s:
            findings.sound[key] = SourceFile(path, md5)
        else:
            findings.wrong.append(
                f"{path} is damaged or another file: its MD5 is {md5}, expected {' or '.join(file.md5s)}\n"
                "  delete it and run again, or replace it by the original"
            )
    return findings


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        # the originals are published by MD5; it guards against damage here, not against an attacker
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _try_download(root: Path, download: Callable[[Path], object], still_missing: Callable[[], bool]) -> str | None:
    """None, or why it failed in one line."""
    from filelock import FileLock

    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".ablate-download.lock") as lock:  # two processes would write into the same file
            try:
                if still_missing():
                    download(root)
            finally:
                Path(lock.lock_file).unlink(missing_ok=True)
    except (OSError, RuntimeError, ImportError) as error:  # no network, read-only root; torchvision's; no torchvision
        return " ".join(str(error).split())
    return None


def _describe_missing(missing: list[Path], root: Path, failure: str | None) -> str:
    count = "1 file is" if len(missing) == 1 else f"{len(missing)} files are"
    lines = [f"{count} missing", *map(str, missing)]
    if failure is not None:
        lines.append(f"the download failed: {failure}")
    lines.append(f"put what is missing there, or name another folder than {root} by --data DIR or ABLATE_DATA")
    return "\n  ".join(lines)
