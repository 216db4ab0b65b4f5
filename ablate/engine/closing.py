"""What is left to do once the trials are over: latency of each architecture, the best trials' test split, pictures.

The first two are measured here, with nothing else running; pictures are drawn in `engine.pictures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray

from ablate.catalogue.costs import COSTS
from ablate.engine.failing import of_task
from ablate.engine.whole_machine import PATIENCE_SECONDS, whole_machine
from ablate.store import pictures
from ablate.store.asked import Asked
from ablate.store.memory import Memory
from ablate.store.rows import best_of, front_of
from ablate.study.configuration import Configuration
from ablate.training.spec import TrialSpec

Specify = Callable[[Asked], TrialSpec]
"""What a worker is told of a trial."""


@dataclass(frozen=True)
class Closing:
    """What is still to be found out."""

    architectures: Mapping[str, Configuration]
    """Networks whose latency nobody has measured, by their name."""
    to_test: Sequence[Asked]
    """The best trial, or those on the front of several objectives, as far as they have not read the test split yet."""
    picture: Asked | None
    """The best trial, if nobody has drawn it yet."""

    @property
    def to_measure(self) -> bool:
        return bool(self.architectures) or bool(self.to_test)

    @property
    def anything(self) -> bool:
        return self.to_measure or self.picture is not None


def still_open(memory: Memory) -> Closing:
    """What the study lacks."""
    known = memory.measured.latency()
    trained = [row for row in memory.results() if row.epochs > 0]
    configurations = [memory.asked(row.id).configuration for row in trained]
    architectures = {c.architecture: c for c in configurations if _lacks(memory, known.get(c.architecture))}
    ablation = memory.study.ablation
    finals = [row for row in trained if row.phase == "final"]
    judging = [row for row in finals if ablation.asks_for(row.phase, row.arm, row.seed)] if ablation else trained
    best = best_of(judging, memory.objectives)
    if best is None:
        return Closing(architectures, [], None)
    to_test = []
    if ablation is None:  # each arm of one has read its own
        found = front_of(trained, memory.objectives)
        to_test = [memory.asked(row.id) for row in found if row.id not in memory.measured.tests()]
    drawn = pictures.are_current(memory.folder.trial(best.id))
    return Closing(architectures, to_test, None if drawn else memory.asked(best.id))


def _lacks(memory: Memory, found: Mapping[str, float] | None) -> bool:
    """Whether an architecture has not been timed, or not in all that the study now asks for."""
    if found is None:
        return True
    return any(cost.measure in memory.study.measures and cost.name not in found for cost in COSTS.values())


def close_study(memory: Memory, closing: Closing, specify: Specify) -> list[str]:
    """Measure and read what is still open, and write it down; what the user should know."""
    any_trial = memory.asked(memory.results()[0].id)
    try:
        return _measure(
            memory, closing.architectures, specify(any_trial), [specify(asked) for asked in closing.to_test]
        )
    except ray.exceptions.RayError as error:
        return [f"latency and test could not be read ({of_task(error)}); run the same command again"]


def measure_space(memory: Memory, specify: Specify) -> list[str]:
    """The latency of every architecture that the study can propose, where they can be listed; what the user should know."""
    spaces, known = memory.study.spaces, memory.measured.latency()
    any_trial = Asked(0, spaces[0].first(), memory.study.seed)
    configurations = [
        replace(any_trial.configuration, **architecture._asdict())
        for space in spaces
        for architecture in space.architectures() or ()
    ]
    architectures = {c.architecture: c for c in configurations if _lacks(memory, known.get(c.architecture))}
    return _measure(memory, architectures, specify(any_trial), []) if architectures else []


def _measure(
    memory: Memory, architectures: Mapping[str, Configuration], trial: TrialSpec, to_test: Sequence[TrialSpec]
) -> list[str]:
    """In one process of Ray's that has a machine to itself and uses of it what a trial has, of which `trial` is any."""
    configurations = {name: configuration.to_dict() for name, configuration in architectures.items()}
    with whole_machine(cpus=trial.cpus, gpus=trial.gpus) as alone:
        task = ray.remote(_on_worker).options(num_cpus=trial.cpus, num_gpus=trial.gpus, scheduling_strategy=alone)
        latency, tests = ray.get(task.remote(configurations, trial.to_dict(), [spec.to_dict() for spec in to_test]))
    memory.measured.note(latency=latency, tests=tests)
    if alone is None and latency:
        return [
            f"latency was measured beside other work: no machine of the cluster was idle for {PATIENCE_SECONDS:.0f} s\n"
            "  compare networks by cost/flops, or run the study on machines of its own"
        ]
    return []


def _on_worker(
    configurations: dict[str, Any], trial: dict[str, Any], to_test: list[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Latency by architecture, and the test metrics of the trials that read them, by their ids."""
    from ablate.training.closing import measure_architectures, read_test

    spec = TrialSpec.from_dict(trial)
    latency = measure_architectures({name: Configuration.from_dict(c) for name, c in configurations.items()}, spec)
    return latency, {spec.id: read_test(spec) for spec in map(TrialSpec.from_dict, to_test)}
