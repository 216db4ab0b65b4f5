"""Twins: arms of another configuration whose trials agree to the last bit; what they differ in was probably never read."""

from __future__ import annotations

from itertools import combinations

from ablate.summary.cells import Cells


def twins_of(cells: Cells) -> list[tuple[str, str, list[str]]]:
    """Two arms, and the parameters in which they differ, where every metric is equal in every seed that both have."""
    found = []
    for one, other in combinations(cells.rows, 2):
        seeds = cells.rows[one].keys() & cells.rows[other].keys()
        pairs = [(cells.rows[one][seed], cells.rows[other][seed]) for seed in seeds]
        if pairs and all(a.metrics == b.metrics for a, b in pairs):
            first, second = pairs[0][0].params, pairs[0][1].params
            differ = [name for name in {**first, **second} if first.get(name) != second.get(name)]
            if differ:
                found.append((one, other, differ))
    return found
