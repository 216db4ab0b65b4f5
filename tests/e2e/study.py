"""Small studies for the tests that run the real command, and how to run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ablate.store import curves
from ablate.store.read import read_folder
from ablate.summary.pareto import pareto_front
from ablate.summary.render import render

T = TypeVar("T")
DIGITS = """
study: {name}
data: {{name: digits, protocol: closed}}
space:
  backbone: {{mlp: {{width: [32, 64]}}}}
  embedding_dim: [8, 16]
  loss:
    triplet: {{margin: {{uniform: [0.05, 0.5]}}}}
    contrastive: {{margin: {{uniform: [0.3, 1.2]}}}}
  sampler: [random, semi_hard, distance_weighted]
  optimizer: {{adam: {{lr: {{log_uniform: [1.0e-3, 1.0e-2]}}}}}}
  batch: {{classes: 10, per_class: 4}}
  epochs: {epochs}
search: {{trials: {trials}, stopping: {stopping}}}
"""
GRID = """
study: small
data: {name: digits, protocol: closed}
space:
  backbone: {mlp: {width: 32}}
  embedding_dim: 8
  loss: {contrastive: {margin: 0.5}}
  optimizer: {adam: {lr: 0.003}}
  batch: {classes: 10, per_class: 4}
  epochs: 2
ablation:
  design: grid
  factors: {loss: [contrastive, triplet], sampler: [random, semi_hard]}
  seeds: 2
"""
"""An ablation of 8 trials."""
ASHA = "{asha: {grace_epochs: 1, reduction_factor: 3}}"


def write_study(folder: Path, *, name: str = "small", trials: int = 5, epochs: int = 3, stopping: str = ASHA) -> Path:
    """A study file on scikit-learn's digits."""
    path = folder / f"{name}.yaml"
    path.write_text(DIGITS.format(name=name, trials=trials, epochs=epochs, stopping=stopping))
    return path


def command(*words: str | Path) -> list[str]:
    """The `ablate` of this environment."""
    return [sys.executable, "-c", "from ablate.cli import main; main()", *map(str, words)]


def run(*words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `ablate` to its end."""
    environment = {**os.environ, **(env or {})}
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=240, env=environment, check=False)


@contextmanager
def background(words: list[str], env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A command that does not outlive the block."""
    environment = {**os.environ, **(env or {})}
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def rows(study: Path) -> list[dict[str, Any]]:
    """The trials of a study folder, as `ablate summarize --format json` tells them; its process would take seconds."""
    found = read_folder(study)
    trials: list[dict[str, Any]] = json.loads(render(found, pareto_front(found), "json"))["trials"]
    return trials


def epochs(study: Path, id: str) -> list[int]:
    """Of a trial, as they were reported: one that was trained again is there twice."""
    reports, _ = curves.read_from(study / "trials" / id, 0)
    return [int(report["epoch"]) for report in reports]


def saved(headers: Iterable[str | Path]) -> dict[str, int]:
    """The epoch of each trial's newest checkpoint; the files of one are named .../<id>/checkpoint-<epoch>/header.json."""
    found: dict[str, int] = {}
    for header in headers:
        match Path(header).parts:
            # In a store the header is the last file to be written; in a folder the name has no number before that.
            case (*_, id, checkpoint, "header.json") if (epoch := checkpoint.rpartition("-")[2]).isdigit():
                found[id] = max(found.get(id, 0), int(epoch))
    return found


def check_went_on(study: Path, id: str, *, epoch: int, last: int) -> None:
    """That a trial came to its `last` epoch, and repeated none that its checkpoint after `epoch` had in it."""
    trained = Counter(epochs(study, id))
    assert sorted(trained) == list(range(1, last + 1))
    again = [known for known in range(1, epoch + 1) if trained[known] > 1]
    assert not again, f"trial {id} had a checkpoint after epoch {epoch}, and trained epochs {again} again"


def wait_until(condition: Callable[[], T], *, seconds: float, what: str) -> T:
    """Poll, and give what is true at last; fails with `what` if nothing is in time."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found
