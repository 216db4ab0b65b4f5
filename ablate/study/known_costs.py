"""Costs that decide on trials must be known of them in time: some are of GPUs only, or of studies that say what an hour costs;
what is timed is timed before the first trial, of every network there can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ablate.catalogue.costs import COSTS
from ablate.errors import Fault
from ablate.study.space import Space
from ablate.study.spending import Cost, Resources
from ablate.study.yaml_lines import Document, Path, dotted


def check_known(
    document: Document, cost: Cost, resources: Resources, spaces: Sequence[Space], faults: list[Fault]
) -> None:
    """Append a fault for each constraint or objective that no trial of the study could be held against."""
    timed = any(space.architectures() is None for space in spaces) and (
        "is measured before the first trial, but the networks are too many to list",
        "write cost/flops, or lists of values for the backbone's parameters and embedding_dim",
    )
    lacks = {
        "gpu": not resources.gpu_share
        and ("is known on GPUs only, and a trial holds none", "set resources.gpus, or leave it out"),
        "price": cost.machine is None
        and ("nothing says what an hour costs", "write cost: {prices: cluster/prices.yaml, machine: NAME}"),
    }
    for name, path in _deciding(document):
        known = COSTS.get(name)
        if known is not None and (lack := timed if known.known == "timed" else lacks.get(known.needs)):
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
