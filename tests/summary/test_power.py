"""Power against the noncentral t distribution, a quadrature from first principles, and simulated t tests."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

from ablate.summary.power import detectable, power_of, seeds_needed


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 12])
@pytest.mark.parametrize("n", [2, 3, 5, 10, 30, 200])
def test_power_is_that_of_the_noncentral_t_in_both_tails(n: int, alpha: float) -> None:
    for difference in (0.0, 0.1, 1.0, 3.0):
        shift, bound = difference / 2 * math.sqrt(n), stats.t.isf(alpha / 2, n - 1)
        expected = stats.nct.sf(bound, n - 1, shift) + stats.nct.sf(bound, n - 1, -shift)
        assert power_of(n, difference, 2, alpha=alpha) == pytest.approx(expected, rel=1e-7, abs=1e-12)
        assert power_of(n, -difference, 2, alpha=alpha) == power_of(n, difference, 2, alpha=alpha)


def power_by_quadrature(n: int, difference: float, alpha: float) -> float:
    """The chance that a normal mean is beyond `bound` of its errors, over all sizes that the error may turn out to have."""
    bound, shift = stats.t.isf(alpha / 2, n - 1), difference * math.sqrt(n)

    def given(squares: float) -> float:
        error = math.sqrt(squares / (n - 1))
        seen = special.ndtr(shift - bound * error) + special.ndtr(-shift - bound * error)
        return float(seen * stats.chi2.pdf(squares, n - 1))

    turn = (n - 1) * (shift / bound) ** 2  # where the integrand falls
    parts = [0, turn / 4, turn / 2, turn, 2 * turn, 4 * turn + 10 * n]
    return float(sum(integrate.quad(given, a, b, limit=200)[0] for a, b in pairwise(parts)))


@pytest.mark.parametrize("n", [3, 4, 6, 10])
@pytest.mark.parametrize("difference", [0.5, 2.0, 5.0])
def test_power_is_that_of_a_quadrature_from_first_principles(n: int, difference: float) -> None:
    for alpha in (0.05, 0.001):
        expected = power_by_quadrature(n, difference, alpha)
        assert power_of(n, difference, 1, alpha=alpha) == pytest.approx(expected, rel=1e-6)


def test_power_grows_with_the_difference_and_is_a_number_everywhere() -> None:
    """Scipy's distribution has holes far out: at 5 seeds a difference of 26 deviations is in one."""
    for n in (2, 5, 10, 50, 1_000):
        for alpha in (0.05, 0.05 / 66):
            shifts = [*np.linspace(0, 70, 700), *np.geomspace(70, 1e12, 100), 1e200]
            powers = [power_of(n, shift / math.sqrt(n), 1, alpha=alpha) for shift in shifts]
            assert powers[0] == pytest.approx(alpha) and powers[-1] == 1
            assert all(later >= earlier - 1e-12 for earlier, later in pairwise(powers))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_detectable_difference_is_found_in_80_percent_of_simulated_studies(n: int) -> None:
    deviation, studies = 0.7, 20_000
    difference = detectable(n, deviation)
    drawn = np.random.default_rng(n).normal(difference, deviation, size=(studies, n))
    found = float((stats.ttest_1samp(drawn, 0, axis=1).pvalue <= 0.05).mean())
    assert found == pytest.approx(0.8, abs=4 * math.sqrt(0.8 * 0.2 / studies))


@pytest.mark.parametrize(("difference", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_the_seeds_needed_are_the_textbooks(difference: float, seeds: int) -> None:
    """Small, medium and large effects, paired, two-sided 5 %, power 80 %: 199, 34 and 15 pairs (Cohen 1988; G*Power)."""
    assert seeds_needed(difference, 1) == seeds
    assert seeds_needed(-3 * difference, 3) == seeds
    assert detectable(seeds, 1) <= difference < detectable(seeds - 1, 1)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 4, 0.05 / 12])
@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
def test_seeds_needed_is_the_inverse_of_detectable(n: int, alpha: float) -> None:
    difference = detectable(n, 0.3, alpha=alpha)
    assert power_of(n, difference, 0.3, alpha=alpha) == pytest.approx(0.8, rel=1e-9)
    assert seeds_needed(1.000001 * difference, 0.3, alpha=alpha) == n
    assert seeds_needed(0.999 * difference, 0.3, alpha=alpha) == n + 1


def test_power_at_its_edges() -> None:
    assert detectable(1, 0.5) == detectable(0, 0.5) == math.inf
    assert detectable(5, 0.0) == 0
    assert power_of(1, 9.0, 0.1) == 0
    assert power_of(5, 0.0, 0.0) == 0 and power_of(5, 1e-9, 0.0) == 1
    assert power_of(5, -1e200, 1.0) == power_of(5, 1e200, 1.0) == 1
    assert seeds_needed(0.0, 1.0) is None and seeds_needed(0.0, 0.0) is None
    assert seeds_needed(0.1, 0.0) == 2
    assert seeds_needed(0.5, 1, most=33) is None and seeds_needed(0.5, 1, most=34) == 34
    with pytest.raises(AssertionError, match="between alpha"):
        detectable(5, 1, power=1)
