"""The plan of a study: what it would try, for how long, and what its architectures cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ablate.study.domain import describe
from ablate.study.study import Study


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
    trials: int
    configurations: int | None
    """How many the space has; None where it has a range of reals."""
    epochs: int
    space: Mapping[str, str]
    """Name of each parameter -> its values."""
    rungs: list[Rung]
    epochs_in_all: int
    """About how many epochs are trained over all trials; at most trials x epochs."""
    architectures: Mapping[str, Mapping[str, float]]
    """Backbone and width -> its static costs; empty where they cannot be counted."""


def make_plan(study: Study, architectures: Mapping[str, Mapping[str, float]]) -> Plan:
    """The plan of `study`; `architectures` are the static costs of its networks."""
    size = study.space.size
    trials = min(study.search.trials, size) if size is not None else study.search.trials
    rungs = _rungs(study, trials)
    ends = [*(rung.epoch for rung in rungs), study.space.epochs]
    reach = [trials, *(max(1, round(rung.trials / _factor(study))) for rung in rungs)]
    spent = [0, *ends]
    in_all = sum(count * (end - begin) for count, begin, end in zip(reach, spent, ends, strict=False))
    return Plan(
        study=study.name,
        question=study.question,
        objective=f"{study.objective.goal} {study.objective.metric}",
        trials=trials,
        configurations=size,
        epochs=study.space.epochs,
        space={name: describe(domain) for name, domain in study.space.domains.items()},
        rungs=rungs,
        epochs_in_all=in_all,
        architectures=architectures,
    )


def _factor(study: Study) -> int:
    stopping = study.search.stopping
    return stopping.asha.reduction_factor if stopping else 1


def _rungs(study: Study, trials: int) -> list[Rung]:
    """ASHA's rungs below the last epoch; each lets one of `reduction_factor` trials go on."""
    if study.search.stopping is None:
        return []
    rungs, epoch, reach = [], study.search.stopping.asha.grace_epochs, trials
    while epoch < study.space.epochs:
        rungs.append(Rung(epoch, reach))
        epoch, reach = epoch * _factor(study), max(1, round(reach / _factor(study)))
    return rungs


def as_json(plan: Plan) -> str:
    """For machines."""
    return json.dumps(asdict(plan), indent=1)


def as_text(plan: Plan, path: str) -> str:
    """For people; the next command last."""
    size = f" of {plan.configurations}" if plan.configurations is not None else ""
    lines = [f"{plan.study:14} search, {plan.trials} trials{size} of at most {plan.epochs} epochs, to {plan.objective}"]
    if plan.question:
        lines.append(f"{'question':14} {plan.question}")
    lines.append("space")
    lines += [f"  {name:32} {values}" for name, values in plan.space.items()]
    if plan.rungs:
        stops = ", ".join(f"epoch {rung.epoch}: {rung.trials}" for rung in plan.rungs)
        lines.append(f"{'stopping':14} ASHA; about so many trials reach {stops}")
    most = plan.trials * plan.epochs
    lines.append(f"{'epochs':14} about {plan.epochs_in_all} in all, at most {most}")
    if plan.architectures:
        lines.append("architectures  (static cost)")
        for name, costs in plan.architectures.items():
            flops = f"{costs['cost/flops'] / 1e6:.4g} MFLOP an image"
            lines.append(f"  {name:44} {costs['cost/params']:>12,.0f} parameters  {flops}")
    else:
        lines.append("architectures  too many to list: a parameter of a backbone is a range")
    lines.append(f"{'run it':14} ablate run {path}")
    return "\n".join(lines)
