"""The closing of a study: when nothing else runs, latency is measured and the best trial reads the test split, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray

from ablate.store.memory import Asked, Memory
from ablate.study.configuration import Configuration
from ablate.study.study import Study
from ablate.training.spec import TrialSpec
from ablate.types import TrialResult


@dataclass(frozen=True)
class Closing:
    """What is still to be found out."""

    architectures: dict[str, Configuration]
    """Networks whose latency nobody has measured, by their key."""
    best: Asked | None
    """The best trial, if it has not read the test split yet."""

    @property
    def anything(self) -> bool:
        return bool(self.architectures) or self.best is not None


def still_open(memory: Memory) -> Closing:
    """What the study lacks."""
    known = memory.latency()
    trained = [row for row in memory.results() if row.epochs > 0]
    configurations = [memory.asked(row.id).configuration for row in trained]
    architectures = {c.architecture: c for c in configurations if c.architecture not in known}
    best = best_of(trained, memory.study)
    unread = best is not None and best.id not in memory.tests()
    return Closing(architectures, memory.asked(best.id) if best is not None and unread else None)


def best_of(rows: list[TrialResult], study: Study) -> TrialResult | None:
    """The complete trial with the best objective; of equal ones the first."""
    complete = [row for row in rows if row.state == "complete"]
    sign = 1 if study.objective.goal == "maximize" else -1
    return max(complete, key=lambda row: sign * row.metrics[study.objective.metric], default=None)


def close_study(memory: Memory, closing: Closing, specify: Callable[[Asked], TrialSpec]) -> None:
    """Measure and read, in one process of Ray's with the resources of one trial, and write it down."""
    sample = specify(closing.best or memory.asked(memory.results()[0].id))
    configurations = {key: c.to_dict() for key, c in closing.architectures.items()}
    task = ray.remote(_measure).options(num_cpus=sample.cpus, num_gpus=sample.gpus)
    latency, tests = ray.get(task.remote(configurations, sample.to_dict(), read=closing.best is not None))
    memory.note_closing(latency=latency, tests=tests)


def _measure(
    configurations: dict[str, Any], spec: dict[str, Any], *, read: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs on a worker."""
    from ablate.training.closing import measure_architectures, read_test

    trial = TrialSpec.from_dict(spec)
    latency = measure_architectures({k: Configuration.from_dict(c) for k, c in configurations.items()}, trial)
    return latency, {trial.id: read_test(trial)} if read else {}
