"""The plan of a study: what it would try, for how long, and what its architectures cost."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ablate.catalogue.datasets import DATASETS, holds_books
from ablate.store.read import StudyResults
from ablate.study.domain import Fixed, describe
from ablate.study.study import Study
from ablate.summary.ablation_plan import AblationPlan, ablation_lines, plan_ablation
from ablate.summary.duration import Duration
from ablate.summary.halving import epochs_of, reach
from ablate.summary.scaling import Scaling, scaling_lines
from ablate.types import Scalar, counted


@dataclass(frozen=True)
class Rung:
    """Where ASHA compares trials."""

    epoch: int
    trials: int
    """About how many trials come this far."""


@dataclass(frozen=True)
class Plan:
    """What `ablate plan` says."""

    study: str
    question: str
    objective: str
    algorithm: str
    trials: int
    """As many as are asked for, or as the space has."""
    trials_asked: int
    configurations: int | None
    """How many the space has; None where it has a range of reals."""
    epochs: int
    resources: str
    """What a trial holds while it trains."""
    space: Mapping[str, str]
    """Name of each parameter that differs from trial to trial -> its values."""
    fixed: Mapping[str, Scalar]
    """Name of each parameter that all trials share -> its value; of a level, all trials with that level."""
    rungs: list[Rung]
    last_epoch_trials: int
    """About how many trials train to the last epoch."""
    epochs_in_all: int
    """About how many epochs are trained over all trials; at most trials x epochs."""
    constraints: Mapping[str, str]
    """Name of each cost -> its bounds."""
    item: str
    """What a network embeds, and its FLOPs are of: image or book."""
    architectures: Mapping[str, Mapping[str, float]]
    """Backbone and width -> its static costs; empty where they cannot be counted."""
    forbidden: Mapping[str, str]
    """Backbone and width -> the constraint that its static costs break: it will not be trained."""
    ablation: AblationPlan | None = None
    """In place of the search."""
    duration: Duration | None = None
    """Where it was probed."""
    scaling: Scaling | None = None
    """Where a cluster was asked about."""
    done: int = 0
    """Trials that an earlier run has ended: they are not repeated."""
    notes: tuple[str, ...] = ()
    """What an earlier run has written down of the data."""


def make_plan(
    study: Study,
    architectures: Mapping[str, Mapping[str, float]],
    earlier: StudyResults | None = None,
    duration: Duration | None = None,
    scaling: Scaling | None = None,
) -> Plan:
    """The plan of `study`; `architectures` are the static costs of its networks, `earlier` is what it has found so far."""
    size = study.space.size
    trials = min(study.search.trials, size) if size is not None else study.search.trials
    stopping = study.search.stopping
    come = reach(stopping.asha if stopping else None, trials=trials, epochs=study.space.epochs)
    domains = study.space.domains
    *rungs, end = (Rung(epoch, round(count)) for epoch, count in come.items())
    return Plan(
        study=study.name,
        question=study.question,
        objective=", ".join(f"{each.goal} {each.metric}" for each in study.objectives),
        algorithm=study.search.algorithm,
        trials=trials,
        trials_asked=study.search.trials,
        configurations=size,
        epochs=study.space.epochs,
        resources=_resources(study),
        item="book" if holds_books(DATASETS[study.data.name]) else "image",
        space={name: describe(domain) for name, domain in domains.items() if not isinstance(domain, Fixed)},
        fixed={name: domain.value for name, domain in domains.items() if isinstance(domain, Fixed)},
        rungs=rungs,
        last_epoch_trials=end.trials,
        epochs_in_all=round(epochs_of(come)),
        constraints={name: limit.describe() for name, limit in study.constraints.items()},
        architectures=architectures,
        forbidden={name: broken for name, costs in architectures.items() if (broken := _broken(study, costs))},
        ablation=None if study.ablation is None else plan_ablation(study, study.ablation, earlier),
        duration=duration,
        scaling=scaling,
        done=_ended(study, earlier) if earlier else 0,
        notes=earlier.notes if earlier else (),
    )


def _ended(study: Study, earlier: StudyResults) -> int:
    """Trials of an earlier run that the study would not train again: of an ablation those of arms and seeds that it has."""
    ended = [row for row in earlier.trials if row.state != "running"]
    if study.ablation is None:
        return len(ended)
    return sum(study.ablation.asks_for(row.phase, row.arm, row.seed) for row in ended)


def _resources(study: Study) -> str:
    """1 CPU and 0.25 GPUs, and what to do without a GPU."""
    held = study.resources
    cpus = counted(held.cpus, "CPU")
    gpus = {0.0: "", 1.0: " and 1 GPU"}.get(held.gpu_share, f" and {held.gpu_share:g} of a GPU")
    gpus = " and a share of a GPU, as its memory allows" if held.gpus == "auto" else gpus
    each = f"{held.workers} workers, each with {cpus}{gpus}" if held.workers > 1 else f"{cpus}{gpus}"
    return f"{each}; without a GPU: --set resources.gpus=0" if gpus else each


def _broken(study: Study, costs: Mapping[str, float]) -> str:
    """The constraints that these costs break; empty where they keep all that they can be held against."""
    limits = {name: limit for name, limit in study.constraints.items() if name in costs}
    return ", ".join(f"{name} {limit.describe()}" for name, limit in limits.items() if not limit.allows(costs[name]))


def as_json(plan: Plan) -> str:
    """For machines."""
    return json.dumps(asdict(plan), indent=1)


def as_text(plan: Plan, arguments: str) -> str:
    """For people; the next command last, `ablate run` with these arguments."""
    search = f"search by {plan.algorithm}: {_count(plan.trials, 'trial')} of {_count(plan.epochs, 'epoch')}"
    lines = [
        _row(plan.study, "ablation" if plan.ablation else search),
        *([_row("question", plan.question)] if plan.question else []),
        _row("objective", plan.objective),
        _row("a trial holds", plan.resources),
        *(_search(plan) if plan.ablation is None else (_row(*line) for line in ablation_lines(plan.ablation))),
        *([_row("time", plan.duration.text)] if plan.duration else []),
        *_scaling(plan),
        *([_row("so far", f"{_count(plan.done, 'trial')} ended: kept, and not repeated")] if plan.done else []),
        *(_row("data", note) for note in plan.notes),
        *(_row("constraint", f"{name} {bounds}") for name, bounds in plan.constraints.items()),
        *_architectures(plan),
        _row("run it", f"ablate run {arguments}"),
    ]
    return "\n".join(lines)


def _search(plan: Plan) -> list[str]:
    """Space, rungs and epochs of a search."""
    most = plan.trials * plan.epochs
    about = f"about {plan.epochs_in_all:,} in all" if plan.rungs else f"{most:,} in all"
    limit = f" (at most {most:,}, without stopping)" if plan.rungs else ""
    return [*_space(plan), *_stopping(plan), _row("epochs", about + limit)]


def _row(label: str, text: str) -> str:
    return f"{label:14} {text}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _space(plan: Plan) -> list[str]:
    """How many configurations there are, what is drawn, and what is fixed."""
    count = "more than can be counted: it has ranges of reals"
    if plan.configurations is not None:
        count = _count(plan.configurations, "configuration")
        if plan.trials < plan.trials_asked:
            count += f", fewer than the {plan.trials_asked:,} trials asked for: each is tried once"
    width = max(map(len, plan.space), default=0)
    fixed = textwrap.wrap(", ".join(f"{name} {value}" for name, value in plan.fixed.items()), width=100)
    return [
        _row("space", count),
        *(f"  {name:{width}}   {values}" for name, values in plan.space.items()),
        *(_row("" if index else "fixed", line) for index, line in enumerate(fixed)),
    ]


def _stopping(plan: Plan) -> list[str]:
    if not plan.rungs:
        return [_row("stopping", "none: every trial trains to its last epoch")]
    reach = [f"{rung.trials} reach epoch {rung.epoch}" for rung in plan.rungs]
    return [_row("stopping", f"ASHA: {', '.join(reach)}, about {plan.last_epoch_trials} the last")]


def _scaling(plan: Plan) -> list[str]:
    lines = scaling_lines(plan.scaling) if plan.scaling else []
    return [_row("" if place else "scaling", line) for place, line in enumerate(lines)]


def _architectures(plan: Plan) -> list[str]:
    """A table, the cheapest first."""
    if not plan.architectures:
        return [_row("architectures", "too many to list: a parameter of a backbone is a range")]
    width = max(map(len, plan.architectures))
    lines = [_row("architectures", f"{len(plan.architectures)}, the cheapest first; FLOPs are of one {plan.item}")]
    if plan.forbidden:
        every = len(plan.forbidden) == len(plan.architectures)
        broken = "each of them breaks" if every else f"{len(plan.forbidden)} of them break"
        lines.append(_row("", f"{broken} a constraint; their trials end before they train"))
    for name, costs in sorted(plan.architectures.items(), key=lambda item: item[1]["cost/flops"]):
        flops = f"{costs['cost/flops'] / 1e6:>10,.3f} MFLOP"
        broken = f"  infeasible: {plan.forbidden[name]}" if name in plan.forbidden else ""
        lines.append(f"  {name:{width}} {costs['cost/params']:>14,.0f} parameters {flops}{broken}")
    return lines
