"""Files in an object store: what machines share that have no folder in common (s3://, gs://, through pyarrow).

A file is there whole or not at all. Who may read and write is said by the environment, as the store's own tools have it
(AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, GOOGLE_APPLICATION_CREDENTIALS, the machine's role), never by the address.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from ablate.errors import StoreError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

SCHEMES = ("s3", "gs")
FORMS = "write s3://BUCKET/PREFIX or gs://BUCKET/PREFIX"


class Objects:
    """Everything below one address. Its methods raise OSError where the store does not answer, or refuses."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._files, self._path = _opened(self.address)

    def names(self) -> list[str]:
        """Of all files, `checkpoint-000003/header.json`, in order; empty where there are none."""
        from pyarrow.fs import FileSelector, FileType

        found = self._files.get_file_info(FileSelector(self._path, recursive=True, allow_not_found=True))
        return sorted(info.path.removeprefix(f"{self._path}/") for info in found if info.type == FileType.File)

    def read(self, name: str) -> bytes:
        """One file."""
        with self._files.open_input_stream(f"{self._path}/{name}") as file:
            content: bytes = file.read()
        return content

    def write(self, name: str, content: bytes) -> None:
        """Replace one file."""
        with self._files.open_output_stream(f"{self._path}/{name}") as file:
            file.write(content)

    def remove(self, *names: str) -> None:
        """Delete files; those that are not there are no matter."""
        for name in set(names) & set(self.names()):
            self._files.delete_file(f"{self._path}/{name}")

    def clear(self) -> None:
        """Delete all of them."""
        self.remove(*self.names())


def check_objects(address: str, option: str) -> None:
    """Raise StoreError where files cannot be kept at `address`, which `option` has named; one is written and deleted."""
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or not parts.netloc or parts.query or "@" in parts.netloc:
        raise StoreError(f"{option} {address.split('@')[-1]}: this is no address of an object store\n  {FORMS}")
    probe = f".ablate-{uuid4().hex}"
    try:
        objects = Objects(address)
        objects.write(probe, b"")
        objects.remove(probe)
    except OSError as error:
        why = " ".join(str(error).split())
        raise StoreError(
            f"{option} {address}: nothing can be written there ({why})\n"
            "  is the bucket there, do AWS_* or GOOGLE_* in the environment say who you are, and on every node?"
        ) from None


@lru_cache(maxsize=64)
def _opened(address: str) -> tuple[FileSystem, str]:
    """The store, and the path in it; to find a bucket's region anew takes a request."""
    bucket, _, rest = address.partition("://")[2].partition("/")
    files, path = _bucket(f"{address.partition('://')[0]}://{bucket}")
    return files, f"{path}/{rest}" if rest else path


@lru_cache(maxsize=8)
def _bucket(address: str) -> tuple[FileSystem, str]:
    from pyarrow.fs import FileSystem

    found: tuple[FileSystem, str] = FileSystem.from_uri(address)
    return found
