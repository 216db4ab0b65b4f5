"""When each process of a run passes which point, with no line changed in what is measured.

A copy of this file named sitecustomize.py, first on PYTHONPATH, is imported by every Python process of a run: the command,
and Ray's. It waits for the modules below to be imported, and notes when their imports and their calls begin and end, one
JSON line each in the file ABLATE_TRACE. A line costs about 10 microseconds.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

IMPORTS = (
    "ablate.cli",
    "ablate.engine.run",
    "ablate.training.loop",
    "mlflow",
    "ray",
    "ray.train",
    "ray.train.torch",
    "ray.tune",
    "torch",
    "torch._dynamo",
)
"""Noted as `import ray:begin` and `import ray:end`; of a package, its own `__init__` with all that this imports."""

CALLS = {
    "ablate.engine.in_process": ("run_trial",),
    "ablate.engine.recorder": (
        "Recorder.on_trial_start",
        "Recorder.on_trial_result",
        "Recorder.on_trial_complete",
        "Recorder.on_trial_error",
    ),
    "ablate.engine.searcher": ("StudySearcher.suggest",),
    "ablate.study.load": ("load_study",),
    "ablate.training.build": ("build",),
    "ablate.training.checkpoint": ("save",),
    "ablate.training.data": ("load_data",),
    "ablate.training.evaluate": ("evaluate",),
    "ablate.training.fresh": ("fresh_start",),
    "ablate.training.loop": ("train", "Trial.epoch", "Trial.train"),
    "ablate.training.prepare": ("prepare_data",),
    "ray": ("init",),
    "ray.tune": ("Tuner.fit",),
}
"""Noted as `init:begin` and `init:end`. A name that is gone fails the run: the table below it would be wrong."""

HEAVY = ("torch", "mlflow")
"""Every mark says which of them its process had imported."""


def mark(name: str, trial: int | None = None) -> None:
    """Note that this process is at `name` now, where a trace is asked for."""
    path = os.environ.get("ABLATE_TRACE")
    if not path:
        return
    loaded = [module for module in HEAVY if module in sys.modules]
    line = json.dumps([time.time(), os.getpid(), name, trial, loaded]) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())  # one write, appended: lines of several processes do not mix
    os.close(file)


class Finder:
    """Stands first among Python's finders; leaves the finding to the others and wraps what they found."""

    def __init__(self) -> None:
        self.names = {*IMPORTS, *CALLS}

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in self.names:
            return None
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None and found.loader is not None:
                found.loader.exec_module = _traced_import(name, found.loader.exec_module)  # type: ignore[method-assign,assignment]
                return found
        return None


def _traced_import(name: str, execute: Callable[[Any], None]) -> Callable[[Any], None]:
    def run(module: Any) -> None:
        if name in IMPORTS:
            mark(f"import {name}:begin")
        execute(module)
        for call in CALLS.get(name, ()):
            *owners, last = call.split(".")
            owner = functools.reduce(getattr, owners, module)
            setattr(owner, last, _traced_call(call, getattr(owner, last)))
        if name in IMPORTS:
            mark(f"import {name}:end")

    return run


def _traced_call(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        trial = _number(args, kwargs)
        mark(f"{name}:begin", trial)
        try:
            return function(*args, **kwargs)
        finally:
            mark(f"{name}:end", trial)

    return run


def _number(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
    """The study's number of the trial that a call is about, where its arguments tell."""
    config = getattr(kwargs.get("trial"), "config", None) or (args[0] if args else None)
    return config.get("number") if isinstance(config, dict) else None


if __name__ == "sitecustomize":
    mark("python")
    sys.meta_path.insert(0, Finder())
