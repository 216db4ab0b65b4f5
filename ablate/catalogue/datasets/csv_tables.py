"""CSV files with named columns, packed or not: read as text, so that a book called "None" keeps its title."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from ablate.errors import DataError

if TYPE_CHECKING:
    import pandas

MEND = "replace it by the original, or say by --data DIR where that lies"
MISSING = ("", "nan", "na", "null", "none")
"""How a number that is not known is written, in any case."""


def read_csv(path: Path, columns: Sequence[str]) -> pandas.DataFrame:
    """The `columns` of a file, every value as text and stripped; others are not read.

    Raises DataError where the file is empty or no CSV, is not UTF-8, or lacks a column: then all that lack are named.
    """
    import pandas

    packed: Literal["gzip"] | None = "gzip" if path.suffix == ".gz" else None
    try:
        found = list(pandas.read_csv(path, nrows=0, compression=packed, encoding="utf-8-sig").columns)
        lacking = [name for name in columns if name not in found]
        if lacking:
            raise DataError(f"{path} has no column {', '.join(lacking)}; it has {', '.join(found)}\n  {MEND}")
        table = pandas.read_csv(
            path,
            usecols=list(columns),
            dtype=str,
            keep_default_na=False,
            na_filter=False,
            compression=packed,
            encoding="utf-8-sig",
        )
    except (
        OSError,
        EOFError,
        ValueError,
        zlib.error,
    ) as error:  # ValueError: pandas's own, and bytes that are no UTF-8
        why = " ".join(str(error).split())
        raise DataError(f"{path} cannot be read as CSV ({why})\n  {MEND}") from error
    if len(table) == 0:
        raise DataError(f"{path} has a header and no rows\n  {MEND}")
    return table.assign(**{name: table[name].str.strip() for name in columns})


def numbers_of(path: Path, table: pandas.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """One column as numbers, NaN where none is written; DataError, with its row, where text is no number."""
    import pandas

    text = table[column]
    values = pandas.to_numeric(text, errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(np.isnan(values) & ~text.str.lower().isin(MISSING).to_numpy(bool))
    if len(wrong):
        where = f"{path}, row {wrong[0] + 1}"
        raise DataError(f"{where}: {column} is '{text.iloc[wrong[0]]}', which is no number\n  correct it or empty it")
    return values


def stars_of(path: Path, table: pandas.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """One column of ratings: 1, 2, 3, 4, 5, or NaN where none is written; DataError, with its row, for anything else."""
    stars = numbers_of(path, table, column)
    wrong = np.flatnonzero(~np.isnan(stars) & ~np.isin(stars, (1, 2, 3, 4, 5)))
    if len(wrong):
        where = f"{path}, row {wrong[0] + 1}"
        raise DataError(
            f"{where}: {column} is {stars[wrong[0]]:g}\n  ratings are 1, 2, 3, 4 or 5: bring them to that scale"
        )
    return stars
