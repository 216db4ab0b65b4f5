"""How long a study will take on this machine, from a probe of some steps of each of its networks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from ablate.study.study import Study
from ablate.summary.scaling import plays
from ablate.summary.trial_paces import probed
from ablate.training.probe import Pace
from ablate.types import counted


@dataclass(frozen=True)
class Duration:
    """An estimate."""

    seconds: float
    """From the command to its end."""
    slots: int
    probed: int
    """Networks that were probed."""
    shared: bool = False
    """Whether several trials will share a GPU, which nobody has measured yet."""

    @property
    def text(self) -> str:
        """For people."""
        if self.seconds < 120:
            time = f"{self.seconds:.0f} s"
        else:
            time = f"{self.seconds / 60:.0f} min" if self.seconds < 7200 else f"{self.seconds / 3600:.1f} h"
        at_once, probed = counted(self.slots, "trial"), counted(self.probed, "configuration")
        faster = "; less where several share a GPU, which is measured when it runs" if self.shared else ""
        return f"about {time} with {at_once} at once (from a probe of {probed}){faster}"


def estimate(study: Study, paces: Mapping[str, Pace], *, slots: int) -> Duration:
    """Of a whole study; `paces` are those of its arms by their names, of a search those of some of its configurations."""
    runs = plays(study, probed(study, paces), slots=slots)
    return Duration(statistics.fmean(run.seconds for run in runs), slots, len(paces), study.resources.gpus == "auto")
