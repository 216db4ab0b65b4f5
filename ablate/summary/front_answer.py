"""The first lines of a search of several objectives: the front that it found, from one end to the other."""

from __future__ import annotations

from ablate.store.read import StudyResults
from ablate.summary.pareto import Front, sign_of
from ablate.summary.words import configuration, head, number, varied
from ablate.types import TrialResult, counted


def front_answer(study: StudyResults, front: Front) -> list[str]:
    """How many trials are on the front, which is best in what, and from where to where it reaches."""
    names = front.names
    found = front.trials
    if len(found) == 1:
        complete = sum(row.state == "complete" for row in study.trials)
        rank = (
            "is the only complete one" if complete == 1 else f"is the best complete one in all of {' and '.join(names)}"
        )
        lead = f"{study.study}: {_chosen(study, found[0])} {rank}"
        return [lead, ", ".join(_said(found[0], name) for name in names) + " (one seed: no interval)"]
    lead = f"{study.study}: {counted(len(found), 'trial')} that no other beats in all of {' and '.join(names)}"
    return [lead, *(_best_in(study, found, name, names) for name in names), "each of one seed: no intervals"]


def _best_in(study: StudyResults, found: list[TrialResult], name: str, names: tuple[str, ...]) -> str:
    """The end of the front where `name` is best."""
    sign = sign_of(name, study.objective)
    best = min(found, key=lambda row: sign * {**row.metrics, **row.cost}[name])
    others = ", ".join(_said(best, other) for other in names if other != name)
    return f"best {_said(best, name)}, with {others}: {_chosen(study, best)}"


def _chosen(study: StudyResults, row: TrialResult) -> str:
    return f"{configuration(row, varied(study.trials))} (trial {row.id})"


def _said(row: TrialResult, name: str) -> str:
    """`val/recall_at_1 0.9791`, `0.172 MFLOP`."""
    return f"{name} {number(row, name)}" if name in row.metrics else f"{number(row, name)} {head(name)}"
