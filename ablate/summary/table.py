"""What a summary consists of, apart from the format it is written in: lines that answer, and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

SHADES = " ░▒▓█"
"""From the worst mean of a heat map to its best."""
NUMBER = re.compile(rf"-|[-+]?[\d.,]+(e[-+]?\d+)?( [{SHADES}%])?")
"""A cell that stands to the right: a number, with its shade or as a share, or - for none."""


@dataclass(frozen=True)
class Table:
    """One table."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    """As many cells as heads; the last may be long."""
    note: str = ""
    words: tuple[str, ...] = ()
    """Heads whose cells are words and stand to the left."""

    def is_words(self, position: int) -> bool:
        """Whether a column stands to the left: one of words, or a last one that does not hold numbers alone."""
        if self.heads[position] in self.words:
            return True
        return position == len(self.heads) - 1 and not all(NUMBER.fullmatch(row[position]) for row in self.rows)


@dataclass(frozen=True)
class Report:
    """The summary of a study."""

    answer: list[str]
    """What was found first, then what it rests on."""
    tables: list[Table]
    data: dict[str, Any] = field(default_factory=dict)
    """What JSON adds to the trials and the front."""
