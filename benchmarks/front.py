"""Seconds that the front, the ranks and the hypervolume of many points take, and the whole report of as many trials.

    python benchmarks/front.py [--points 100000]

Two kinds of points: uniform in a cube, whose front is short, and on a sphere, where every point is on it. The best of
three, by the process's own clock, so that what else the machine does counts little. The report is what
`ablate summarize --pareto` tells of a search with such trials, before it is written: tables, and all of JSON.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from ablate.metrics.front import front, ranks
from ablate.metrics.hypervolume import hypervolume
from ablate.store.read import StudyResults
from ablate.study.study import Objective
from ablate.summary.pareto import pareto_front
from ablate.summary.pareto_tables import pareto_report
from ablate.types import TrialResult

NAMES = ("val/eer", "cost/latency_ms_p50", "cost/flops")
"""Objectives of a trial, in place of a point's numbers: less is better in all."""
Points = npt.NDArray[np.float64]


def made(kind: str, number: int, objectives: int) -> Points:
    """Points of the unit cube."""
    points = np.random.default_rng(0).random((number, objectives))
    return points if kind == "cube" else 1 - points / np.linalg.norm(points, axis=1, keepdims=True)


def searched(points: Points) -> StudyResults:
    """A search whose trials have the points' numbers."""
    trials = [
        TrialResult(
            f"{at:06d}",
            "complete",
            None,
            0,
            "mlp",
            {"loss": "triplet", "loss.margin": float(at)},
            metrics,
            cost,
            epochs=1,
        )
        for at, (first, *others) in enumerate(points.tolist())
        for metrics, cost in [({NAMES[0]: first}, dict(zip(NAMES[1:], others, strict=False)))]
    ]
    return StudyResults("front", "", Objective(NAMES[0], "minimize"), trials)


def report(study: StudyResults, objectives: int) -> object:
    """All that is told of its front."""
    return pareto_report(study, pareto_front(study, NAMES[0], NAMES[1:objectives]))


def seconds(work: Callable[[], object]) -> float:
    """Of the processor, the best of three."""
    taken = []
    for _ in range(3):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    number = parser.parse_args().points
    print(f"{number:,} points   objectives  on the front   front s   hypervolume s   ranks s   report s")
    for kind in ("cube", "sphere"):
        for objectives in (2, 3):
            points = made(kind, number, objectives)
            one = seconds(partial(front, points))
            volume = seconds(partial(hypervolume, points, np.ones(objectives)))
            ranked = f"{seconds(partial(ranks, points)):7.3f}" if objectives == 2 else "-"
            told = seconds(partial(report, searched(points), objectives))
            count = front(points).sum()
            print(f"{kind:15} {objectives:10} {count:13,} {one:9.3f} {volume:15.3f}   {ranked:>7} {told:10.2f}")


if __name__ == "__main__":
    main()
