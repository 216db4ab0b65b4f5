"""From `ablation:` to arms: what each design makes of a file, and every mistake with its line and its mend."""
# ruff: noqa: E501  one mistake a line

from __future__ import annotations

import re

import pytest

from ablate.errors import StudyError
from ablate.study.ablation import Ablation
from ablate.study.load import parse_study

TEXT = """
study: made-up
data: {name: digits, protocol: closed}
space:
  backbone: {mlp: {width: 32}}
  embedding_dim: 8
  loss: {contrastive: {margin: 0.5}}
  sampler: semi_hard
  optimizer: {adam: {lr: 0.003, weight_decay: 0.01}}
  schedule: cosine
  batch: {classes: 5, per_class: 4}
ablation:
  design: one_at_a_time
  factors: {loss: [contrastive, triplet]}
  seeds: 3
"""


def ablation(*overrides: str) -> Ablation:
    found = parse_study(TEXT, "made-up.yaml", overrides).ablation
    assert found is not None
    return found


def refused(*overrides: str) -> str:
    with pytest.raises(StudyError) as error:
        parse_study(TEXT, "made-up.yaml", overrides)
    return str(error.value)


def test_a_level_takes_its_parameters_from_the_space_or_the_builders_defaults() -> None:
    found = ablation(
        "ablation.factors.loss=[contrastive, triplet, info_nce]", "space.loss={contrastive: {margin: 0.7}}"
    )
    assert [arm.name for arm in found.arms] == ["baseline", "loss=triplet", "loss=info_nce"]
    losses = {arm.name: found.configuration(arm.name).loss for arm in found.arms}
    assert (losses["baseline"].name, losses["baseline"].params) == ("contrastive", {"margin": 0.7})
    assert (losses["loss=triplet"].name, losses["loss=triplet"].params) == ("triplet", {"margin": 0.2})


def test_all_that_is_no_factor_is_the_same_in_every_arm() -> None:
    found = ablation("ablation.factors.sampler=[semi_hard, random, hard]")
    for arm in found.arms[1:]:
        differ = {
            name.partition(".")[0]
            for name, value in found.configuration(arm.name).params.items()
            if found.configuration("baseline").params.get(name) != value
        }
        assert differ == {next(iter(arm.name.split("=")))}


@pytest.mark.parametrize(
    ("factor", "values", "read"),
    [
        ("loss.margin", "[0.5, 0.9]", lambda c: c.loss.params["margin"]),
        ("optimizer.lr", "[0.003, 0.01]", lambda c: c.optimizer.params["lr"]),
        ("backbone.width", "[32, 64]", lambda c: c.backbone.params["width"]),
        ("embedding_dim", "[8, 16]", lambda c: c.embedding_dim),
        ("batch.classes", "[5, 10]", lambda c: c.batch_classes),
        ("batch.per_class", "[4, 2]", lambda c: c.batch_per_class),
    ],
)
def test_any_key_of_the_space_can_be_a_factor(factor: str, values: str, read) -> None:  # type: ignore[no-untyped-def]
    found = ablation(f"ablation.factors={{{factor}: {values}}}")
    first, second = (read(found.configuration(arm.name)) for arm in found.arms)
    assert f"[{first}, {second}]" == values


def test_the_baseline_is_what_is_said_or_what_stands_in_the_space_or_the_first_level() -> None:
    factors = "ablation.factors={loss: [triplet, contrastive], embedding_dim: [16, 32]}"
    found = ablation(factors)
    assert found.plan.baseline is not None
    assert dict(found.plan.baseline.levels) == {"loss": "contrastive", "embedding_dim": 16}
    other = ablation(factors, "ablation.baseline={embedding_dim: 32, loss: triplet}")
    assert other.plan.baseline is not None
    assert dict(other.plan.baseline.levels) == {"loss": "triplet", "embedding_dim": 32}


@pytest.mark.parametrize(
    ("more", "baseline"),
    [
        ([], 0.5),  # what stands there, not the margin that triplet has by default
        (["ablation.baseline={loss: triplet}", "space.loss={contrastive: {margin: 0.5}, triplet: {margin: 0.3}}"], 0.3),
        (["ablation.design=grid", "ablation.when={loss.margin: {loss: triplet}}", "space.loss={contrastive: {margin: 0.5}, triplet: {margin: 0.3}}"], 0.3),
        (["space.loss=[contrastive, triplet]"], 0.1),  # 1.0 by default, which is no level: the first is
    ],
)  # fmt: skip
def test_the_baseline_of_a_parameter_is_what_stands_at_the_baseline_of_its_slot(
    more: list[str], baseline: float
) -> None:
    found = ablation("ablation.factors={loss: [contrastive, triplet], loss.margin: [0.1, 0.3, 0.5]}", *more)
    assert {factor.name: factor.baseline for factor in found.factors}["loss.margin"] == baseline


def test_leave_one_out_leaves_a_parameter_of_a_component_out_that_is_left_out_itself() -> None:
    found = ablation(
        "ablation.design=leave_one_out",
        "ablation.factors={schedule: , schedule.warmup: }",
        "space.schedule={cosine: {warmup: 1.5}}",
    )
    assert {factor.name: factor.baseline for factor in found.factors} == {"schedule": "cosine", "schedule.warmup": 1.5}


def test_leave_one_out_takes_a_baseline_that_does_not_stand_in_the_space() -> None:
    found = ablation(
        "ablation.design=leave_one_out",
        "ablation.factors={sampler: , schedule: constant}",
        "ablation.baseline={sampler: hard, schedule: step}",
    )
    chosen = {arm.name: found.configuration(arm.name) for arm in found.arms}
    assert {n: (c.sampler.name, c.schedule.name) for n, c in chosen.items()} == {
        "baseline": ("hard", "step"),
        "without sampler": ("random", "step"),
        "without schedule": ("hard", "constant"),
    }


def test_how_trials_of_the_tuning_are_stopped_is_written_and_checked_as_for_a_search() -> None:
    tuned = ["space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}}", "space.epochs=5"]
    for written, stops in (("none", False), ("asha", True), ("{asha: {grace_epochs: 1}}", True)):
        found = ablation(*tuned, f"ablation.tune={{trials: 4, epochs: 2, stopping: {written}}}").tune
        assert found is not None and (found.stopping is not None) == stops
    message = refused(*tuned, "ablation.tune={trials: 4, epochs: 2, stopping: {asha: {grace_epochs: 2}}}")
    assert "ablation.tune.stopping.asha.grace_epochs is 2, but trials end at epoch 2: it would stop nobody" in message


def test_the_classes_of_a_batch_are_checked_in_every_arm() -> None:
    """digits has ten; 16 is what a batch has by default, and here no arm has it."""
    found = ablation("ablation.factors={batch.classes: [5, 10]}", "space.batch={per_class: 4}")
    assert len(found.arms) == 2
    message = refused("ablation.factors={batch.classes: [5, 64]}")
    assert "ablation.factors.batch.classes is 64, but the training split has only 10 classes" in message


def test_leave_one_out_puts_the_neutral_level_alone_and_in_groups() -> None:
    found = ablation(
        "ablation.design=leave_one_out",
        "ablation.factors={sampler: , schedule: constant, optimizer.weight_decay: }",
        "ablation.groups={regularisation: [schedule, optimizer.weight_decay]}",
    )
    chosen = {arm.name: found.configuration(arm.name) for arm in found.arms}
    read = {n: (c.sampler.name, c.schedule.name, c.optimizer.params["weight_decay"]) for n, c in chosen.items()}
    assert read == {
        "baseline": ("semi_hard", "cosine", 0.01),
        "without sampler": ("random", "cosine", 0.01),
        "without schedule": ("semi_hard", "constant", 0.01),
        "without optimizer.weight_decay": ("semi_hard", "cosine", 0.0),
        "without regularisation": ("semi_hard", "constant", 0.0),
    }


def test_a_grid_with_conditions_and_exclusions() -> None:
    found = ablation(
        "ablation.design=grid",
        "ablation.factors={loss: [contrastive, info_nce], loss.margin: [0.5, 0.9], sampler: [semi_hard, hard]}",
        "ablation.when={loss.margin: {loss: contrastive}}",
        "ablation.exclude=[{loss: info_nce, sampler: hard}]",
    )
    assert {arm.name for arm in found.arms} == {
        "loss=contrastive loss.margin=0.5 sampler=semi_hard",
        "loss=contrastive loss.margin=0.5 sampler=hard",
        "loss=contrastive loss.margin=0.9 sampler=semi_hard",
        "loss=contrastive loss.margin=0.9 sampler=hard",
        "loss=info_nce sampler=semi_hard",
    }


def test_tuning_leaves_ranges_to_each_arm() -> None:
    found = ablation("ablation.tune={trials: 4}", "space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}}")
    assert found.tuning_trials("baseline") == 4
    assert found.tuning("loss=triplet", seed=0).space.slots["loss"].keys() == {"triplet"}
    assert found.trials == 2 * 3 + 2 * 4


@pytest.mark.parametrize(
    ("overrides", "what", "mend"),
    [
        (["ablation.baseline={loss: info_nce}"], "ablation.baseline.loss: the baseline info_nce is not among the levels", "contrastive, triplet"),
        (["ablation.factors={lss: [a, b]}"], "ablation.factors.lss: nothing reads this factor", "did you mean 'loss'?"),
        (["ablation.factors={loss.temperature: [0.1, 0.2]}"], "ablation.factors.loss.temperature: nothing reads this factor", "loss.margin"),
        (["ablation.factors={loss: [contrastive]}"], "one level compares with nothing", "write two or more"),
        (["ablation.factors={loss: [contrastive, tripet]}"], "'tripet' names no loss", "did you mean 'triplet'?"),
        (["ablation.factors={epochs: [5, 10]}"], "epochs are the same for every arm", "ablate compare"),
        (["ablation.factors={loss: [contrastive, info_nce], loss.margin: [0.5, 0.9]}", "ablation.design=grid"], "info_nce does not read it", "limit it with `when`"),
        (["space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}}"], "space.optimizer.adam.lr: nothing chooses among its values", "add ablation.tune"),
        (["space.embedding_dim=[8, 16]"], "space.embedding_dim: nothing chooses among its values", "make it a factor"),
        (["ablation.tune={trials: 4}"], "arm baseline and 1 more: there is nothing to tune", "give a range"),
        (["search={trials: 4}"], "a study is a search or an ablation", "set ablation.seeds or ablation.tune.trials"),
        (["ablation.factors={loss: [contrastive, triplet], sampler: []}"], "ablation.factors.sampler: has no level", "leave the factor out"),
        (["ablation.resolution=5"], "design one_at_a_time has no resolution", "leave it out"),
        (["ablation="], "ablation is empty", "write its design and factors"),
        (["ablation.seeds=0"], "0 are no seeds", "write how many (5)"),
        (["ablation.seeds=3.0"], "ablation.seeds: 3.0 are no seeds", "write how many (5)"),
        (["ablation.seeds=1000000000000000000000"], "are no seeds", "write how many (5)"),
        (["ablation.exclude=[{loss: []}]"], "names no level", "write one, or several in a list"),
        (["data.protocol=[closed, retrieval]"], "data.protocol: [closed, retrieval] is not known here", "write 'retrieval'"),
        (["ablation.seeds=[1, 1]"], "[1, 1] are no seeds", "different whole numbers"),
        (["ablation.exclude=[{losses: triplet}]"], "'losses' is no factor", "did you mean 'loss'?"),
        (["ablation.when={sampler: {loss: triplet}}"], "'sampler' is no factor", "loss"),
        (["ablation.groups={all: [loss]}"], "design one_at_a_time has no groups", "leave groups out"),
        (["ablation.design=leave_one_out", "ablation.factors={schedule: cosine}"], "cosine is the baseline, too", "once the component is left out"),
        (["ablation.design=leave_one_out", "ablation.factors={loss: }"], "is empty", "write its neutral level"),
        (["ablation.exclude=[{loss: contrastive}]"], "baseline", ""),
        (["ablation.factors={clip_norm: [-1, 1]}"], "ablation.factors.clip_norm: [-1, 1] leaves its bounds", "stay within 0 to"),
        (["ablation.factors={loss.margin: [-5, 0.2]}"], "ablation.factors.loss.margin: -5.0 leaves the bounds of loss contrastive", "stay within 0 to 2"),
        (["ablation.factors={embedding_dim: [0, 16]}"], "ablation.factors.embedding_dim: [0, 16] is too small", "write 2 or more"),
        (["ablation.factors={image_size: [2, 8]}"], "ablation.factors.image_size: [2, 8] is too small", "write 8 or more"),
        (["ablation.factors={batch.per_class: [0, 4]}"], "ablation.factors.batch.per_class: [0, 4] is too small", "write 2 or more"),
        (["ablation.factors={optimizer.lr: [-0.1, 0.01]}"], "ablation.factors.optimizer.lr: -0.1 leaves the bounds of optimizer adam", "stay within 1e-12 to"),
        (["ablation.design=all"], "'all' is not known here", "'one_at_a_time', 'leave_one_out', 'grid' or 'fractional'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_mend(overrides: list[str], what: str, mend: str) -> None:
    message = refused(*overrides)
    assert what in message
    assert mend in message
    assert re.search(r"(made-up\.yaml:\d+|--set )", message)


def test_bounds_are_those_of_the_component_that_an_arm_has() -> None:
    factors = "ablation.factors={loss: [contrastive, cosine_embedding], loss.margin: [0.5, 1.5]}"
    message = refused(factors, "ablation.design=grid")
    assert "ablation.factors.loss.margin: 1.5 leaves the bounds of loss cosine_embedding" in message
    assert message.count("leaves the bounds") == 1 and "stay within -1 to 1" in message
    without = "ablation.exclude=[{loss: cosine_embedding, loss.margin: 1.5}]"
    assert len(ablation(factors, "ablation.design=grid", without).arms) == 3


def test_a_warm_up_that_no_tuning_trial_would_see_the_end_of_is_refused() -> None:
    tuned = ["space.optimizer={adam: {lr: {log_uniform: [1e-4, 1e-2]}}}", "space.schedule={cosine: {warmup: 1.5}}"]
    message = refused(*tuned, "ablation.tune={trials: 4, epochs: 1}")
    assert "ablation.tune.epochs: arm baseline: cosine warms up for 1.5 epochs, but there are 1" in message
    assert "or tune for more epochs" in message
    assert ablation(*tuned, "ablation.tune={trials: 4, epochs: 2}").tuning_epochs == 2


def test_faults_of_the_ablation_come_with_those_of_the_rest() -> None:
    message = refused("ablation.baseline={loss: info_nce}", "objective.metric=val/recal_at_1")
    assert "not among the levels" in message and "recal_at_1" in message


def test_clipping_and_warm_up_are_factors_whose_neutral_level_is_off() -> None:
    found = ablation("ablation.factors={clip_norm: [0, 0.5, 1], schedule.warmup: [0, 2.5]}", "ablation.design=grid")
    chosen = {(c.clip_norm, c.schedule.params["warmup"]) for c in (found.configuration(arm.name) for arm in found.arms)}
    assert chosen == {(clip, warmup) for clip in (0.0, 0.5, 1.0) for warmup in (0.0, 2.5)}
    left_out = ablation(
        "ablation.design=leave_one_out",
        "ablation.factors={clip_norm: , schedule.warmup: }",
        "space.clip_norm=1",
        "space.schedule={cosine: {warmup: 2}}",
    )
    assert {(c.clip_norm, c.schedule.params["warmup"]) for c in map(left_out.configuration, ["baseline"])} == {
        (1.0, 2.0)
    }
    assert left_out.configuration("without clip_norm").clip_norm == 0.0
    assert left_out.configuration("without schedule.warmup").schedule.params["warmup"] == 0.0


def test_precision_is_a_factor() -> None:
    found = ablation("ablation.factors={precision: [auto, bf16]}", "ablation.design=one_at_a_time")
    assert [found.configuration(arm.name).precision for arm in found.arms] == ["auto", "bf16"]
    message = refused("ablation.factors={precision: [fp32, bf61]}")
    assert (
        "ablation.factors.precision: 'bf61' is not known here" in message
        and "write one of: auto, fp32, bf16" in message
    )


def test_views_are_a_factor_which_leave_one_out_sets_to_one() -> None:
    left_out = ablation("ablation.design=leave_one_out", "ablation.factors={views: }", "space.views=turns")
    assert [left_out.configuration(arm.name).views for arm in left_out.arms] == ["turns", "one"]


def test_a_loss_that_chooses_for_itself_is_refused_with_a_sampler_unless_the_arm_is_left_out() -> None:
    factors = "ablation.factors={loss: [contrastive, proxy_anchor, n_pairs], sampler: [random, hard]}"
    grid = ("ablation.design=grid", factors, "space.sampler=random")
    told = refused(*grid)
    assert "arm loss=proxy_anchor sampler=hard: loss proxy_anchor compares embeddings with class weights" in told
    assert "arm loss=n_pairs sampler=hard: loss n_pairs makes its tuples" in told
    assert "`exclude`" in told
    found = ablation(*grid, "ablation.exclude=[{loss: [proxy_anchor, n_pairs], sampler: hard}]")
    assert len(found.arms) == 4


def test_a_knob_that_is_off_is_no_part_of_what_a_study_means() -> None:
    """So a study from before the knob came may go on."""
    plain = parse_study(TEXT, "made-up.yaml").meaning
    assert not [name for name in plain if "clip_norm" in name or "warmup" in name]
    for change, name in (("space.clip_norm=1", "clip_norm"), ("space.schedule={cosine: {warmup: 1}}", "warmup")):
        assert [key for key in parse_study(TEXT, "made-up.yaml", [change]).meaning if name in key]
