"""Parameter importance of a search, by Optuna's evaluators, each with its spread over resampled trials.

Sources: fANOVA, Hutter et al. 2014 (ICML); PED-ANOVA, Watanabe et al. 2023 (arXiv:2304.10255).
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from ablate.store.folder import StudyFolder
from ablate.store.rows import known_trials
from ablate.store.storage import name_in_storage, open_to_read

if TYPE_CHECKING:
    from optuna.importance._base import BaseImportanceEvaluator

LEAST_TRIALS = 10
"""Complete ones; with fewer the evaluators answer, too, and say nothing."""
MOST_TRIALS = 1000
"""Of one repeat: the trees of 10,000 trials take minutes."""
REPEATS = 20
TREES = 16
"""Of each repeat: 320 in all, and the spread over the repeats is that of 64 (Optuna's default) within a hundredth."""


@dataclass(frozen=True)
class Importance:
    """One parameter: shares of what all parameters explain, 0 to 1; each the median, 5 % and 95 % over the repeats."""

    name: str
    fanova: tuple[float, float, float] | None
    """Of the variance over the whole space; None for a parameter that only some trials have."""
    ped_anova: tuple[float, float, float] | None
    """Of what makes a trial one of the best tenth."""


def importances(path: Path) -> list[Importance]:
    """Of the parameters of the search in `path` for its first objective, the most important first.

    Empty with fewer than LEAST_TRIALS complete trials.

    The repeats draw as many trials, with replacement: few trials make a wide spread. Of more than MOST_TRIALS they draw so
    many, and the spread is that of so many.
    """
    folder = StudyFolder(path)
    name = name_in_storage(folder, json.loads(folder.description.read_text())["study"])
    study = optuna.load_study(study_name=name, storage=open_to_read(folder))
    trials = [t for t in known_trials(study.get_trials(deepcopy=False)) if t.state == TrialState.COMPLETE]
    trials = [_by_first(trial) for trial in trials]
    if len(trials) < LEAST_TRIALS:
        return []
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator  # two seconds of imports

    draw, size = np.random.default_rng(0), min(len(trials), MOST_TRIALS)
    found: dict[str, list[list[float]]] = {}
    sample = _Sample(study.directions[0])
    for repeat in range(REPEATS):
        sample.hold([trials[place] for place in draw.integers(len(trials), size=size)])
        evaluators = (FanovaImportanceEvaluator(n_trees=TREES, seed=repeat), PedAnovaImportanceEvaluator())
        for place, evaluator in enumerate(evaluators):
            for name, share in _evaluate(sample, evaluator).items():
                found.setdefault(name, [[], []])[place].append(share)
    rows = [Importance(name, _spread(fanova), _spread(ped)) for name, (fanova, ped) in found.items()]
    return sorted(rows, key=lambda row: -(row.fanova or row.ped_anova or (0.0,))[0])


def _by_first(trial: FrozenTrial) -> FrozenTrial:
    """The trial with the first objective alone."""
    alone = copy.copy(trial)
    alone.values = trial.values[:1]
    return alone


class _Sample(optuna.Study):
    """A study of complete trials that are held as they are: to add them to one anew takes longer than to judge them."""

    def __init__(self, direction: optuna.study.StudyDirection) -> None:
        empty = optuna.create_study(direction=direction)
        super().__init__(empty.study_name, empty._storage)
        self._held: list[FrozenTrial] = []

    def hold(self, trials: list[FrozenTrial]) -> None:
        """Of a trial that was drawn twice each copy counts: PED-ANOVA tells trials apart by Optuna's key."""
        self._held = [copy.copy(trial) for trial in trials]
        for place, trial in enumerate(self._held):
            trial.number = trial._trial_id = place

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        return copy.deepcopy(self._held) if deepcopy else self._held


def _evaluate(study: _Sample, evaluator: BaseImportanceEvaluator) -> dict[str, float]:
    """Empty where the sample has no spread to explain."""
    if len({trial.value for trial in study.get_trials(deepcopy=False)}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message="Some regimes for parameter")  # what the spread shows
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def _spread(shares: list[float]) -> tuple[float, float, float] | None:
    if not shares:
        return None
    low, middle, high = np.quantile(shares, [0.05, 0.5, 0.95])
    return float(middle), float(low), float(high)
