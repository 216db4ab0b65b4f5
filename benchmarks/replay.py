"""Searches on a recorded grid of real trials: how far each is from the grid's best, and what front it finds, by epochs spent.

Prints two tables. Regret: how far the best complete trial's objective is below the grid's best, in percent of that. Front: the
hypervolume of the complete trials in objective and logarithm of FLOPs, over that of random search with the same seed; each axis
runs from the grid's worst to its best. The grid comes from benchmarks/record_grid.py.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
from simulation import Found, Grid, Make, Ours, Stock, repeated

from ablate.metrics.hypervolume import hypervolume
from ablate.study.load import load_study
from ablate.study.schema import Asha
from ablate.study.study import Objective, Study
from ablate.study.tuning import Tuning
from ablate.summary.halving import epochs_of, reach

HERE = Path(__file__).parent
ASHA = Asha(grace_epochs=1, reduction_factor=3)
SHARES = (0.025, 0.05, 0.075, 0.1)
"""Of the grid's epochs, at which a search is looked at."""
WITHIN = 1.0
"""Percent of the grid's best: a search that comes so near has found it."""
FLOPS = Objective("cost/flops", "minimize")


class Scale:
    """Objective and log FLOPs of trials as numbers from 0 (the grid's best) to 1 (its worst)."""

    def __init__(self, grid: Grid, objective: Objective) -> None:
        self.objective = objective
        points = np.array([self._raw(curve) for curve in grid.curves.values()])
        self.low, self.high = points.min(axis=0), points.max(axis=0)

    def _raw(self, curve: list[dict[str, float]]) -> tuple[float, float]:
        return -best_of(curve, self.objective), math.log(curve[-1][FLOPS.metric])

    def volume(self, curves: list[list[dict[str, float]]]) -> float:
        """Of what these trials dominate; the reference point is the grid's worst."""
        points = np.array([self._raw(curve) for curve in curves]).reshape(-1, 2)
        return hypervolume((points - self.low) / (self.high - self.low), np.ones(2))


def best_of(curve: list[dict[str, float]], objective: Objective) -> float:
    """Of all epochs; larger is better."""
    return max(objective.sign * report[objective.metric] for report in curve)


def regrets(found: Found, objective: Objective, best: float, budgets: list[int]) -> list[float]:
    """Percent below the grid's best after so many epochs; 100 while no trial is complete."""
    known = [(spent, best_of(curve, objective)) for spent, curve in found.complete]
    return [100 * (1 - max((v for s, v in known if s <= budget), default=0.0) / best) for budget in budgets]


def epochs_to(found: Found, objective: Objective, best: float) -> float:
    """Epochs until the best is within WITHIN percent of the grid's; infinite where the budget did not do."""
    near = best * (1 - WITHIN / 100)
    return min((float(s) for s, curve in found.complete if best_of(curve, objective) >= near), default=math.inf)


def ours_of(
    study: Study, objectives: tuple[Objective, ...], algorithm: str, asha: Asha | None, *, budget: int, slots: int
) -> Make:
    """Our search, by its seed; it is told how many trials the budget is about enough for, as a study file would say."""
    trials = round(budget / epochs_of(reach(asha, trials=100, epochs=study.space.epochs)) * 100)
    tuning = Tuning(study.space, algorithm, trials, asha, seed=0)
    return lambda seed: Ours(study, replace(tuning, seed=seed), objectives, slots=slots)


def print_regret(study: Study, grid: Grid, *, repeats: int, slots: int) -> None:
    """The first table."""
    objective = study.objective
    best = max(best_of(curve, objective) for curve in grid.curves.values())
    budgets = [round(share * grid.epochs) for share in SHARES]

    def ours(algorithm: str, asha: Asha | None) -> Make:
        return ours_of(study, (objective,), algorithm, asha, budget=budgets[-1], slots=slots)

    searches: Mapping[str, Make] = {
        "random": ours("random", None),
        "TPE": ours("tpe", None),
        "**TPE + ASHA**": ours("tpe", ASHA),
        "Ray's OptunaSearch + ASHA": lambda seed: Stock(study.space, objective, asha=ASHA, seed=seed),
    }
    print(f"grid: {len(grid.curves)} configurations, {grid.epochs:,} epochs; best {objective.metric} {best:.4f}")
    print(f"{repeats} repeats, {slots} slots; regret in percent after so many epochs:")
    print("mean ± its standard error (where the worst tenth begins)\n")
    heads = [f"{budget} epochs" for budget in budgets]
    print(f"| search | {' | '.join(heads)} | trials | within {WITHIN:g} % | epochs to it, median |")
    print(f"|{' --- |' * (len(heads) + 4)}")
    for name, make in searches.items():
        runs = list(repeated(make, grid, repeats=repeats, budget=budgets[-1], slots=slots))
        rows = np.array([regrets(found, objective, best, budgets) for found in runs])
        errors = rows.std(axis=0, ddof=1) / math.sqrt(repeats)
        tenths = np.quantile(rows, 0.9, axis=0)
        cells = [f"{m:.2f} ± {e:.2f} ({t:.2f})" for m, e, t in zip(rows.mean(axis=0), errors, tenths, strict=True)]
        reached = np.array([epochs_to(found, objective, best) for found in runs])
        share, median = np.isfinite(reached).mean(), float(np.median(reached))
        epochs = f"{median:.0f}" if math.isfinite(median) else f"more than {budgets[-1]}"
        trials = np.mean([found.trials for found in runs])
        print(f"| {name} | {' | '.join(cells)} | {trials:.0f} | {share:.0%} | {epochs} |", flush=True)


def print_fronts(study: Study, grid: Grid, *, repeats: int, slots: int) -> None:
    """The second table."""
    both, scale = (study.objective, FLOPS), Scale(grid, study.objective)
    whole = scale.volume(list(grid.curves.values()))
    budget = round(SHARES[-1] * grid.epochs)

    def ours(objectives: tuple[Objective, ...], algorithm: str, asha: Asha | None) -> Make:
        return ours_of(study, objectives, algorithm, asha, budget=budget, slots=slots)

    searches: Mapping[str, Make] = {
        "random": ours(both, "random", None),
        "TPE": ours(both, "tpe", None),
        "NSGA-II": ours(both, "nsga2", None),
        "random + ASHA by rank": ours(both, "random", ASHA),
        "**TPE + ASHA by rank**": ours(both, "tpe", ASHA),
        "NSGA-II + ASHA by rank": ours(both, "nsga2", ASHA),
        "TPE + ASHA of the first objective alone": ours(both[:1], "tpe", ASHA),
    }
    names = f"{study.objective.metric} and {FLOPS.metric}"
    print(f"\n{names}: {repeats} repeats, {budget} epochs; hypervolume of the whole grid {whole:.3f}\n")
    print("| search | hypervolume, share of the grid's | over random | repeats above random | complete | trials |")
    print(f"|{' --- |' * 6}")
    base = np.array([])
    for name, make in searches.items():
        runs = list(repeated(make, grid, repeats=repeats, budget=budget, slots=slots))
        volumes = np.array([scale.volume([curve for _, curve in found.complete]) for found in runs])
        base = base if len(base) else volumes
        ratio, above = volumes.mean() / base.mean(), int((volumes > base).sum())
        complete, trials = np.mean([len(found.complete) for found in runs]), np.mean([found.trials for found in runs])
        said = f"{ratio:.3f} | {above} of {repeats}" if volumes is not base else "1 | "
        print(f"| {name} | {volumes.mean() / whole:.3f} | {said} | {complete:.0f} | {trials:.0f} |", flush=True)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200, help="of each search in the first table")
    parser.add_argument("--front-repeats", type=int, default=20, help="in the second")
    parser.add_argument("--slots", type=int, default=4, help="trials at once")
    parser.add_argument("--table", type=Path, default=HERE / "replay.csv.gz")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    study = load_study(HERE / "replay.yaml")
    grid = Grid(given.table)
    print_regret(study, grid, repeats=given.repeats, slots=given.slots)
    print_fronts(study, grid, repeats=given.front_repeats, slots=given.slots)


if __name__ == "__main__":
    main()
