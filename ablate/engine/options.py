"""What goes into a run beside its study, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablate.study.study import Study
from ablate.training.portrait import Portrait
from ablate.types import TrialResult


@dataclass(frozen=True)
class Options:
    """What the command line adds to a study."""

    data: Path
    """Folder of the data sets."""
    out: Path
    """Folder of the studies."""
    tracking_uri: str | None = None
    """MLflow; by default a sqlite file in `out`."""
    cpus: int | None = None
    gpus: float | None = None
    address: str | None = None
    """Of a Ray cluster to join; by default Ray starts here, for this study."""
    fresh: bool = False
    reuse: bool = True
    """Whether trials that an earlier study has finished stand for equal ones of this."""
    yes: bool = False
    """Whether a large ablation may start unasked."""
    quiet: bool = False
    report: Callable[[Path], Mapping[str, str | bytes]] = lambda folder: {}
    """What is attached to runs in MLflow at the study's end: name -> text or picture, from the study's folder.

    trials/0007/x is attached to the run of that trial as x, everything else to the study's.
    """
    draw: Callable[[Path, Portrait], Mapping[str, bytes]] = lambda folder, portrait: {}
    """The pictures of the best trial: name -> PNG, from the study's folder and what a worker saw."""
    storage: str | None = None
    """Database of the study's memory, which several drivers may share; by default a journal in its folder."""

    checkpoints: str | None = None
    """Address in an object store for checkpoints, where machines share no folder; by default they are in the study's."""

    def folder_of(self, study: Study) -> Path:
        """Where the study is kept."""
        return self.out.expanduser().absolute() / study.name


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    folder: Path
    results: list[TrialResult]
    interrupted: bool
    notes: list[str]
    """What the user should know."""
