"""D-optimal subsets: the runs of a grid that estimate all main effects best, where no orthogonal array holds the factors.

Runs are taken greedily, then exchanged for better ones as long as there are (Fedorov 1972). The D-efficiency compares with
a design that is balanced and orthogonal, as the whole grid is: 1 is as good per run, 0.9 needs a tenth more runs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]

DIGITS = 6
"""Gains are compared rounded to these, so that another machine's arithmetic does not choose other runs."""
RIDGE = 1e-6
"""Start of the greedy search, in which the first runs leave most effects open."""


def d_optimal(candidates: Table, levels: tuple[int, ...], num_runs: int) -> tuple[list[int], float]:
    """Rows of `candidates` [M, factors], the first always among them, ascending; and their D-efficiency, 0 to 1.

    An efficiency of 0 means that some effect cannot be estimated from any choice.
    """
    model = contrasts(candidates, levels)
    chosen = _greedy(model, num_runs)
    if efficiency(model[chosen]) > 0:
        _exchange(model, chosen)
    return sorted(chosen), efficiency(model[chosen])


def contrasts(runs: Table, levels: tuple[int, ...]) -> Matrix:
    """[N, 1 + sum of (levels - 1)] the mean and each factor's Helmert contrasts, of mean square 1 over its levels.

    `runs` [N, factors] are level numbers; where a factor does not exist, level -1, its contrasts are 0.
    """
    columns = [np.ones((len(runs), 1))]
    for factor, count in enumerate(levels):
        helmert = np.zeros((count, count - 1))
        for contrast in range(1, count):
            helmert[:contrast, contrast - 1], helmert[contrast, contrast - 1] = -1.0, contrast
        scaled = helmert / np.sqrt((helmert**2).mean(axis=0))
        columns.append(np.vstack([scaled, np.zeros(count - 1)])[runs[:, factor]])  # -1 is the last row
    return np.concatenate(columns, axis=1)


def efficiency(model: Matrix) -> float:
    """det(X'X / N)^(1/p); 0 where the runs leave an effect open."""
    if np.linalg.matrix_rank(model) < model.shape[1]:
        return 0.0
    _, log_det = np.linalg.slogdet(model.T @ model / len(model))
    return float(np.exp(log_det / model.shape[1]))


def _greedy(model: Matrix, num_runs: int) -> list[int]:
    chosen = [0]
    while len(chosen) < num_runs:
        inverse = np.linalg.inv(model[chosen].T @ model[chosen] + RIDGE * np.eye(model.shape[1]))
        gain = (model @ inverse * model).sum(axis=1)
        gain[chosen] = 0.0
        chosen.append(int((gain / gain.max()).round(DIGITS).argmax()))
    return chosen


def _exchange(model: Matrix, chosen: list[int]) -> None:
    """Replace runs, save the first, as long as the determinant grows by more than rounding."""
    improved = True
    while improved:
        improved = False
        for place in range(1, len(chosen)):
            inverse = np.linalg.inv(model[chosen].T @ model[chosen])
            across = model @ inverse
            own = (across * model).sum(axis=1)
            old = chosen[place]
            # the determinant's factor when run `old` goes and another comes (Fedorov's delta)
            gain = own - own[old] - own * own[old] + (across @ model[old]) ** 2
            gain[chosen] = 0.0
            best = int(gain.round(DIGITS).argmax())
            if gain[best] > 10**-DIGITS:
                chosen[place], improved = best, True
