"""Small simulated ablations whose truth is known; in full and with other noise: benchmarks/simulated_studies.py.

A score is what the seed does to all arms + the arm's effect + noise. Five arms share one baseline, so that comparisons hang
together; each study's family is judged as its summary does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ablate.summary.power import detectable
from ablate.summary.statistics import ALPHA, Paired, Verdict, holm, paired_rows, verdict

STUDIES = 2_000
ARMS = 4
DEVIATION = math.sqrt(2)
"""Of the difference of two scores with a noise of deviation 1."""
NO_EFFECT = [0.0] * ARMS


def families(n: int, effects: Sequence[float], resamples: int = 99) -> list[list[Paired]]:
    """Of each study its comparisons, over n seeds, of arms with these true effects."""
    rng = np.random.default_rng([2024, n])
    shared = 3 * rng.standard_normal((STUDIES, 1, n))
    scores = shared + np.array([0, *effects])[:, None] + rng.standard_normal((STUDIES, 1 + ARMS, n))
    rows = paired_rows((scores[:, 1:] - scores[:, :1]).reshape(-1, n), resamples=resamples)
    return [rows[begin : begin + ARMS] for begin in range(0, len(rows), ARMS)]


def words(family: list[Paired], margin: float | None = None) -> list[Verdict]:
    adjusted = holm([measured.p for measured in family])
    return [
        verdict(measured, p_adjusted=p, goal="maximize", margin=margin, family=ARMS)
        for measured, p in zip(family, adjusted, strict=True)
    ]


def share(found: Sequence[bool]) -> float:
    assert len(found) >= STUDIES
    return sum(found) / len(found)


def three_errors(true: float) -> float:
    """Three standard errors of a share over all studies."""
    return 3 * math.sqrt(true * (1 - true) / STUDIES)


def holds(low: float | None, high: float | None, true: float) -> bool:
    assert low is not None and high is not None
    return low <= true <= high


@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_hold_the_true_difference_in_95_percent_and_no_effect_is_rarely_called_one(n: int) -> None:
    studies = families(n, NO_EFFECT, resamples=1_999)
    measured = [each for family in studies for each in family]
    assert 0.93 <= share([holds(each.low, each.high, 0) for each in measured]) <= 0.97
    assert 0.93 <= share([holds(each.bootstrap_low, each.bootstrap_high, 0) for each in measured]) <= 0.97
    called = share([words(family) != ["cannot tell apart"] * ARMS for family in studies])
    assert 0.02 < called <= ALPHA + three_errors(ALPHA)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_without_a_correction_a_family_would_be_false_too_often(n: int) -> None:
    """The simulation can fail: four comparisons, each on its own, are false in more than twice 5 % of families."""
    alone = share([any(each.p is not None and each.p <= ALPHA for each in family) for family in families(n, NO_EFFECT)])
    assert alone > 2 * ALPHA


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_difference_that_a_design_can_detect_is_detected_in_80_percent(n: int, side: int) -> None:
    effect = side * detectable(n, DEVIATION, alpha=ALPHA / ARMS)
    studies = families(n, [effect, 0, 0, 0])
    found = share([words(family)[0] == {1: "better", -1: "worse"}[side] for family in studies])
    assert found == pytest.approx(0.8, abs=three_errors(0.8))
    assert 0.93 <= share([holds(family[0].low, family[0].high, effect) for family in studies]) <= 0.97


@pytest.mark.parametrize("n", [3, 5, 10])
def test_an_arm_that_is_worse_is_hardly_ever_called_better(n: int) -> None:
    slightly = detectable(n, DEVIATION, alpha=ALPHA / ARMS) / 4
    judged = [words(family) for family in families(n, [-slightly] * ARMS)]
    assert share(["better" in each for each in judged]) <= ALPHA / 2


@pytest.mark.parametrize("n", [3, 5, 10])
def test_arms_at_the_margin_are_rarely_called_equivalent_and_equal_ones_often(n: int) -> None:
    margin = 2 * detectable(n, DEVIATION, alpha=ALPHA / ARMS)
    edge = [words(family, margin) for family in families(n, [margin, -margin, margin, -margin])]
    false = share(["equivalent" in each for each in edge])
    assert 0.02 < false <= ALPHA + three_errors(ALPHA)
    equal = [words(family, margin) for family in families(n, NO_EFFECT)]
    assert share([each[0] == "equivalent" for each in equal]) > 0.9
