"""What a study improves: one metric of the validation split, or two or three of metrics and costs, each with its better way.

Reads the document, not the validated file: a fault in one part must not hide those of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablate.catalogue.costs import COSTS
from ablate.catalogue.entries import goal_of
from ablate.catalogue.metrics import DEFAULT_METRICS, METRICS, ONE_SIDED, PROTOCOLS
from ablate.errors import Fault
from ablate.study.keys import near
from ablate.study.study import Objective
from ablate.study.yaml_lines import Document, Path, dotted


def check_objectives(document: Document, faults: list[Fault]) -> tuple[Objective, ...]:
    """The study's objectives, the one that says which epoch is the best first."""
    several = document.get("objectives")
    if "objectives" in document.tree and several is None:
        where, mend = document.where(("objectives",)), "name two or three, or remove it"
        faults.append(Fault(where, "objectives is empty", mend))
    if not isinstance(several, list):  # not there, or told
        return (_Reader(document, faults).alone(),)
    _check_alone(document, faults)
    reader = _Reader(document, faults)
    found = [reader.one_of_several(place, item) for place, item in enumerate(several) if isinstance(item, dict)]
    objectives = tuple(each for each in found if each is not None)
    _check_first(document, several, faults)
    _check_twice(document, objectives, faults)
    return objectives or (Objective("", ""),)


def check_algorithm(document: Document, faults: list[Fault]) -> None:
    """NSGA-II crosses the trials of a front; of one objective there is none."""
    if document.get("search", "algorithm") == "nsga2" and "objectives" not in document.tree:
        where, what = document.where(("search", "algorithm")), "search.algorithm: nsga2 weighs several objectives"
        faults.append(Fault(where, what, "write tpe, or objectives: [{metric: ...}, {metric: cost/flops}]"))


class _Reader:
    """Reads objectives of one document."""

    def __init__(self, document: Document, faults: list[Fault]) -> None:
        self.document, self.faults = document, faults
        protocol = document.get("data", "protocol", default="retrieval")
        self.protocol = protocol if isinstance(protocol, str) else ""
        self.reported = [metric.name for metric in PROTOCOLS.get(self.protocol, METRICS.values())]

    def alone(self) -> Objective:
        """`objective`, or the default of the protocol."""
        default = next(name for name in DEFAULT_METRICS if name in self.reported)
        metric = self.document.get("objective", "metric", default=f"val/{default}")
        goal = self.document.get("objective", "goal")
        found = self._objective(("objective",), metric, goal, [f"val/{name}" for name in self.reported])
        return found or Objective("", "")  # the schema has said so

    def one_of_several(self, place: int, item: dict[str, Any]) -> Objective | None:
        """An item of `objectives`; None where it names none, which the schema has said."""
        known = [*(f"val/{name}" for name in self.reported), *COSTS]
        return self._objective(("objectives", place), item.get("metric"), item.get("goal"), known)

    def _objective(self, path: Path, metric: object, goal: object, known: list[str]) -> Objective | None:
        if not isinstance(metric, str):
            return None
        split, _, name = metric.rpartition("/")
        where, called = self.document.where((*path, "metric")), f"{dotted(path)}.metric"
        if split == "test":
            mend = f"write val/{name}" if name in self.reported else near(f"val/{name}", known)
            self.faults.append(Fault(where, f"{called}: {metric} is sealed until the search is over", mend))
        elif metric not in known:
            what = f"{called}: '{metric}' is not reported by protocol {self.protocol}"
            self.faults.append(Fault(where, what, near(metric if split else f"val/{metric}", known)))
        if name in ONE_SIDED and path in (("objective",), ("objectives", 0)):
            what = f"{called}: {metric} is 0 where all pairs are judged alike, and would choose such an epoch"
            self.faults.append(Fault(where, what, "write val/auc or val/eer, or put another objective before it"))
        own = goal_of(metric)
        if own and goal in ("maximize", "minimize") and goal != own:
            better = "larger" if own == "maximize" else "smaller"
            what = f"{dotted(path)}.goal: {goal}, but {name} is the better the {better} it is"
            self.faults.append(Fault(self.document.where((*path, "goal")), what, f"write {own}, or leave goal out"))
        return Objective(metric, own or "maximize")


def _check_alone(document: Document, faults: list[Fault]) -> None:
    """Several objectives stand in place of one, and in a search."""
    where = document.where(("objectives",))
    if "objective" in document.tree:
        faults.append(Fault(where, "objectives stands beside objective", "remove one of the two"))
    if "ablation" in document.tree:
        mend = "write objective: {metric: val/...}; what else counts, `ablate summarize --metric` and --pareto show"
        faults.append(Fault(where, "objectives: an ablation compares its arms by one objective", mend))


def _check_first(document: Document, several: Sequence[Any], faults: list[Fault]) -> None:
    """Only a metric tells one epoch of a trial from another; a cost only grows."""
    first = several[0].get("metric") if several and isinstance(several[0], dict) else None
    if isinstance(first, str) and first in COSTS:
        what = f"objectives: {first} stands first, but the first says which epoch of a trial is its best"
        faults.append(Fault(document.where(("objectives", 0)), what, "put a val/ metric first"))


def _check_twice(document: Document, objectives: Sequence[Objective], faults: list[Fault]) -> None:
    names = [each.metric for each in objectives]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        where = document.where(("objectives", len(names) - 1 - names[::-1].index(name)))
        faults.append(Fault(where, f"objectives: {name} stands here twice", "remove one of the two"))
