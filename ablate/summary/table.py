"""What a summary consists of, apart from the format it is written in: lines that answer, and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """One table."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    """As many cells as heads; the last may be long."""
    note: str = ""
    words: tuple[str, ...] = ()
    """Heads whose cells are words and stand to the left, beside the last."""


@dataclass(frozen=True)
class Report:
    """The summary of a study."""

    answer: list[str]
    """What was found first, then what it rests on."""
    tables: list[Table]
    data: dict[str, Any] = field(default_factory=dict)
    """What JSON adds to the trials and the front."""
