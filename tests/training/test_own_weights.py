"""Losses with weights of their own: a group with its own rate, part of the checkpoint, no part of the network's cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.losses import HAS_WEIGHTS, LOSSES
from ablate.study.configuration import Component
from ablate.training import loop
from ablate.training.build import Parts, build
from ablate.training.data import load_data
from ablate.training.loop import Trial, parts_of
from tests.training.test_loop import reports_of, saved
from tests.training.trials import CNN, CONFIGURATION, DIGITS, TRAINING, trial, untimed

every_loss_with_weights = pytest.mark.parametrize("loss", sorted(HAS_WEIGHTS))
DECAYED = Component("adamw", {"lr": 0.002, "weight_decay": 0.3})


@every_loss_with_weights
def test_the_losss_own_weights_learn_at_its_rate_and_are_not_decayed(loss: str) -> None:
    for params, rate in (({}, LOSSES[loss].parameters["lr"].default), ({"lr": 0.7}, 0.7)):
        choices = replace(CONFIGURATION, loss=Component(loss, params), optimizer=DECAYED)
        parts = build(choices, ImageShape(1, 8), training=TRAINING, goal="maximize", device=torch.device("cpu"))
        network, own = parts.optimizer.param_groups
        assert (network["lr"], network["weight_decay"]) == (0.002, 0.3)
        assert (own["lr"], own["weight_decay"]) == (rate, 0.0)
        assert [id(weight) for weight in own["params"]] == [id(weight) for weight in parts.loss.parameters()]
        assert all(len(weight) > 0 for weight in own["params"])


@every_loss_with_weights
def test_a_resumed_trial_goes_on_with_the_losss_weights_bit_for_bit(tmp_path: Path, loss: str) -> None:
    schedule = Component("one_cycle")
    spec = trial(
        tmp_path / "whole", loss=Component(loss), optimizer=DECAYED, schedule=schedule, clip_norm=0.5, epochs=3
    )
    spec = replace(spec, checkpoint_seconds=0.0)
    whole = reports_of(spec)
    pieces = replace(spec, folder=str(tmp_path / "pieces"))
    reports_of(pieces, stop_at=2)
    (_, last) = reports_of(pieces)
    assert untimed(last) == untimed(whole[-1])
    before, after = saved(spec.folder)["tensors"], saved(pieces.folder)["tensors"]
    own = [name for name in before if name.startswith("loss.")]
    assert own and before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@every_loss_with_weights
def test_the_losss_weights_move_and_cost_nothing_of_the_network(tmp_path: Path, loss: str) -> None:
    (plain,) = reports_of(trial(tmp_path / "plain"))
    (report,) = reports_of(trial(tmp_path / "own", loss=Component(loss)))
    assert (report["cost/params"], report["cost/flops"]) == (plain["cost/params"], plain["cost/flops"])
    spec = trial(tmp_path / "own", loss=Component(loss))
    data = load_data(spec.data, torch.device("cpu"))
    torch.manual_seed(0)
    begun = Trial(spec, data, parts_of(spec, data), {}, 0.0)
    before = [weight.detach().clone() for weight in begun.parts.loss.parameters()]
    begun.train(1)
    after = list(begun.parts.loss.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("rotate", [False, True])
def test_classes_reach_the_loss_counted_from_0_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rotate: bool
) -> None:
    """Of ten digits four are held out, so the training split's numbers have gaps; turned ones are classes of their own."""
    spec = replace(trial(tmp_path, loss=Component("arcface")), data=replace(DIGITS, rotate_classes=rotate))
    data = load_data(spec.data, torch.device("cpu"))
    numbers = torch.unique(data.train.labels).tolist()
    classes = 24 if rotate else 6
    assert len(numbers) == classes and numbers != list(range(classes))
    parts = parts_of(spec, data)
    assert parts.loss.num_classes == classes
    seen = set()

    def watch(parts: Parts, embeddings: torch.Tensor, labels: torch.Tensor, spared: None) -> None:
        seen.update(labels.tolist())

    monkeypatch.setattr(loop, "choose_tuples", watch)
    begun = Trial(spec, data, parts, {}, 0.0)
    for epoch in (1, 2, 3):
        begun.train(epoch)
    assert seen == set(range(classes))
    same = data.train.labels[:, None] == data.train.labels
    assert torch.equal(begun.labels[:, None] == begun.labels, same)


@pytest.mark.parametrize("clip_norm", [0.0, 0.01, 1e6])
def test_clipping_is_torchs_of_the_network_and_of_the_losss_weights_apart(clip_norm: float) -> None:
    found = []
    for ours in (True, False):
        torch.manual_seed(1)
        choices = replace(
            CONFIGURATION,
            backbone=CNN,
            loss=Component("proxy_anchor"),
            optimizer=Component("sgd", {"momentum": 0.0}),
            clip_norm=clip_norm if ours else 0.0,
        )
        parts = build(choices, ImageShape(1, 8), training=TRAINING, goal="maximize", device=torch.device("cpu"))
        loss = parts.loss(parts.network(torch.randn(24, 1, 8, 8)), torch.arange(6).repeat(4), None)
        loss.backward()
        if not ours and clip_norm:
            for module in (parts.network, parts.loss):
                torch.nn.utils.clip_grad_norm_(module.parameters(), clip_norm)
        before = {name: tensor.clone() for name, tensor in parts.weights().items()}
        parts.step()
        found.append({name: tensor - before[name] for name, tensor in parts.weights().items()})
    for name, step in found[0].items():
        assert torch.equal(step, found[1][name]), name
    head = [step.double().norm() for name, step in found[0].items() if name.startswith("network.head")]
    length = torch.stack(head).norm()
    assert (length <= 0.01 * 0.01 + 1e-7) == (clip_norm == 0.01)  # 0.01: sgd's default rate


def test_a_clipped_trial_learns_something_else(tmp_path: Path) -> None:
    sgd = Component("sgd", {"lr": 0.1})
    (plain,) = reports_of(trial(tmp_path / "plain", optimizer=sgd))
    (clipped,) = reports_of(trial(tmp_path / "clipped", optimizer=sgd, clip_norm=0.05))
    (wide,) = reports_of(trial(tmp_path / "wide", optimizer=sgd, clip_norm=1e6))
    assert clipped["train/loss"] != plain["train/loss"]
    assert untimed(wide) == untimed(plain)
