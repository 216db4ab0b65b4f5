"""The picture files below a folder: which count, in which order, and how they are told from other ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ablate.errors import DataError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
MOST_NAMED = 10
"""So many files are named in a message; of more it says how many."""


def list_pictures(folder: Path) -> list[str]:
    """Names of all pictures at any depth, relative to `folder` and sorted; hidden ones and other files are passed over.

    Raises DataError where a link is among them: it leads out of the folder, or shows one picture twice, perhaps in two
    classes, and so on both sides of a split.
    """
    entries = sorted(_walk(folder, ""))
    links = [name for name, is_link in entries if is_link]
    if links:
        count = "a symbolic link, which is" if len(links) == 1 else f"{len(links)} symbolic links, which are"
        raise DataError(
            f"{folder} holds {count} not followed: {enumerated(links)}\n  put copies in their place, or delete them"
        )
    return [name for name, _ in entries]


def _walk(folder: Path, inside: str) -> Iterator[tuple[str, bool]]:
    try:
        with os.scandir(folder / inside) as entries:
            for entry in entries:
                name = f"{inside}{entry.name}"
                if entry.name.startswith("."):
                    continue
                if entry.is_symlink():
                    yield name, True
                elif entry.is_dir():
                    yield from _walk(folder, f"{name}/")
                elif name.lower().endswith(SUFFIXES):
                    yield name, False
    except OSError as error:
        raise DataError(f"{folder / inside} cannot be read ({error.strerror})\n  make it readable") from error


def digest_of(folder: Path, names: Sequence[str]) -> str:
    """Of names, sizes and times: reading all the contents would take minutes at each start.

    The time of a change counts, too: two files that trade their names keep the others.
    """
    digest = hashlib.md5(usedforsecurity=False)
    for name in names:
        state = (folder / name).stat()
        digest.update(os.fsencode(name) + f" {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}\n".encode())
    return digest.hexdigest()


def enumerated(names: Sequence[str]) -> str:
    """The first MOST_NAMED, and how many more there are; names that are no Unicode are shown with their bytes."""
    shown = ", ".join(name.encode("utf-8", "backslashreplace").decode() for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
