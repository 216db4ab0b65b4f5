"""Costs that decide on trials must be known of them: some are of GPUs only, or of studies that say what an hour costs."""

from __future__ import annotations

from collections.abc import Iterator

from ablate.catalogue.costs import COSTS
from ablate.errors import Fault
from ablate.study.spending import Cost, Resources
from ablate.study.yaml_lines import Document, Path, dotted


def check_known(document: Document, cost: Cost, resources: Resources, faults: list[Fault]) -> None:
    """Append a fault for each constraint or objective that no trial of the study could be held against."""
    lacks = {
        "gpu": not resources.gpu_share
        and ("is known on GPUs only, and a trial holds none", "set resources.gpus, or leave it out"),
        "price": cost.machine is None
        and ("nothing says what an hour costs", "write cost: {prices: cluster/prices.yaml, machine: NAME}"),
    }
    for name, path in _deciding(document):
        lack = lacks.get(COSTS[name].needs) if name in COSTS else None
        if lack:
            why, mend = lack
            faults.append(Fault(document.where(path), f"{dotted(path)}: {why}", mend))


def _deciding(document: Document) -> Iterator[tuple[str, Path]]:
    """The costs that are constrained or an objective, and where they stand."""
    constraints, objectives = document.get("constraints"), document.get("objectives")
    for name in constraints if isinstance(constraints, dict) else ():
        yield name, ("constraints", name)
    for place, item in enumerate(objectives if isinstance(objectives, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("metric"), str):
            yield item["metric"], ("objectives", place, "metric")
