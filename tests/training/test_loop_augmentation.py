"""Augmentation in the loop: training sees it, validation does not, and nothing else that is drawn changes with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.catalogue.augmentations import AUGMENTATIONS
from ablate.study.configuration import Component
from ablate.training import loop
from ablate.training.build import Parts, build
from ablate.training.tuples import Tuples, choose_tuples
from tests.training.test_loop import reports_of
from tests.training.trials import trial


def test_another_augmentation_mines_the_same_tuples_from_the_same_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What augments draws from a stream of its own, so a miner that draws too is not disturbed."""
    mined: list[list[list[int]]] = []

    def on_known_embeddings(parts: Parts, embeddings: Tensor, labels: Tensor, *_: None) -> Tuples | None:
        fixed = torch.nn.functional.normalize(torch.arange(embeddings.numel()).view_as(embeddings).cos(), dim=1)
        chosen = choose_tuples(parts, fixed, labels)
        assert chosen is not None
        mined[-1] += [part.tolist() for part in chosen]
        return chosen

    monkeypatch.setattr(loop, "choose_tuples", on_known_embeddings)
    for name in ("none", "shift", "erasing"):
        mined.append([])
        sampler, augmentation = Component("distance_weighted"), Component(name)
        reports_of(trial(tmp_path / name, sampler=sampler, augmentation=augmentation))
    assert len(mined[0]) > 10
    assert mined[0] == mined[1] == mined[2]


@pytest.mark.parametrize("augmentation", [name for name in AUGMENTATIONS.names if name != "none"])
def test_augmentation_reaches_training_and_never_validation(tmp_path: Path, augmentation: str) -> None:
    """Nothing is learned here, and without batch norm nothing is remembered: validation can only see its own images."""
    still = {"optimizer": Component("sgd", {"lr": 1e-12}), "backbone": Component("mlp", {"batch_norm": False})}
    (plain,) = reports_of(trial(tmp_path / "plain", **still))
    (changed,) = reports_of(trial(tmp_path / "changed", **still, augmentation=Component(augmentation)))
    assert changed["train/loss"] != plain["train/loss"]
    validation = [name for name in plain if name.startswith("val/")]
    assert len(validation) > 5
    assert [changed[name] for name in validation] == [plain[name] for name in validation]


def test_each_epoch_augments_anew_and_each_seed_in_its_own_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []

    def watch(images: Tensor, draw: np.random.Generator) -> Tensor:
        drawn.append(float(draw.random()))
        return images

    def with_watch(*words: Any, **choices: Any) -> Parts:
        return replace(build(*words, **choices), augment=watch)

    monkeypatch.setattr(loop, "build", with_watch)
    for number, seed in enumerate((3, 3, 4)):
        reports_of(replace(trial(tmp_path / str(number), epochs=2), seed=seed))
    steps = len(drawn) // 3
    first, again, other = drawn[:steps], drawn[steps : 2 * steps], drawn[2 * steps :]
    assert len(set(first)) == len(first) > 10
    assert first == again and not set(first) & set(other)
