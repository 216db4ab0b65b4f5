"""Rows for tests of the summary, made by hand."""

from __future__ import annotations

from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.types import TrialResult


def row(id: str, state: str = "complete", *, reason: str | None = None, **numbers: float) -> TrialResult:
    """A trial; `recall=0.9, flops=2e6` are val/recall_at_1 and cost/flops, other names are taken with `__` for `/`."""
    short = {"recall": "val/recall_at_1", "eer": "val/eer", "flops": "cost/flops", "latency": "cost/latency_ms_p50"}
    named = {short.get(name, name.replace("__", "/")): value for name, value in numbers.items()}
    return TrialResult(
        id=id,
        state=state,
        reason=reason,
        seed=0,
        arm="mlp triplet random adam constant",
        params={
            "backbone": "mlp",
            "backbone.width": 16 * (1 + int(id)),
            "loss": "triplet",
            "loss.margin": 0.123456,
            "sampler": "random",
            "epochs": 4,
        },
        metrics={name: value for name, value in named.items() if not name.startswith("cost/")},
        cost={name: value for name, value in named.items() if name.startswith("cost/")},
        epochs=4 if state == "complete" else 2,
    )


def of(*trials: TrialResult, metric: str = "val/recall_at_1", goal: str = "maximize") -> StudyResults:
    """The study of these trials."""
    return StudyResults("made-up", "Which is best?", Objective(metric, goal), list(trials))
