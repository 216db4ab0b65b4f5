"""Ablations for tests of the summary: rows made by hand, from what each arm is to reach with each seed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from ablate.store.design import Design
from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.types import Scalar, TrialResult

LEVELS: dict[str, tuple[Scalar, ...]] = {"loss": ("triplet", "info_nce", "circle"), "sampler": ("random", "hard")}
BASELINE: dict[str, Scalar] = {"loss": "triplet", "sampler": "random"}


def design(
    kind: str, arms: Mapping[str, Mapping[str, Scalar]], *, seeds: int, margin: float | None = None, tuned: int = 0
) -> Design:
    """Over LEVELS."""
    baseline = next((name for name, levels in arms.items() if dict(levels) == BASELINE), None)
    return Design(kind, arms, baseline, LEVELS, BASELINE, tuple(range(seeds)), margin, tuned, (), "")


def one_at_a_time() -> dict[str, dict[str, Scalar]]:
    return {
        "baseline": dict(BASELINE),
        "loss=info_nce": {**BASELINE, "loss": "info_nce"},
        "loss=circle": {**BASELINE, "loss": "circle"},
        "sampler=hard": {**BASELINE, "sampler": "hard"},
    }


def grid() -> dict[str, dict[str, Scalar]]:
    return {f"loss={a} sampler={b}": {"loss": a, "sampler": b} for a, b in product(*LEVELS.values())}


def study(made: Design, values: Mapping[tuple[str, int], float | None], *, goal: str = "maximize") -> StudyResults:
    """One final trial for each value; None is a failed one, a missing cell was not trained."""
    rows = []
    for number, ((arm, seed), value) in enumerate(values.items()):
        state, reason = ("complete", None) if value is not None else ("failed", "diverged: the loss became nan")
        metrics = {} if value is None else {"val/recall_at_1": value + 0.05, "test/recall_at_1": value}
        rows.append(
            TrialResult(
                id=f"{number:04d}",
                state=state,
                reason=reason,
                seed=seed,
                arm=arm,
                params=dict(made.arms[arm]),
                metrics=metrics,
                cost={"cost/train_seconds": 2.0 if "hard" in arm else 1.0, "cost/flops": 1e6},
                epochs=3,
                phase="final",
            )
        )
    return StudyResults("made-up", "Which is best?", Objective("val/recall_at_1", goal), rows, made)
