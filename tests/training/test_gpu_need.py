"""Which trials stand for the memory of each architecture; what they take is measured on a GPU."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch

from ablate.study.load import parse_study
from ablate.training.gpu_need import beside_the_network, gpu_needs, heaviest_choices
from tests.training.trials import trial

SEARCH = """study: shared
data: {name: digits}
space:
  backbone: {mlp: {width: [16, 64]}, simple_cnn: {}}
  embedding_dim: [8, 16]
  loss: {contrastive: {margin: {uniform: [0.2, 1.0]}}, triplet: {}}
  sampler: [random, hard]
  optimizer: [sgd, adamw]
  batch: {classes: [4, 6], per_class: [2, 16]}
resources: {gpus: auto}
"""
ARMS = """study: shared
data: {name: digits}
space:
  backbone: [mlp, simple_cnn]
  embedding_dim: 8
  loss: [contrastive, triplet]
  batch: {classes: 6, per_class: 16}
resources: {gpus: auto}
ablation:
  design: one_at_a_time
  factors: {loss: [triplet, contrastive], backbone: [mlp, simple_cnn]}
  baseline: {loss: triplet, backbone: mlp}
  seeds: 2
"""
MARGINS = """study: shared
data: {name: digits}
space:
  backbone: mlp
  loss: contrastive
  batch: {classes: 6, per_class: 16}
resources: {gpus: auto}
ablation:
  design: one_at_a_time
  factors: {loss.margin: [0.2, 0.4, 0.8]}
  baseline: {loss.margin: 0.2}
  seeds: 2
"""


def test_each_architecture_of_a_search_has_all_that_takes_memory_with_the_largest_batch() -> None:
    found = heaviest_choices(parse_study(SEARCH, "s.yaml").spaces)
    assert len(found) == 2 * 2 + 2
    for own in found:
        assert len({choice.architecture for choice in own}) == 1
        assert [beside_the_network(choice) for choice in own] == list(
            product(("contrastive", "triplet"), ("random", "hard"), ("sgd", "adamw"))
        )
        assert {(choice.batch_classes, choice.batch_per_class) for choice in own} == {(6, 16)}


def test_of_an_ablation_each_architecture_has_what_its_arms_have() -> None:
    found = heaviest_choices(parse_study(ARMS, "a.yaml").spaces)
    assert {own[0].backbone.name: [c.loss.name for c in own] for own in found} == {
        "mlp": ["triplet", "contrastive"],
        "simple_cnn": ["triplet"],
    }


def test_arms_that_differ_in_nothing_that_takes_memory_are_measured_once() -> None:
    ((only,),) = heaviest_choices(parse_study(MARGINS, "m.yaml").spaces)
    assert only.loss.name == "contrastive"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="measures the memory of a GPU, and there is none")
def test_a_wider_network_takes_more_of_a_gpu(tmp_path: Path) -> None:
    from ablate.study.configuration import Component

    small, large = (trial(tmp_path, backbone=Component("mlp", {"width": width, "depth": 2})) for width in (16, 8192))
    need = gpu_needs([[small], [large]])
    wide = 8192**2 * 4 * 4 / 2**20  # weights, gradients and Adam's two moments, in MiB
    taken = list(need.taken.values())
    assert 0 < taken[0] < taken[0] + wide < taken[1] < need.total


def test_arms_that_differ_in_their_batch_are_measured_with_the_largest() -> None:
    text = MARGINS.replace("loss.margin: [0.2, 0.4, 0.8]", "batch.per_class: [2, 64, 16]")
    ((only,),) = heaviest_choices(parse_study(text.replace("loss.margin: 0.2", "batch.per_class: 2"), "b.yaml").spaces)
    assert (only.batch_classes, only.batch_per_class) == (6, 64)
