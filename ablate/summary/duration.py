"""How long a study will take, from a probe of some steps of each of its networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablate.study.study import Study
from ablate.summary.ablation_plan import tuning_epochs
from ablate.summary.halving import epochs_of, reach
from ablate.training.probe import Pace

AROUND_SECONDS = 20.0
"""Before the first trial trains (Ray, torch: 11), and after the last (latency, MLflow, Ray's end); docs/benchmarks.md."""


@dataclass(frozen=True)
class Duration:
    """An estimate."""

    seconds: float
    """From the command to its end."""
    slots: int
    probed: int
    """Networks that were probed."""

    @property
    def text(self) -> str:
        """For people."""
        if self.seconds < 120:
            time = f"{self.seconds:.0f} s"
        else:
            time = f"{self.seconds / 60:.0f} min" if self.seconds < 7200 else f"{self.seconds / 3600:.1f} h"
        return f"about {time} with {self.slots} trials at once (from a probe of {self.probed} configurations)"


def estimate(study: Study, paces: Mapping[str, Pace], *, slots: int) -> Duration:
    """Of a whole study; `paces` are those of its arms by their names, of a search those of some of its configurations."""
    if study.ablation is None:
        mean = Pace(
            *(sum(getattr(p, name) for p in paces.values()) / len(paces) for name in ("setup", "epoch", "test"))
        )
        size, asked = study.space.size, study.search.trials
        trials = asked if size is None else min(asked, size)
        epochs = epochs_of(reach(study.asha, trials=trials, epochs=study.space.epochs))
        work = trials * mean.setup + epochs * mean.epoch + mean.test
    else:
        work = 0.0
        for arm, pace in paces.items():
            tuning, seeds = study.ablation.tuning_trials(arm), len(study.ablation.seeds)
            tuned = tuning_epochs(study.ablation, tuning) if tuning else 0.0
            work += (
                (tuning + seeds) * pace.setup + (tuned + seeds * study.space.epochs) * pace.epoch + seeds * pace.test
            )
    return Duration(AROUND_SECONDS + work / slots, slots, len(paces))
