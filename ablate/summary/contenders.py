"""Who may be the best arm: a set that holds the truly best one in at least 95 % of studies."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.summary.cells import Cells
from ablate.summary.effects import Effect
from ablate.summary.statistics import ALPHA, paired


def contenders(cells: Cells, effects: Sequence[Effect]) -> list[str]:
    """The arm with the best mean, and after it, best first, those that are not ruled out as the best.

    An arm is ruled out where the paired t test over the seeds that both have, at ALPHA over the number of the others, says
    that the leader is better; and where the study's own effects, corrected by Holm, say so of these two. The truly best arm
    is out only if one of its own tests errs in its direction: in at most ALPHA / 2 of studies by the first rule, whoever
    leads, and in as many by the second. So the leader may be chosen by the very values that are tested. What is controlled
    is this alone: that the leader is better than each arm that is out is more than the set says.

    Empty where no arm has a complete trial. Source: Gupta 1965 (Technometrics 7:225), with Bonferroni's bound in place of
    equal variances.
    """
    arms = cells.best_first()
    if not arms:
        return []
    leader, *others = arms
    told = _told(cells, effects, leader)
    return [leader, *(arm for arm in others if arm not in told and not _beats(cells, leader, arm, ALPHA / len(others)))]


def _told(cells: Cells, effects: Sequence[Effect], leader: str) -> set[str]:
    """Arms of which the effects say that the leader is better: where these compare two arms, one of them the baseline."""
    design = cells.design
    if design.kind not in ("one_at_a_time", "leave_one_out"):
        return set()
    compared = (arm for arm in design.arms if arm != design.baseline)  # in the order of the effects
    verdicts = {arm: effect.verdict for arm, effect in zip(compared, effects, strict=True)}
    if leader == design.baseline:
        return {arm for arm, verdict in verdicts.items() if verdict == "worse"}
    return {design.baseline} if verdicts[leader] == "better" and design.baseline is not None else set()


def _beats(cells: Cells, leader: str, arm: str, alpha: float) -> bool:
    ahead, behind = cells.values(leader), cells.values(arm)
    sign = 1 if cells.goal == "maximize" else -1
    found = paired([sign * (ahead[seed] - behind[seed]) for seed in ahead if seed in behind])
    return found.p is not None and found.mean is not None and found.mean > 0 and found.p <= alpha
