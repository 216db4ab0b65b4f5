"""The statistics of an ablation against scipy's tests, slow obvious loops and published tables."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from scipy import stats

from ablate.summary.resampling import Array
from ablate.summary.statistics import Paired, equivalence_p, holm, kendall_tau, paired, paired_rows, verdict

CASES = [(n, seed) for n in (2, 3, 5, 8, 12) for seed in range(6)]


def scores(n: int, seed: int) -> tuple[Array, Array]:
    """An arm and a baseline over n seeds that share what the seed did."""
    rng = np.random.default_rng([n, seed])
    shared = 3 * rng.standard_normal(n)
    return shared + rng.standard_normal(n) + 0.7, shared + rng.standard_normal(n)


@pytest.mark.parametrize(("n", "seed"), CASES)
def test_interval_and_p_are_those_of_the_paired_t_test(n: int, seed: int) -> None:
    arm, baseline = scores(n, seed)
    measured = paired(arm - baseline)
    oracle = stats.ttest_rel(arm, baseline)
    assert measured.p == pytest.approx(oracle.pvalue, rel=1e-9)
    for confidence in (0.5, 0.95, 0.99):
        interval = oracle.confidence_interval(confidence)
        measured = paired(arm - baseline, confidence=confidence)
        assert (measured.low, measured.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert measured.n == n
    assert measured.mean == pytest.approx(sum(arm - baseline) / n)
    assert measured.deviation == pytest.approx(stats.tstd(arm - baseline))


@pytest.mark.parametrize(("n", "seed"), CASES)
def test_the_sign_flip_p_is_that_of_scipys_exact_permutation_test(n: int, seed: int) -> None:
    arm, baseline = scores(n, seed)
    oracle = stats.permutation_test(
        (arm - baseline,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    )
    assert paired(arm - baseline).p_sign_flip == pytest.approx(oracle.pvalue, rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_the_sign_flip_p_counts_ties_of_metrics_that_are_shares_of_a_few_images(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(-2, 4, size=9)
    flips = [
        sum(sign * int(c) for sign, c in zip(s, counts, strict=True)) for s in itertools.product((-1, 1), repeat=9)
    ]
    expected = sum(abs(flip) >= abs(int(counts.sum())) for flip in flips) / 2**9
    assert paired(counts / 287).p_sign_flip == expected


def test_the_sign_flip_p_of_many_seeds_is_drawn_and_near_the_exact_one() -> None:
    differences = np.random.default_rng(3).standard_normal(17) + 0.9
    exact = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    drawn = paired(differences).p_sign_flip
    assert drawn is not None and 0.02 < exact < 0.3
    assert abs(drawn - exact) < 4 * math.sqrt(exact * (1 - exact) / 9_999)
    assert drawn == paired(differences).p_sign_flip
    assert paired([1.0 + i for i in range(40)]).p_sign_flip == 1 / 10_000  # never 0


@pytest.mark.parametrize(("n", "seed"), [(n, seed) for n in (3, 6, 9) for seed in range(3)])
def test_the_bootstrap_interval_is_that_of_a_loop_over_resamples(n: int, seed: int) -> None:
    differences = np.sort(np.random.default_rng(seed).exponential(size=n) - 1.5)
    mean, deviation = differences.mean(), differences.std(ddof=1)
    rng = np.random.default_rng(7)
    drawn = rng.integers(n, size=(9_999, n))
    noise = rng.standard_normal((9_999, n))
    ts = []
    for places, added in zip(drawn, noise, strict=True):
        resample = differences[places] + deviation / math.sqrt(n) * added
        ts.append((resample.mean() - mean) / (resample.std(ddof=1) / math.sqrt(n)))
    ts.sort()
    measured = paired(differences, seed=7)
    assert measured.bootstrap_low == pytest.approx(mean - ts[9_999 - 250] * deviation / math.sqrt(n), rel=1e-6)
    assert measured.bootstrap_high == pytest.approx(mean - ts[250 - 1] * deviation / math.sqrt(n), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_the_bootstrap_interval_of_many_seeds_is_near_scipys(seed: int) -> None:
    differences = np.random.default_rng(seed).exponential(size=200)
    oracle = stats.bootstrap((differences,), np.mean, method="BCa", rng=np.random.default_rng(0)).confidence_interval
    measured = paired(differences)
    width = oracle.high - oracle.low
    assert measured.bootstrap_low == pytest.approx(oracle.low, abs=0.06 * width)
    assert measured.bootstrap_high == pytest.approx(oracle.high, abs=0.06 * width)


def test_the_bootstrap_interval_depends_on_its_seed_alone_and_not_on_the_order_of_seeds_nor_on_the_unit() -> None:
    differences = [0.3, -0.1, 0.9, 0.2]
    measured = paired(differences)
    again, shuffled, other = paired(differences), paired(differences[::-1]), paired(differences, seed=1)
    percent = paired([100 * each for each in differences])
    assert again == measured
    assert shuffled.bootstrap_low == pytest.approx(measured.bootstrap_low)
    assert other.bootstrap_low != measured.bootstrap_low
    assert measured.bootstrap_low is not None and measured.bootstrap_high is not None
    assert percent.bootstrap_low == pytest.approx(100 * measured.bootstrap_low)
    assert measured.bootstrap_low < 0.325 < measured.bootstrap_high


@pytest.mark.parametrize(("freedom", "factor"), [(2, 0.5642), (3, 0.7236), (4, 0.7979), (9, 0.9139), (20, 0.9619)])
def test_the_effect_size_is_corrected_by_hedges_factor(freedom: int, factor: float) -> None:
    """The factors are c(m) = gamma(m/2) / (sqrt(m/2) gamma((m-1)/2)), to four digits."""
    by_hand = math.gamma(freedom / 2) / (math.sqrt(freedom / 2) * math.gamma((freedom - 1) / 2))
    assert by_hand == pytest.approx(factor, abs=5e-5)
    differences = np.random.default_rng(freedom).standard_normal(freedom + 1)
    assert paired(differences).effect_size == pytest.approx(
        by_hand * differences.mean() / differences.std(ddof=1), rel=1e-9
    )


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_effect_size_is_unbiased(n: int) -> None:
    """Mean over deviation, times sqrt(n), is noncentral t: its mean is known."""
    true = 0.8
    uncorrected = float(stats.nct.mean(n - 1, true * math.sqrt(n))) / math.sqrt(n)
    assert uncorrected > 1.05 * true
    row = np.arange(n) - (n - 1) / 2
    row = row / row.std(ddof=1) + uncorrected  # differences whose mean over deviation is just this
    assert paired(row).effect_size == pytest.approx(true)


def test_rows_are_what_each_is_alone() -> None:
    rows = np.random.default_rng(0).standard_normal((700, 4))
    rows[3], rows[5] = 0.25, 0
    together = paired_rows(rows)
    pairs = list(zip(rows, together, strict=True))
    for row, measured in [*pairs[::50], pairs[3], pairs[5]]:
        alone = paired(row)
        assert alone.p_sign_flip == measured.p_sign_flip
        assert (alone.p, alone.low, alone.bootstrap_low) == pytest.approx(
            (measured.p, measured.low, measured.bootstrap_low)
        )


def test_no_seed_and_one_seed_have_no_interval() -> None:
    assert paired([]) == Paired(n=0)
    assert paired([0.3]) == Paired(n=1, mean=0.3)
    assert Paired(n=1, mean=0.3).low is None and Paired(n=1, mean=0.3).p is None


@pytest.mark.parametrize("differences", [[0.1] * 2, [0.1] * 3, [0.3 - 0.2, 0.4 - 0.3, 0.9 - 0.8], [-0.25] * 5])
def test_equal_differences_are_a_point_as_sure_as_their_signs_also_where_they_were_rounded(
    differences: list[float],
) -> None:
    measured = paired(differences)
    assert measured.mean == pytest.approx(differences[0])
    assert measured.deviation == 0
    bounds = {measured.low, measured.high, measured.bootstrap_low, measured.bootstrap_high}
    assert bounds == {measured.mean}
    assert measured.p == measured.p_sign_flip == 2 / 2 ** len(differences)
    assert measured.effect_size is None


def test_differences_that_are_all_zero_show_nothing() -> None:
    assert paired([0.0] * 4) == Paired(4, 0, 0, 0, 0, 0, 0, p=1, p_sign_flip=1, effect_size=None)


def test_two_seeds_have_an_interval_and_no_effect_size() -> None:
    measured = paired([0.1, 0.3])
    assert measured.low is not None and measured.bootstrap_low is not None
    assert measured.effect_size is None


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_difference_that_is_not_finite_is_refused(wrong: float) -> None:
    with pytest.raises(AssertionError, match="leave seeds out in which an arm has no result"):
        paired([0.1, wrong, 0.2])


def holm_by_definition(ps: list[float]) -> list[float]:
    """The least level at which the step-down procedure rejects each hypothesis, by trying every level that can matter."""
    k = len(ps)
    levels = sorted({min(1.0, p * count) for p in ps for count in range(1, k + 1)} | {1.0})
    adjusted = []
    for i in range(k):
        for level in levels:
            rejected: set[int] = set()
            while len(rejected) < k:
                nearest = min((j for j in range(k) if j not in rejected), key=lambda j: ps[j])
                if ps[nearest] * (k - len(rejected)) > level:
                    break
                rejected.add(nearest)
            if i in rejected:
                adjusted.append(level)
                break
        else:
            adjusted.append(1.0)
    return adjusted


@pytest.mark.parametrize("seed", range(30))
def test_holm_is_the_least_level_at_which_stepping_down_rejects(seed: int) -> None:
    rng = random.Random(seed)
    ps = [rng.choice([rng.random(), rng.random() / 50, 0.02]) for _ in range(rng.randrange(1, 8))]
    assert holm(ps) == holm_by_definition(ps)


def test_what_was_not_tested_does_not_count_in_the_family() -> None:
    assert holm([None, 0.01, None, 0.04]) == [None, 0.02, None, 0.04]
    assert holm([]) == [] and holm([None]) == [None]
    assert holm([0.01, 0.02, 0.03, 0.005]) == [0.03, 0.04, 0.04, 0.02]


@pytest.mark.parametrize(("n", "seed"), CASES)
def test_equivalence_is_the_larger_of_two_one_sided_t_tests(n: int, seed: int) -> None:
    arm, baseline = scores(n, seed)
    differences = arm - baseline
    for margin in (0.1, 1.0, 3.0):
        above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
        assert equivalence_p(paired(differences), margin) == pytest.approx(max(above, below), rel=1e-9)


def test_equivalence_at_its_edges() -> None:
    assert equivalence_p(paired([0.2] * 3), 0.3) == 1 / 8
    assert equivalence_p(Paired(3, 0.25, 0.0), 0.25) == 1  # at the margin is not within it
    assert equivalence_p(paired([0.0]), 0.3) == equivalence_p(paired([]), 0.3) == 1
    for margin in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(AssertionError, match="margin"):
            equivalence_p(paired([0.1, 0.2]), margin)


HIGHER = [0.041, 0.043, 0.040, 0.042, 0.039]
"""Surely above 0 and surely below 0.05."""


@pytest.mark.parametrize(
    ("p_adjusted", "goal", "margin", "expected"),
    [
        (0.05, "maximize", None, "better"),
        (0.05, "minimize", None, "worse"),
        (0.0501, "maximize", None, "cannot tell apart"),
        (None, "maximize", None, "cannot tell apart"),
        (0.001, "maximize", 0.05, "equivalent"),  # who states a margin says that less does not matter
        (0.001, "maximize", 0.042, "better"),  # the mean is within, the truth may not be
        (0.001, "minimize", 0.03, "worse"),
        (0.2, "maximize", 0.042, "cannot tell apart"),
        (0.2, "maximize", 0.05, "equivalent"),
    ],
)
def test_the_verdict(p_adjusted: float | None, goal: str, margin: float | None, expected: str) -> None:
    assert verdict(paired(HIGHER), p_adjusted=p_adjusted, goal=goal, margin=margin) == expected
    lower = paired([-each for each in HIGHER])
    mirrored = {"maximize": "minimize", "minimize": "maximize"}[goal]
    assert verdict(lower, p_adjusted=p_adjusted, goal=mirrored, margin=margin) == expected


def test_equivalence_is_corrected_for_the_size_of_the_family() -> None:
    differences = [0.4, -0.4, 0.3, -0.4, 0.2]
    p = equivalence_p(paired(differences), 0.7)
    assert 0.05 / 12 < p < 0.05 / 4
    assert verdict(paired(differences), p_adjusted=1, goal="maximize", margin=0.7, family=4) == "equivalent"
    assert verdict(paired(differences), p_adjusted=1, goal="maximize", margin=0.7, family=12) == "cannot tell apart"


def test_one_seed_is_no_test() -> None:
    for measured in (paired([]), paired([5.0])):
        assert verdict(measured, p_adjusted=None, goal="maximize", margin=9.0) == "not tested"


def test_a_goal_that_is_none_is_refused() -> None:
    with pytest.raises(AssertionError, match="maximize or minimize, not max"):
        verdict(paired(HIGHER), p_adjusted=0.01, goal="max")


def tau_by_pairs(a: list[int], b: list[int]) -> float:
    """Kendall's tau-b from its definition: pairs in the same order minus pairs in opposite order, ties taken out below."""
    pairs = list(itertools.combinations(range(len(a)), 2))
    signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in pairs]
    agreeing = sum(x * y for x, y in signs)
    return float(agreeing / math.sqrt(sum(x != 0 for x, _ in signs) * sum(y != 0 for _, y in signs)))


@pytest.mark.parametrize("seed", range(10))
def test_kendalls_tau_is_that_of_a_loop_over_pairs(seed: int) -> None:
    rng = random.Random(seed)
    a, b = ([rng.randrange(5) for _ in range(8)] for _ in range(2))
    assert kendall_tau(a, b) == pytest.approx(tau_by_pairs(a, b))


def test_kendalls_tau_is_none_where_there_is_no_ranking() -> None:
    assert kendall_tau([1, 2, 3], [4, 5, 6]) == 1 and kendall_tau([1, 2, 3], [6, 5, 4]) == -1
    assert kendall_tau([], []) is None and kendall_tau([1], [2]) is None
    assert kendall_tau([1, 1, 1], [1, 2, 3]) is None and kendall_tau([1, 2], [3, 3]) is None
    with pytest.raises(AssertionError, match="not of 2 and 3"):
        kendall_tau([1, 2], [1, 2, 3])
