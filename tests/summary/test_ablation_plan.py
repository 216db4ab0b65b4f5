"""The plan of an ablation: its numbers, what it can see, and how long it takes."""

from __future__ import annotations

import pytest

from ablate.study.load import parse_study
from ablate.study.study import Study
from ablate.summary.ablation_plan import MOST_ARMS, plan_ablation
from ablate.summary.duration import estimate
from ablate.summary.plan import as_text, make_plan
from ablate.summary.power import detectable
from ablate.summary.simulated_run import Overheads
from ablate.training.probe import Pace
from tests.summary.ablations import design, one_at_a_time
from tests.summary.ablations import study as found

TEXT = """
study: s
data: {name: digits, protocol: closed}
space:
  backbone: {mlp: {width: 16}}
  loss: triplet
  optimizer: {adam: {lr: 0.01}}
  batch: {classes: 10}
  epochs: 9
ablation:
  design: one_at_a_time
  factors: {loss: [triplet, info_nce, circle], sampler: [random, hard]}
  seeds: 5
"""
TUNED = ("ablation.tune={trials: 4, epochs: 3}", "space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}}")


def asked(*overrides: str) -> Study:
    return parse_study(TEXT, "s.yaml", overrides)


def text_of(study: Study) -> str:
    return as_text(make_plan(study, {}), "s.yaml")


def test_trials_epochs_and_comparisons_are_counted() -> None:
    study = asked(*TUNED)
    assert study.ablation is not None
    plan = plan_ablation(study, study.ablation, None)
    assert (len(plan.arms), plan.trials, plan.tuning_trials) == (4, 4 * 5 + 4 * 4, 4)
    assert plan.epochs_per_arm == 5 * 9 + 4 * 3
    assert plan.comparisons == 3
    assert "first 4 tuning trials an arm; 36 trials in all" in text_of(study)


def test_an_arm_of_few_configurations_has_a_shorter_tuning() -> None:
    """contrastive has two to try, triplet eight: 2 x 4 + 2 x 10 epochs and 8 x 4 + 2 x 10."""
    study = asked(
        "ablation={design: grid, factors: {loss: [contrastive, triplet]}, seeds: 2, tune: {trials: 8, epochs: 4}}",
        "space.loss={contrastive: {margin: [0.2, 0.5]}, triplet: {margin: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]}}",
        "space.epochs=10",
    )
    assert study.ablation is not None
    plan = plan_ablation(study, study.ablation, None)
    assert (plan.trials, plan.epochs_per_arm, plan.epochs_in_all) == (4 + 2 + 8, 52, 80)
    assert "first up to 8 tuning trials an arm; 14 trials in all" in text_of(study)
    assert "about up to 52 an arm, 80 in all" in text_of(study)


def test_what_it_can_see_comes_from_the_stated_scatter_corrected_for_all_comparisons() -> None:
    study = asked("ablation.deviation=0.02")
    assert study.ablation is not None
    plan = plan_ablation(study, study.ablation, None)
    assert plan.detectable == detectable(5, 0.02, alpha=0.05 / 3)
    assert f"a true difference of {plan.detectable * 100:.1f} points with 80 % power" in text_of(study)


def test_an_earlier_run_tells_the_scatter() -> None:
    study, arms = asked(), one_at_a_time()
    values = {(arm, s): 0.5 + 0.01 * s * (arm != "baseline") for s in range(3) for arm in arms}
    earlier = found(design("one_at_a_time", arms, seeds=3), values)
    assert study.ablation is not None
    plan = plan_ablation(study, study.ablation, earlier)
    assert plan.deviation == pytest.approx(0.01)  # of 0, 0.01, 0.02
    assert plan.deviation_from == "the trials so far"


def test_a_plan_of_a_study_that_was_begun_says_how_much_of_it_is_there() -> None:
    study, arms = asked(), one_at_a_time()
    values = {(arm, s): 0.5 + 0.01 * s for s in range(2) for arm in arms}
    earlier = found(design("one_at_a_time", arms, seeds=2), values)
    plan = make_plan(study, {}, earlier)
    assert plan.done == 2 * len(arms)
    assert f"so far         {2 * len(arms)} trials ended: kept, and not repeated" in as_text(plan, "s.yaml")
    assert "so far" not in text_of(study)


def test_the_text_of_a_huge_grid_stops_listing_its_arms() -> None:
    study = asked(
        "ablation.design=grid",
        "ablation.factors={embedding_dim: [2, 3, 4, 5, 6, 7, 8, 9], batch.classes: [2, 3, 4, 5, 6, 7, 8, 9]}",
    )
    text = text_of(study)
    assert text.count("embedding_dim=") == MOST_ARMS
    assert "and 4 more: --json" in text


def test_without_a_scatter_or_with_one_seed_it_says_what_is_missing() -> None:
    assert "give ablation.deviation, or run some seeds" in text_of(asked())
    assert "one seed has no interval and no test" in text_of(asked("ablation.seeds=1", "ablation.deviation=0.02"))


def test_the_time_is_the_work_of_all_arms_over_the_slots() -> None:
    study = asked(*TUNED)
    assert study.ablation is not None
    paces = {arm.name: Pace(setup=1.0, epoch=2.0, test=3.0) for arm in study.ablation.arms}
    work = 4 * ((4 + 5) * 1.0 + (4 * 3 + 5 * 9) * 2.0 + 5 * 3.0)
    longest, usual = 1.0 + 9 * 2.0 + 3.0, Overheads()
    trained = estimate(study, paces, slots=2).seconds - usual.start - usual.first_of_slot - usual.closing
    assert work / 2 <= trained <= work / 2 + longest


def test_a_fractional_plan_names_its_aliases() -> None:
    levels = "loss: [triplet, info_nce], sampler: [random, hard], embedding_dim: [8, 16], batch.per_class: [2, 4]"
    text = text_of(asked("ablation.design=fractional", f"ablation.factors={{{levels}}}"))
    assert "fractional: 8 arms x 5 seeds" in text
    assert "loss*sampler = " in text
