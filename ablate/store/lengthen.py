"""A complete trial of a study that was made longer goes on under a new number: what its storage and its folder begin with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ablate.store import pictures


def continuation(old: FrozenTrial, attribute: Mapping[str, Any]) -> FrozenTrial:
    """The trial that goes on from a complete one, whose row is then no longer shown."""
    return optuna.create_trial(
        state=TrialState.RUNNING,
        params=old.params,
        distributions=old.distributions,
        intermediate_values=old.intermediate_values,
        user_attrs={"trial": {**attribute, "continues": old.number}},
    )


def copy_files(source: Path, target: Path) -> None:
    """Curves and checkpoints, without the pictures: they show the shorter one."""
    shutil.rmtree(target, ignore_errors=True)  # of a driver that was killed before it added the trial
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(pictures.FOLDER))
