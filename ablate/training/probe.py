"""The probe: some steps of each configuration of a study, timed, to know how long the study will take.

As many processes probe at once as trials will run, for they share caches and memory.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.study.configuration import Configuration
from ablate.study.study import Study
from ablate.training.prepare import prepare_data
from ablate.training.prepare_backbones import prepare_backbones
from ablate.training.spec import TrialSpec

WARM_STEPS = 3
"""The first steps allocate, and choose kernels."""
LEAST_STEPS, ENOUGH_SECONDS = 5, 2.0
"""Steps that are timed."""


@dataclass(frozen=True)
class Pace:
    """What a trial of one configuration takes, in seconds."""

    setup: float
    """From its start to its first step, in a process that is warm."""
    epoch: float
    """All its steps, and the validation."""
    test: float
    """Reading the test split once."""


def probe(study: Study, root: Path, *, slots: int) -> dict[str, Pace]:
    """The pace of each arm, of a search of one configuration for each architecture; medians over `slots` processes.

    Reads the data; writes nothing but the decoded data. Raises DataError.
    """
    prepare_backbones(study)
    data, _ = prepare_data(study, root)
    specs = {
        name: TrialSpec(
            id="probe",
            configuration=configuration,
            data=replace(data, image_size=configuration.image_size),
            metric=study.objective.metric,
            goal=study.objective.goal,
            seed=study.seed,
            folder="",
            cpus=study.resources.cpus,
            gpus=study.resources.gpu_share,
        ).to_dict()
        for name, configuration in _configurations(study).items()
    }
    with ProcessPoolExecutor(slots, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_paces, [specs] * slots))
    return {
        name: Pace(
            *(statistics.median(getattr(paces[name], part) for paces in found) for part in ("setup", "epoch", "test"))
        )
        for name in specs
    }


def _configurations(study: Study) -> dict[str, Configuration]:
    """What stands for each arm, or for each architecture of a search."""
    if study.ablation is not None:
        return {arm.name: study.ablation.spaces[arm.name].first() for arm in study.ablation.arms}
    first = study.space.first()
    listed = study.space.architectures()
    if listed is None:
        return {first.architecture: first}
    found = [replace(first, **architecture._asdict()) for architecture in listed]
    return {configuration.architecture: configuration for configuration in found}


def _paces(specs: Mapping[str, dict[str, object]]) -> dict[str, Pace]:
    """In a process of its own."""
    return {name: _pace(TrialSpec.from_dict(spec)) for name, spec in specs.items()}


def _pace(spec: TrialSpec) -> Pace:
    from ablate.training.data import load_data
    from ablate.training.fresh import fresh_start
    from ablate.training.loop import Trial, parts_of

    def start() -> Trial:
        device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=spec.gpus)
        data = load_data(spec.data, device)
        return Trial(spec, data, parts_of(spec, data), {}, time.perf_counter())

    start()  # the first pays for what a warm process has: modules, data
    begin = time.perf_counter()
    trial = start()
    setup = time.perf_counter() - begin
    trial.train(1, WARM_STEPS)
    steps, begin = 0, time.perf_counter()
    while steps < LEAST_STEPS or time.perf_counter() - begin < ENOUGH_SECONDS:
        trial.train(1, LEAST_STEPS)
        steps += min(LEAST_STEPS, trial.batches.steps)
    step = (time.perf_counter() - begin) / steps
    begin = time.perf_counter()
    trial.validate()
    validation = time.perf_counter() - begin
    share = len(trial.data.test.labels) / len(trial.data.val.labels)
    return Pace(setup, trial.batches.steps * step + validation, validation * share)
