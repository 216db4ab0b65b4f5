"""Tiny trials on the digits data set: 6 classes to train on, 2 to validate, 2 to test; an epoch takes some 30 ms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ablate.catalogue.augmentations import Pixels
from ablate.catalogue.costs import COSTS
from ablate.study.configuration import Component, Configuration
from ablate.training.build import TrainingSplit
from ablate.training.spec import DataSpec, TrialSpec

CNN = Component("simple_cnn", {"width": 4, "depth": 2})
CONFIGURATION = Configuration(
    backbone=Component("mlp", {"width": 16, "depth": 1}),
    loss=Component("contrastive"),
    sampler=Component("random"),
    optimizer=Component("adam"),
    schedule=Component("constant"),
    augmentation=Component("none"),
    embedding_dim=8,
    batch_classes=6,
    batch_per_class=16,
    epochs=1,
    normalize=True,
    image_size=8,
)
DIGITS = DataSpec(
    name="digits",
    params=(),
    root="/nowhere",  # they come with scikit-learn
    image_size=8,
    protocol="retrieval",
    val_fraction=0.2,
    test_fraction=0.2,
    rotate_classes=False,
    seed=0,
    test_seed=0,
)
PIXELS = Pixels(torch.tensor([-2.0]), torch.tensor([2.0]))
TRAINING = TrainingSplit(num_classes=6, steps=11, pixels=PIXELS)
"""What `build` is told of a training split: about that of the digits."""
TIMED = ("time/", *(cost.name for cost in COSTS.values() if cost.known == "trained"))
"""What may differ between two trials that are otherwise equal."""


def trial(folder: Path, **choices: Any) -> TrialSpec:
    """A trial of CONFIGURATION with other `choices`."""
    return TrialSpec(
        id="0000",
        configuration=replace(CONFIGURATION, **choices),
        data=DIGITS,
        metric="val/map_at_r",
        goal="maximize",
        seed=3,
        folder=str(folder),
        cpus=1,
        gpus=0.0,
    )


def untimed(report: dict[str, float]) -> dict[str, float]:
    """The numbers that must be equal, bit for bit, wherever the same trial runs."""
    return {name: value for name, value in report.items() if not name.startswith(TIMED)}
