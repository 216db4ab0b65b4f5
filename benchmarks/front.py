"""Seconds that the front, the ranks and the hypervolume of many points take.

    python benchmarks/front.py [--points 100000]

Two kinds of points: uniform in a cube, whose front is short, and on a sphere, where every point is on it. The best of
three, by the process's own clock, so that what else the machine does counts little.
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

Points = npt.NDArray[np.float64]


def made(kind: str, number: int, objectives: int) -> Points:
    """Points of the unit cube."""
    points = np.random.default_rng(0).random((number, objectives))
    return points if kind == "cube" else 1 - points / np.linalg.norm(points, axis=1, keepdims=True)


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
    print(f"{number:,} points   objectives  on the front   front s   hypervolume s   ranks s")
    for kind in ("cube", "sphere"):
        for objectives in (2, 3):
            points = made(kind, number, objectives)
            one = seconds(partial(front, points))
            volume = seconds(partial(hypervolume, points, np.ones(objectives)))
            ranked = f"{seconds(partial(ranks, points)):7.3f}" if objectives == 2 else "-"
            print(f"{kind:15} {objectives:10} {front(points).sum():13,} {one:9.3f} {volume:15.3f}   {ranked:>7}")


if __name__ == "__main__":
    main()
