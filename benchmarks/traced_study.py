"""Run `ablate` as a user does, in a folder of its own, and read when what happened (see `tracing`)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tracing

ABLATE = str(Path(sys.executable).with_name("ablate"))


@dataclass(frozen=True)
class Mark:
    """One point that a process passed."""

    time: float
    """Seconds since 1970."""
    pid: int
    name: str
    trial: int | None
    loaded: tuple[str, ...]
    """Which of torch and mlflow the process had imported."""


@dataclass(frozen=True)
class Run:
    """A command that has ended."""

    begin: float
    end: float
    marks: list[Mark]


def environment(folder: Path, *, cache: Path | None = None, **more: str) -> dict[str, str]:
    """For a command of a benchmark: everything that it keeps lies below `folder`, or in `cache` if several share that."""
    return {**os.environ, "ABLATE_CACHE": str(cache or folder / "cache"), "RAY_USAGE_STATS_ENABLED": "0", **more}


def traced(env: dict[str, str], folder: Path) -> dict[str, str]:
    """`env`, so that every Python process that gets it writes marks to `folder`."""
    sites = folder / "site"
    sites.mkdir(parents=True, exist_ok=True)
    shutil.copy(tracing.__file__, sites / "sitecustomize.py")
    paths = [str(sites), *filter(None, [env.get("PYTHONPATH")])]
    return {**env, "PYTHONPATH": os.pathsep.join(paths), "ABLATE_TRACE": str(folder / "marks.jsonl")}


def read_marks(folder: Path) -> list[Mark]:
    """In the order of time; none where nothing was written."""
    path = folder / "marks.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    marks = [Mark(at, pid, name, trial, tuple(loaded)) for at, pid, name, trial, loaded in map(json.loads, lines)]
    return sorted(marks, key=lambda mark: mark.time)


def run_study(text: str, folder: Path, *, data: Path | None, cpus: int, cache: Path | None = None) -> Run:
    """`ablate run` on the study file `text`, to its end; the study lies in `folder`/runs. Raises where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "study.yaml"
    file.write_text(text)
    words = [ABLATE, "run", str(file), "--out", str(folder / "runs"), "--cpus", str(cpus)]
    words += ["--data", str(data)] if data else []
    begin = time.time()
    with (folder / "output.txt").open("w") as output:
        env = traced(environment(folder, cache=cache), folder)
        process = subprocess.Popen(words, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            process.wait()
        finally:
            end_process(process)
    if process.returncode != 0:
        end = (folder / "output.txt").read_text()[-2000:]
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}:\n{end}")
    return Run(begin, time.time(), read_marks(folder))


def end_process(process: subprocess.Popen[Any]) -> None:
    """Interrupt it if it still runs; kill it where that does not help within a minute."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def exit_on_sigterm() -> None:
    """Let SIGTERM (of `timeout`) unwind this process, so that what it started ends and its temporary folder goes."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def specs_of(text: str, folder: Path, *, data: Path | None) -> list[dict[str, Any]]:
    """What the workers of the study in `folder`/runs were told of its trials, in their order."""
    from ablate.store.folder import StudyFolder
    from ablate.store.memory import Memory
    from ablate.study.load import parse_study
    from ablate.training.prepare import prepare_data
    from ablate.training.spec import TrialSpec

    study = parse_study(text, "study.yaml")
    data_spec, _ = prepare_data(study, data or folder)
    memory = Memory(StudyFolder(folder / "runs" / study.name), study)
    return [
        TrialSpec(
            id=row.id,
            configuration=memory.asked(row.id).configuration,
            data=data_spec,
            metric=study.objective.metric,
            goal=study.objective.goal,
            seed=memory.asked(row.id).seed,
            folder="",
            cpus=study.resources.cpus,
            gpus=study.resources.gpu_share,
        ).to_dict()
        for row in memory.results()
    ]


def spans(marks: Iterable[Mark], name: str) -> list[tuple[int, float, float]]:
    """(pid, begin, end) of each call of `name` that ended."""
    open_since: dict[int, float] = {}
    found = []
    for mark in marks:
        if mark.name == f"{name}:begin":
            open_since[mark.pid] = mark.time
        elif mark.name == f"{name}:end" and mark.pid in open_since:
            found.append((mark.pid, open_since.pop(mark.pid), mark.time))
    return found
