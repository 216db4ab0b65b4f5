"""Who may be the best arm: a set that holds the truly best one in at least 95 % of studies."""

from __future__ import annotations

from ablate.summary.cells import Cells
from ablate.summary.statistics import ALPHA, paired


def contenders(cells: Cells) -> list[str]:
    """The arm with the best mean, and after it, best first, those that it is not shown to be better than.

    An arm is out where the paired t test over the seeds that both have, one-sided and at ALPHA over the number of the
    others, says that the leader is better. The truly best arm is out only if one of its own tests errs, which happens in at
    most ALPHA of studies, whoever leads: so the leader may be chosen by the values that are tested. Empty where no arm has a
    complete trial. Source: Gupta 1965 (Technometrics 7:225), with Bonferroni's bound in place of equal variances.
    """
    arms = cells.best_first()
    if not arms:
        return []
    leader, *others = arms
    return [leader, *(arm for arm in others if not _beats(cells, leader, arm, ALPHA / len(others)))]


def _beats(cells: Cells, leader: str, arm: str, alpha: float) -> bool:
    ahead, behind = cells.values(leader), cells.values(arm)
    sign = 1 if cells.goal == "maximize" else -1
    found = paired([sign * (ahead[seed] - behind[seed]) for seed in ahead if seed in behind])
    return found.p is not None and found.mean is not None and found.mean > 0 and found.p / 2 <= alpha
