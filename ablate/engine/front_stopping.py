"""ASHA of several objectives: at a rung the trials are ordered by non-dominated rank, not by one number.

Sources: Schmucker et al. 2021 (arXiv:2106.12639), with the order of `metrics.rank`; the rungs are Ray Tune's. Reads `_brackets`
and `_Bracket` of Ray 2.60's AsyncHyperBandScheduler; tests/engine/test_front_stopping.py fails where these change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ray.tune.schedulers import TrialScheduler
from ray.tune.schedulers.async_hyperband import _Bracket

from ablate.engine.stopping import Stopping
from ablate.metrics.rank import is_among
from ablate.study.schema import Asha
from ablate.study.study import Objective, point_of

Point = tuple[float, ...]
"""What is to be small, one number of each objective."""


class FrontStopping(Stopping):
    """Stops the trials that too many others at the rung are ahead of."""

    def __init__(
        self, asha: Asha, objectives: Sequence[Objective], epochs: int, stopped: dict[int, str] | None = None
    ) -> None:
        super().__init__(asha, objectives[0], epochs, stopped)
        self.objectives = objectives
        self._brackets = [FrontBracket(asha.grace_epochs, epochs + 1, asha.reduction_factor, 0)]
        self._metric_op = 1  # Ray multiplies what is compared by it; `FrontBracket` has a point there

    def value_of(self, trial: Any, result: dict[str, Any]) -> Any:
        """What the rung is told: a point; None where an objective is not known."""
        return point_of({**trial.config["spec"]["known_costs"], **result}, self.objectives)


class FrontBracket(_Bracket):  # type: ignore[misc]
    """Rungs whose trials are points."""

    def on_result(self, trial: Any, cur_iter: int, cur_rew: Point) -> str:
        """As in Ray's, a trial is looked at once, at the highest rung it has come to."""
        for milestone, recorded in self._rungs:
            if cur_iter < milestone or trial.trial_id in recorded:
                continue
            earlier = list(recorded.values())
            recorded[trial.trial_id] = cur_rew
            return str(TrialScheduler.CONTINUE if goes_on(cur_rew, earlier, self.rf) else TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)


def goes_on(point: Point, earlier: Sequence[Point], reduction_factor: float) -> bool:
    """Whether `point` is among the best 1 in `reduction_factor` of all that came to its rung, itself among them.

    One that equals an earlier one stands where that does: who came first is no better.
    """
    points = [*earlier, point]
    return is_among(points.index(point), points, max(1.0, len(points) / reduction_factor))
