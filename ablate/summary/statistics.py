"""The statistics of an ablation: paired differences, their correction for many comparisons, and a verdict in words.

An arm is compared with the baseline over the seeds both have: one difference a seed, in which what the seed did to both
cancels. Proven by simulation: tests/summary/test_simulated_studies.py, in full benchmarks/simulated_studies.py.
Sources stand at the functions. `scipy.special` only: importing `scipy.stats` takes a second that a table does not have.
Shapes: R rows, each the differences of one comparison; n seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from ablate.summary.resampling import RESAMPLES, Array, bootstrap_bounds, sign_flip_p

ALPHA = 0.05
"""Share of families in which a verdict may be false."""
EQUAL = 1e-9
"""Differences whose spread is below this share of their mean are equal: what is left is the rounding of the subtraction."""

Verdict = Literal["better", "worse", "equivalent", "cannot tell apart", "not tested"]


@dataclass(frozen=True)
class Paired:
    """What the differences of one comparison say; with fewer than two seeds only `n` and `mean` are there."""

    n: int
    mean: float | None = None
    """None without a seed."""
    deviation: float | None = None
    """Of the differences, with n - 1 below; 0 where all are equal."""
    low: float | None = None
    high: float | None = None
    """The t interval of the true mean; a point where all differences are equal."""
    bootstrap_low: float | None = None
    bootstrap_high: float | None = None
    """Its bootstrap interval, which does not suppose a normal distribution (`bootstrap_bounds`)."""
    p: float | None = None
    """Two-sided, of the paired t test that the true mean is 0; of equal differences, which have no t, that of the sign flips.

    A few seeds of a metric over few images differ equally by chance ("coarse" in docs/benchmarks.md): that is no certainty.
    """
    p_sign_flip: float | None = None
    """The same without supposing a normal distribution; never below 2 / 2**n."""
    effect_size: float | None = None
    """Mean in deviations, corrected for few seeds; None at two seeds and where all differences are equal."""


def paired(differences: Sequence[float] | Array, *, confidence: float = 0.95, seed: int = 0) -> Paired:
    """The paired comparison of two arms; `differences` are arm minus baseline, one a seed.

    `seed` draws the bootstrap's resamples, and the sign flips of more than 16 seeds.
    """
    row = np.asarray(differences, dtype=np.float64).reshape(1, -1)
    return paired_rows(row, confidence=confidence, seed=seed)[0]


def paired_rows(
    differences: Array, *, confidence: float = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> list[Paired]:
    """`paired` of every row of `differences` [R, n] at once; fewer `resamples` are quicker where no bootstrap bound is read.

    Sources: Student 1908 (Biometrika 6:1) for interval and p. Hedges 1981 (J. Educ. Stat. 6:107) for the standardised effect:
    mean over deviation is too large by a factor that depends on n only and does not exist at two seeds.
    """
    assert np.isfinite(differences).all(), "a difference is not finite: leave seeds out in which an arm has no result"
    n = differences.shape[1]
    if n < 2:
        return [Paired(n, float(row[0]) if n else None) for row in differences]
    mean, deviation = differences.mean(axis=1), differences.std(axis=1, ddof=1)
    deviation[np.ptp(differences, axis=1) <= EQUAL * np.abs(mean)] = 0
    error = deviation / np.sqrt(n)
    half = special.stdtrit(n - 1, (1 + confidence) / 2) * error
    bootstrap = bootstrap_bounds(differences, confidence=confidence, seed=seed, resamples=resamples)
    bounds = [np.where(deviation > 0, bound, mean) for bound in bootstrap]
    p = 2 * special.stdtr(n - 1, -np.abs(_over(mean, error)))
    p = np.where((deviation == 0) & (mean != 0), 2.0 ** (1 - n), p)
    effect_size = np.where(deviation > 0, _over(mean, deviation), np.nan) * (_hedges(n) if n > 2 else np.nan)
    columns = (mean, deviation, mean - half, mean + half, *bounds, p, sign_flip_p(differences, seed=seed), effect_size)
    table: list[list[float]] = np.column_stack(columns).tolist()
    return [Paired(n, *(None if math.isnan(number) else number for number in row)) for row in table]


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Each p corrected for being one of many; None stays None and does not count.

    The smallest of k is multiplied by k, the next by k - 1, and so on, never below the one before. Claims at a corrected p
    of at most 0.05 are false, one or more of them, in at most 5 % of families, however the comparisons depend on each
    other: arms that share a baseline do. Source: Holm 1979 (Scand. J. Statist. 6:65).
    """
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[place] = largest
    return adjusted


def equivalence_p(measured: Paired, margin: float) -> float:
    """p of the claim that the true difference lies within `margin` on both sides of 0; 1 with fewer than two seeds.

    The larger of two one-sided t tests (TOST); of equal differences, which have no t, that of a sign test.
    Source: Schuirmann 1987 (J. Pharmacokinet. Biopharm. 15:657).
    """
    assert 0 < margin < np.inf, f"a margin of equivalence is above 0 and finite, not {margin}"
    if measured.mean is None or measured.deviation is None:
        return 1.0
    room = margin - abs(measured.mean)
    if measured.deviation == 0:
        return 2.0**-measured.n if room > 0 else 1.0  # equal by chance: every one on the side where they all are
    return float(special.stdtr(measured.n - 1, -room / (measured.deviation / np.sqrt(measured.n))))


def verdict(
    measured: Paired, *, p_adjusted: float | None, goal: str, margin: float | None = None, family: int = 1
) -> Verdict:
    """What may be said of an arm, in the words of the summary.

    `p_adjusted` is its p after `holm`, `family` the number of comparisons that were corrected together. Each kind of claim
    is false in at most 5 % of families: better or worse by Holm's correction; equivalent because its p is multiplied by
    `family` here, which holds whatever the differences are and however the comparisons depend on each other.

    With a `margin`, equivalence is asked first: who states one says that a smaller difference does not matter, so a
    difference that is surely not 0 and surely within the margin is "equivalent" (its p is in the table beside it). One that
    is significant and may be beyond the margin is better or worse, also if its mean is within. One seed is no test.
    """
    assert goal in ("maximize", "minimize"), f"a goal is maximize or minimize, not {goal}"
    if measured.n < 2 or measured.mean is None:
        return "not tested"
    if margin is not None and family * equivalence_p(measured, margin) <= ALPHA:
        return "equivalent"
    if p_adjusted is None or p_adjusted > ALPHA:
        return "cannot tell apart"
    return "better" if (measured.mean > 0) == (goal == "maximize") else "worse"


def kendall_tau(a: Sequence[float], b: Sequence[float]) -> float | None:
    """How far two rankings of the same arms agree, from -1 to 1: Kendall's tau-b, which allows for ties.

    None where there is no ranking: fewer than two arms, or all of them equal. Source: Kendall 1945 (Biometrika 33:239).
    """
    assert len(a) == len(b), f"two rankings of the same arms, not of {len(a)} and {len(b)}"
    if len(set(a)) < 2 or len(set(b)) < 2:
        return None
    from scipy.stats import kendalltau

    return float(kendalltau(a, b).statistic)


def _over(mean: Array, spread: Array) -> Array:
    """Their ratio; without a spread, infinite on the side of the mean, and 0 for 0."""
    certain = np.where(mean == 0, 0.0, np.copysign(np.inf, mean))
    return np.divide(mean, spread, out=certain, where=spread > 0)


def _hedges(n: int) -> float:
    """What makes mean over deviation of n differences unbiased: Hedges' exact factor, not its approximation."""
    freedom = n - 1
    return float(np.exp(special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2)) / np.sqrt(freedom / 2))
