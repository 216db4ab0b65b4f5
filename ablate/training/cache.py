"""The decoded cache: each data set and size is decoded once per machine, then memory-mapped by every trial.

Files: <ABLATE_CACHE>/decoded/<name>-<size>-<digest of the sources>/{meta.json, <part>/images.npy, <part>/labels.npy}.
Official pairs of a part are in <part>/pairs.npy, ratings of books in <part>/ratings.npy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ablate.catalogue.datasets import Dataset, Part, SourceFile
from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.errors import DataError
from ablate.training.durable import sync_folder, written

FORMAT = 4  # one more whenever a decoder or the files change, or old pictures would be served


@dataclass(frozen=True)
class Decoded:
    """A data set ready to train on."""

    parts: dict[str, Part]
    """Arrays mapped read-only: processes share the pages, and nothing is read before it is used."""
    digest: str
    """SHA-256 of all images and labels, or of all books and ratings: equal exactly where the data are."""


def load(name: str, dataset: Dataset, root: Path, image_size: int) -> Decoded:
    """The data set at this size, from the cache or else decoded into it; missing sources are downloaded.

    Raises DataError where the sources are missing or damaged, or the cache cannot be written.
    """
    key = _key(dataset, dataset.find(root, download=True))
    folder = _cache_root() / "decoded" / f"{name}-{image_size}-{key}"
    return _open(folder) or _build(folder, lambda: dataset.decode(root, image_size))


def _cache_root() -> Path:
    return Path(os.environ.get("ABLATE_CACHE") or "~/.cache/ablate").expanduser().absolute()


def _key(dataset: Dataset, sources: Mapping[str, SourceFile]) -> str:
    facts = {
        "format": FORMAT,
        "parameters": vars(dataset),  # a parameter of the builder may change the pictures
        "sources": {key: source.digest for key, source in sources.items()},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _open(folder: Path) -> Decoded | None:
    """None where the folder is missing, or where a file in it is missing, short or of another shape than written."""
    try:
        meta = json.loads((folder / "meta.json").read_text())
        parts = {}
        for part, shape in meta["shapes"].items():
            images = np.load(folder / part / "images.npy", mmap_mode="r")
            labels = np.load(folder / part / "labels.npy", mmap_mode="r")
            ratings = np.load(folder / part / "ratings.npy", mmap_mode="r") if part in meta["ratings"] else None
            if (list(images.shape), images.dtype) != (shape, np.uint8 if ratings is None else np.float32):
                return None
            if (labels.shape, labels.dtype) != ((images if ratings is None else ratings).shape[:1], np.int64):
                return None
            if ratings is not None and (ratings.shape[1:], ratings.dtype) != ((2,), np.int64):
                return None
            pairs = np.load(folder / part / "pairs.npy") if part in meta["pairs"] else None
            official = None if pairs is None else OfficialPairs.from_table(pairs)
            names = {int(number): name for number, name in meta["names"][part].items()} or None
            parts[part] = Part(
                images, labels, official, ratings, tuple(meta["notes"][part]), names, meta["centre"][part]
            )
        return Decoded(parts, str(meta["digest"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):  # the last: a meta.json of other shape
        return None


def _build(folder: Path, decode: Callable[[], dict[str, Part]]) -> Decoded:
    from filelock import FileLock  # 40 ms, mostly asyncio, that a cached data set need not pay

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{folder}.lock")
        lock.acquire()
    except OSError as error:
        raise _not_writable(folder, error) from error
    try:
        decoded = _open(folder)  # somebody else may have built it while this process waited
        if decoded is None:
            parts = decode()
            try:
                _write(folder, parts)
            except OSError as error:
                raise _not_writable(folder, error) from error
            decoded = _open(folder)
            assert decoded is not None, f"{folder} was just written and cannot be opened"
        return decoded
    finally:
        lock.release()


def _not_writable(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"{folder}: the decoded data cannot be written ({error.strerror or error})\n"
        "  make room there, or set ABLATE_CACHE to a folder that can be written"
    )


def _write(folder: Path, parts: Mapping[str, Part]) -> None:
    """All or nothing, also when the machine loses power; the caller holds the lock."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        for part, decoded in parts.items():
            (partial / part).mkdir(parents=True)
            arrays: dict[str, npt.ArrayLike] = {"images": decoded.images, "labels": decoded.labels}
            if decoded.pairs is not None:
                arrays["pairs"] = decoded.pairs.table
            if decoded.ratings is not None:
                arrays["ratings"] = decoded.ratings
            for name, array in arrays.items():
                with written(partial / part / f"{name}.npy") as file:
                    np.save(file, array)
            sync_folder(partial / part)
        meta = {
            "digest": _digest(parts),
            "shapes": {part: decoded.images.shape for part, decoded in parts.items()},
            "pairs": [part for part, decoded in parts.items() if decoded.pairs is not None],
            "ratings": [part for part, decoded in parts.items() if decoded.ratings is not None],
            "notes": {part: decoded.notes for part, decoded in parts.items()},
            "names": {part: dict(decoded.names or {}) for part, decoded in parts.items()},
            "centre": {part: decoded.centre for part, decoded in parts.items()},
        }
        with written(partial / "meta.json") as file:
            file.write(json.dumps(meta).encode())
        sync_folder(partial)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one: a full folder cannot be renamed over
        partial.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _digest(parts: Mapping[str, Part]) -> str:
    digest = hashlib.sha256()
    for part in sorted(parts):
        images, labels = parts[part].images, parts[part].labels
        digest.update(f"{part} {images.shape}".encode())
        digest.update(np.ascontiguousarray(images).data)
        digest.update(np.ascontiguousarray(labels).data)
        if (pairs := parts[part].pairs) is not None:
            digest.update(pairs.table.astype("<i8").tobytes())
        if (ratings := parts[part].ratings) is not None:
            digest.update(np.ascontiguousarray(ratings).data)
    return digest.hexdigest()
