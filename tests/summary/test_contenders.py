"""Who may be the best arm: the set holds the truly best one, and rules out what is plainly worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ablate.store.read import StudyResults
from ablate.summary.ablation_answer import answer
from ablate.summary.cells import cells_of
from ablate.summary.contenders import contenders
from ablate.summary.effects import effects_of
from tests.summary.ablations import design, grid, one_at_a_time, study

ARMS = one_at_a_time()


def of(values: dict[str, list[float]], goal: str = "maximize") -> list[str]:
    """The contenders of a study in which each arm reached `values`, one a seed."""
    seeds = max(map(len, values.values()))
    made = {(arm, seed): value for arm, own in values.items() for seed, value in enumerate(own)}
    return asked(study(design("one_at_a_time", ARMS, seeds=seeds), made, goal=goal))


def asked(found: StudyResults) -> list[str]:
    cells = cells_of(found)
    return contenders(cells, effects_of(cells))


def first_line(values: dict[str, list[float]]) -> str:
    seeds = max(map(len, values.values()))
    made = {(arm, seed): value for arm, own in values.items() for seed, value in enumerate(own)}
    found = study(design("one_at_a_time", ARMS, seeds=seeds), made)
    return answer(found, cells_of(found), effects_of(cells_of(found)))[0]


def test_the_leader_comes_first_and_what_is_plainly_worse_is_out() -> None:
    values = {
        "baseline": [0.50, 0.52, 0.51, 0.50],
        "loss=info_nce": [0.80, 0.82, 0.81, 0.83],
        "loss=circle": [0.79, 0.83, 0.80, 0.82],
        "sampler=hard": [0.30, 0.31, 0.32, 0.30],
    }
    assert of(values) == ["loss=info_nce", "loss=circle"]
    assert of(values, goal="minimize") == ["sampler=hard"]
    assert first_line(values).endswith("; 2 others ruled out as the best (95 %), loss=circle not")


def test_where_one_is_left_the_others_are_said_to_be_ruled_out() -> None:
    values = {arm: [0.1 * place + 0.001 * (seed * place % 4) for seed in range(4)] for place, arm in enumerate(ARMS)}
    assert of(values) == ["sampler=hard"]
    mean = sum(values["sampler=hard"]) / 4
    line = f"best arm: sampler=hard, mean test/recall_at_1 {mean:.4f}; all others are ruled out as the best (95 %)"
    assert first_line(values) == f"made-up: {line}"


def test_one_seed_rules_nobody_out_and_the_answer_says_so() -> None:
    values = {arm: [0.1 * place] for place, arm in enumerate(ARMS)}
    assert set(of(values)) == set(ARMS)
    assert first_line(values).endswith("mean test/recall_at_1 0.3000, of one seed: another may well be better")


def test_an_arm_without_a_seed_in_common_stays_in_and_one_without_a_trial_is_none() -> None:
    made = {("baseline", 0): 0.9, ("baseline", 1): 0.9, ("loss=circle", 2): 0.1, ("loss=circle", 3): 0.1}
    assert asked(study(design("one_at_a_time", ARMS, seeds=4), made)) == ["baseline", "loss=circle"]
    assert asked(study(design("one_at_a_time", ARMS, seeds=4), {})) == []


@pytest.mark.parametrize("leads", ["baseline", "loss=info_nce"])
def test_what_the_effects_tell_of_the_leader_is_not_contradicted(leads: str) -> None:
    """Holm's later steps are less strict than Bonferroni's: the last of the three is told by its p alone."""
    near = [0.50, 0.53, 0.49, 0.52]
    behind = {"loss=circle": [0.1, 0.11, 0.12, 0.1], "sampler=hard": [0.2, 0.21, 0.2, 0.22]}
    gains = [0.02, 0.035, 0.015, 0.06]
    values = {leads: [value + gain for value, gain in zip(near, gains, strict=True)]}
    values = {arm: values.get(arm, behind.get(arm, near)) for arm in ARMS}
    found = study(
        design("one_at_a_time", ARMS, seeds=4), {(a, s): v for a, own in values.items() for s, v in enumerate(own)}
    )
    effect = next(each for each in effects_of(cells_of(found)) if each.level == "info_nce")
    assert effect.paired.p is not None and effect.paired.p > 0.05 / 3, "Bonferroni does not tell it"
    if leads == "baseline":  # against which all three are worse: Holm's last step
        assert effect.verdict == "worse" and asked(found) == ["baseline"]
    else:
        assert ("baseline" in asked(found)) == (effect.verdict != "better")


def test_a_validation_that_prefers_another_arm_is_told() -> None:
    values = {
        "baseline": [0.5, 0.6],
        "loss=info_nce": [0.7, 0.8],
        "loss=circle": [0.6, 0.7],
        "sampler=hard": [0.1, 0.2],
    }
    made = {(arm, seed): value for arm, own in values.items() for seed, value in enumerate(own)}
    found = study(design("one_at_a_time", ARMS, seeds=2), made)
    told = [line for line in answer(found, cells_of(found), effects_of(cells_of(found))) if "ablate export" in line]
    assert told == []
    turned = [
        replace(row, metrics={**row.metrics, "val/recall_at_1": 1.0}) if row.arm == "loss=circle" else row
        for row in found.trials
    ]
    found = replace(found, trials=turned)
    told = [line for line in answer(found, cells_of(found), effects_of(cells_of(found))) if "ablate export" in line]
    assert len(told) == 1 and "prefers loss=circle (trial 00" in told[0]


def test_a_main_effect_says_over_what_it_is_averaged() -> None:
    arms = grid()
    random = np.random.default_rng(0)
    made = {(arm, seed): 0.5 + 0.2 * ("info_nce" in arm) + 0.001 * random.normal() for arm in arms for seed in range(4)}
    found = study(design("grid", arms, seeds=4), made)
    lines = answer(found, cells_of(found), effects_of(cells_of(found)))
    assert "info_nce beats triplet by 19.9 points recall_at_1" in lines[1]
    assert ", averaged over sampler, 4 seeds" in lines[1]


@pytest.mark.parametrize("seeds", [3, 6])
def test_the_truly_best_arm_is_in_the_set_in_95_of_100_studies(seeds: int) -> None:
    """All arms equal but for a hair, with unequal scatter; and a set of far worse arms stays small."""
    random = np.random.default_rng(seeds)
    studies, held, kept = 1000, 0, 0
    deviations = np.array([0.01, 0.03, 0.002, 0.02])
    for _ in range(studies):
        noise = random.normal(size=(4, seeds)) * deviations[:, None] + 0.5 + random.normal(size=seeds)
        noise[2] += 1e-6
        held += list(ARMS)[2] in of({arm: own.tolist() for arm, own in zip(ARMS, noise, strict=True)})
        far = noise - np.array([0.0, 0.9, 0.9, 0.9])[:, None]
        kept += len(of({arm: own.tolist() for arm, own in zip(ARMS, far, strict=True)})) - 1
    assert held / studies > 0.95 - 3 * (0.05 * 0.95 / studies) ** 0.5
    assert kept / studies < 0.05, "arms 30 deviations below the best are ruled out"
