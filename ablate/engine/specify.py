"""From a trial of the study's memory to what a worker is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder
from ablate.study.study import Study
from ablate.training.spec import DataSpec, TrialSpec


def specify(
    asked: Asked, study: Study, data: DataSpec, folder: StudyFolder, latency: Mapping[str, Mapping[str, float]]
) -> TrialSpec:
    """The specification of one trial; `data` is the study's, `latency` what is known of each architecture."""
    return TrialSpec(
        id=asked.id,
        configuration=asked.configuration,
        data=replace(data, seed=asked.seed, image_size=asked.configuration.image_size),
        read_test=asked.phase == "final",
        metric=study.objective.metric,
        goal=study.objective.goal,
        seed=asked.seed,
        folder=str(folder.trial(asked.id)),
        checkpoints=folder.checkpoints(asked.id),
        cpus=study.resources.cpus,
        gpus=study.resources.gpu_share,
        workers=study.resources.workers,
        constraints={name: (limit.min, limit.max) for name, limit in study.constraints.items()},
        measure=study.measures,
        usd_per_hour=study.usd_per_hour,
        known_costs=latency.get(asked.configuration.architecture, {}),
    )
