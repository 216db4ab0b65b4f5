"""Embeddings as a file: .npy, the bare array, or .parquet, a row for each picture with its path.

Shapes: N pictures, D embedding width.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ablate.errors import AblateError
from ablate.serve.model import Floats

TABLES = (".npy", ".parquet")


def check_output(path: Path, *suffixes: str) -> None:
    """Raise AblateError where `path` ends otherwise, or could not be written, before anything is computed."""
    if path.suffix not in suffixes:
        raise AblateError(f"--output {path}: its name must end in {' or '.join(suffixes)}\n  write one that does")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK) or path.is_dir():
        raise AblateError(f"--output {path} cannot be written\n  name a file in a folder that is there")


def encoded(path: Path, pictures: Sequence[Path], embeddings: Floats) -> bytes:
    """The file that the suffix of `path` asks for; embeddings [N, D]."""
    file = io.BytesIO()
    if path.suffix == ".npy":
        np.save(file, embeddings)
        return file.getvalue()
    import pyarrow
    from pyarrow import parquet

    # a name that is no Unicode cannot stand in a table: its bytes are shown
    names = [os.fsencode(picture).decode("utf-8", "backslashreplace") for picture in pictures]
    rows = pyarrow.FixedSizeListArray.from_arrays(embeddings.ravel(), embeddings.shape[1])
    parquet.write_table(pyarrow.table({"path": names, "embedding": rows}), file)
    return file.getvalue()
