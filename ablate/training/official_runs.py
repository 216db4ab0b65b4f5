"""Omniglot's official one-shot runs beside the data of a study: decoded once like them; numpy only, as in `prepare`."""

from __future__ import annotations

from pathlib import Path

from ablate.catalogue.datasets.omniglot_runs import STEM, OmniglotRuns
from ablate.errors import DataError
from ablate.training.cache import Decoded, load
from ablate.training.spec import DataSpec

RUNS = {"omniglot": OmniglotRuns}
"""Data set -> its official one-shot task."""


def open_official_runs(spec: DataSpec, *, download: bool = False) -> Decoded | None:
    """Parts `support` and `query`; None where the protocol or the data set has none, or the file is not there.

    With `download`, it is first fetched where that can be. Raises DataError where it is there and damaged.
    """
    if not _wanted(spec):
        return None
    runs, root = RUNS[spec.name](), Path(spec.root)
    try:
        if runs.missing(root) is not None and download:
            runs.find(root, download=True)
    except DataError:
        if runs.missing(root) is None:
            raise
    if runs.missing(root) is not None:
        return None  # a study is sound without: `official_notes` says what it lacks
    return load(f"{spec.name}-official", runs, root, spec.image_size)


def official_notes(spec: DataSpec) -> list[str]:
    """What the user should know, if the official runs belong to this study and are not there."""
    place = RUNS[spec.name]().missing(Path(spec.root)) if _wanted(spec) else None
    if place is None:
        return []
    return [f"test/official_accuracy is left out: put the official {STEM}.zip at {place}, then run anew with --fresh"]


def _wanted(spec: DataSpec) -> bool:
    return spec.protocol == "one_shot" and spec.name in RUNS
