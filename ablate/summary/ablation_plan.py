"""The plan of an ablation: its arms, what it can tell apart, how long it trains."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from ablate.store.read import StudyResults
from ablate.study.ablation import Ablation
from ablate.study.factors import written
from ablate.study.study import Study
from ablate.summary.cells import cells_of
from ablate.summary.effects import effects_of
from ablate.summary.halving import epochs_of, reach
from ablate.summary.power import detectable
from ablate.summary.statistics import ALPHA
from ablate.types import Scalar, counted

MOST_ARMS = 60
"""Arms that the text lists; `--json` has them all."""


@dataclass(frozen=True)
class AblationPlan:
    """What `ablate plan` says of an ablation."""

    design: str
    arms: Mapping[str, Mapping[str, Scalar]]
    """Name -> factor -> level."""
    factors: Mapping[str, list[Scalar]]
    """Name -> levels, the baseline's first."""
    seeds: list[int]
    trials: int
    """In all, those of the tuning among them."""
    tuning_trials: int
    """Of each arm, at most; 0 without tuning."""
    tuning_differs: bool
    """Whether an arm with fewer configurations than that has fewer."""
    epochs: int
    """Of each trial that judges an arm."""
    epochs_per_arm: int
    """About how many an arm trains with all its seeds and its tuning, at most."""
    epochs_in_all: int
    """About how many all arms train: one with fewer configurations has a shorter tuning."""
    comparisons: int
    """That are corrected together."""
    deviation: float | None
    """Of a difference between seeds."""
    deviation_from: str
    """Who says so: the study file, or an earlier run."""
    detectable: float | None
    """The smallest true difference that is found with 80 % power."""
    aliases: list[str]
    note: str


def plan_ablation(study: Study, ablation: Ablation, earlier: StudyResults | None) -> AblationPlan:
    """The plan; `earlier` is what an earlier run of the study found, whose scatter between seeds is taken."""
    comparisons = _comparisons(ablation)
    deviation, source = ablation.deviation, "the study file"
    if deviation is None and earlier is not None and earlier.design is not None:
        deviation, source = _scatter(earlier), "the trials so far"
    seeds = len(ablation.seeds)
    trials = [ablation.tuning_trials(arm.name) for arm in ablation.arms]
    tuning = [tuning_epochs(ablation, number) if number else 0.0 for number in trials]
    return AblationPlan(
        design=ablation.plan.design,
        arms={arm.name: dict(arm.levels) for arm in ablation.arms},
        factors={f.name: [f.baseline, *(level for level in f.levels if level != f.baseline)] for f in ablation.factors},
        seeds=list(ablation.seeds),
        trials=ablation.trials,
        tuning_trials=max(trials),
        tuning_differs=len(set(trials)) > 1,
        epochs=study.space.epochs,
        epochs_per_arm=seeds * study.space.epochs + round(max(tuning)),
        epochs_in_all=len(trials) * seeds * study.space.epochs + round(sum(tuning)),
        comparisons=comparisons,
        deviation=deviation,
        deviation_from=source if deviation is not None else "",
        detectable=detectable(seeds, deviation, alpha=ALPHA / comparisons) if deviation and seeds > 1 else None,
        aliases=list(ablation.plan.aliases),
        note=ablation.plan.note,
    )


def tuning_epochs(ablation: Ablation, trials: int) -> float:
    """About how many epochs the tuning of one arm trains."""
    asha = ablation.tune.stopping.asha if ablation.tune and ablation.tune.stopping else None
    return epochs_of(reach(asha, trials=trials, epochs=ablation.tuning_epochs))


def _comparisons(ablation: Ablation) -> int:
    """Levels that are compared with a baseline."""
    if ablation.plan.design in ("one_at_a_time", "leave_one_out"):
        return len(ablation.arms) - 1
    return sum(len(factor.levels) - 1 for factor in ablation.factors)


def _scatter(earlier: StudyResults) -> float | None:
    """The median deviation of a difference between seeds, over all levels that have two seeds or more."""
    found = sorted(
        effect.paired.deviation for effect in effects_of(cells_of(earlier)) if effect.paired.deviation is not None
    )
    return found[len(found) // 2] if found else None


def ablation_lines(plan: AblationPlan) -> list[tuple[str, str]]:
    """Label and text of each line, for people."""
    kind = plan.design.replace("_", " ")
    cells = len(plan.arms) * len(plan.seeds)
    head = f"{len(plan.arms)} arms x {len(plan.seeds)} seeds = {counted(cells, 'trial')} of {counted(plan.epochs, 'epoch')}"
    up_to = "up to " if plan.tuning_differs else ""
    tuned = (
        f"; first {up_to}{plan.tuning_trials} tuning trials an arm; {plan.trials:,} trials in all"
        if plan.tuning_trials
        else ""
    )
    lines = [("design", f"{kind}: {head}{tuned}")]
    for name, (first, *others) in plan.factors.items():
        lines.append(("factor", f"{name}: {written(first)} (baseline) | {' | '.join(map(written, others))}"))
    for position, (name, levels) in enumerate(list(plan.arms.items())[:MOST_ARMS]):
        changed = [f"{factor} {written(level)}" for factor, level in levels.items() if level != plan.factors[factor][0]]
        told = f": {', '.join(changed)}" if plan.design == "leave_one_out" and changed else ""
        lines.append(("arms" if position == 0 else "", name + told))
    if len(plan.arms) > MOST_ARMS:
        lines.append(("", f"and {len(plan.arms) - MOST_ARMS:,} more: --json"))
    lines += [("aliased", alias) for alias in plan.aliases]
    lines += [("guarantees", line) for note in plan.note.splitlines() for line in textwrap.wrap(note, 100)]
    lines.append(("epochs", f"about {up_to}{plan.epochs_per_arm:,} an arm, {plan.epochs_in_all:,} in all"))
    lines.append(("sees", _sees(plan)))
    return lines


def _sees(plan: AblationPlan) -> str:
    of = f"{plan.comparisons} comparison{'s' if plan.comparisons > 1 else ''}, corrected (Holm)"
    if len(plan.seeds) < 2:
        return f"nothing: one seed has no interval and no test; {of}"
    if plan.detectable is None or plan.deviation is None:
        return f"{of}; how small a difference depends on the scatter between seeds: give ablation.deviation, or run some seeds"
    return (
        f"a true difference of {plan.detectable * 100:.1f} points with 80 % power; {of}; "
        f"differences scatter by {plan.deviation * 100:.2f} points between seeds ({plan.deviation_from})"
    )
