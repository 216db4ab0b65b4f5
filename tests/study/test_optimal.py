"""D-optimal subsets against all subsets, and their efficiency against orthogonal arrays."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from ablate.study.optimal import contrasts, d_optimal, efficiency
from ablate.study.orthogonal import smallest_fit


def runs_of(levels: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(list(product(*map(range, levels))))


@pytest.mark.parametrize("levels", [(2, 2), (3, 2), (5, 4, 3), (10, 3)])
def test_contrasts_of_a_whole_grid_are_orthonormal(levels: tuple[int, ...]) -> None:
    model = contrasts(runs_of(levels), levels)
    assert model.shape[1] == 1 + sum(levels) - len(levels)
    assert np.allclose(model.T @ model / len(model), np.eye(model.shape[1]))
    assert efficiency(model) == pytest.approx(1)


def test_an_orthogonal_array_has_efficiency_one_and_runs_that_leave_an_effect_open_zero() -> None:
    fit = smallest_fit((3, 3, 3, 3))
    assert fit is not None
    assert efficiency(contrasts(fit.runs, (3, 3, 3, 3))) == pytest.approx(1)
    assert efficiency(contrasts(np.array([[0, 0], [0, 1], [0, 2], [0, 1]]), (2, 3))) == 0


@pytest.mark.parametrize(
    ("levels", "num_runs"), [((2, 2, 2), 4), ((3, 2), 5), ((3, 3), 6), ((2, 2, 3), 6), ((4, 3), 8)]
)
def test_no_subset_with_the_first_run_is_better(levels: tuple[int, ...], num_runs: int) -> None:
    runs = runs_of(levels)
    chosen, found = d_optimal(runs, levels, num_runs)
    rest = combinations(range(1, len(runs)), num_runs - 1)
    best = max(efficiency(contrasts(runs[[0, *others]], levels)) for others in rest)
    assert found == pytest.approx(best)
    assert chosen[0] == 0 and len(set(chosen)) == num_runs == len(chosen)
    assert efficiency(contrasts(runs[chosen], levels)) == pytest.approx(found)


@pytest.mark.parametrize(("levels", "num_runs"), [((13, 3, 3), 39), ((8, 8, 2), 24), ((10, 10), 40)])
def test_larger_subsets_beat_the_best_of_random_ones(levels: tuple[int, ...], num_runs: int) -> None:
    runs = runs_of(levels)
    rng = np.random.default_rng(0)
    draws = (rng.choice(len(runs), num_runs, replace=False) for _ in range(200))
    assert d_optimal(runs, levels, num_runs)[1] > max(efficiency(contrasts(runs[draw], levels)) for draw in draws)


def test_an_effect_that_no_candidate_shows_is_told_by_an_efficiency_of_zero() -> None:
    runs = runs_of((3, 3))
    assert d_optimal(runs[runs[:, 0] != 2], (3, 3), 5)[1] == 0
