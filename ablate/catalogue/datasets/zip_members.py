"""Members of a zip, read in memory: nothing is ever unpacked, so no name of a member can lead out of a folder."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ablate.errors import DataError


def members(path: Path) -> list[str]:
    """Names of all files in the zip, as they stand there. Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [member.filename for member in archive.infolist() if not member.is_dir()]
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read ({error})\n  delete it and put the original there") from error


@contextmanager
def reader(path: Path) -> Iterator[Callable[[str], bytes]]:
    """A function that reads a member; many threads may call it. A damaged member raises OSError, as a damaged file does."""
    with zipfile.ZipFile(path) as archive:

        def read(name: str) -> bytes:
            try:
                return archive.read(name)
            except (zipfile.BadZipFile, zlib.error) as error:
                raise OSError(f"damaged in the zip: {error}") from error

        yield read
