"""Official pairs: which two images of a test part are compared, as the makers of a data set published it.

Shapes: P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class OfficialPairs:
    """Pairs of images by their positions."""

    first: npt.NDArray[np.int64]
    """[P], positions in the part."""
    second: npt.NDArray[np.int64]
    """[P]."""
    same: npt.NDArray[np.bool_]
    """[P], whether both are of one class."""
    fold: npt.NDArray[np.int64]
    """[P], the fold of each pair from 0; all 0 where there are no folds."""

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """[P, 4], one column for each field: what is written, and what a digest covers."""
        return np.stack([self.first, self.second, self.same.astype(np.int64), self.fold], axis=1)

    @classmethod
    def from_table(cls, table: npt.NDArray[np.int64]) -> OfficialPairs:
        """The inverse of `table`."""
        first, second, same, fold = np.array(table).T
        return cls(first, second, same.astype(bool), fold)
