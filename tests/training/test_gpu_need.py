"""Which trials stand for the memory of each architecture; what they take is measured on a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablate.study.load import parse_study
from ablate.training.gpu_need import gpu_needs, heaviest_choices
from tests.training.trials import trial

SEARCH = """study: shared
data: digits
space:
  backbone: {mlp: {width: [16, 64]}, simple_cnn: {}}
  embedding_dim: [8, 16]
  loss: {contrastive: {margin: {uniform: [0.2, 1.0]}}, triplet: {}}
  sampler: [random, hard]
  batch: {classes: [4, 6], per_class: [2, 16]}
resources: {gpus: auto}
""".replace("data: digits", "data: {name: digits}")
ARMS = SEARCH.replace("contrastive: {margin: {uniform: [0.2, 1.0]}}", "contrastive: {}").replace(
    "[8, 16]", "8"
).replace("{classes: [4, 6], per_class: [2, 16]}", "{classes: 6, per_class: 16}").replace(
    "mlp: {width: [16, 64]}", "mlp: {}"
).replace("sampler: [random, hard]", "sampler: random") + (
    "ablation: {design: one_at_a_time, factors: {loss: [triplet, contrastive], backbone: [mlp, simple_cnn]},\n"
    "           baseline: {loss: triplet, backbone: mlp}, seeds: 2}\n"
)


def test_each_architecture_of_a_search_has_every_loss_and_sampler_with_the_largest_batch() -> None:
    found = heaviest_choices(parse_study(SEARCH, "s.yaml").spaces)
    assert len(found) == 2 * 2 + 2
    for own in found:
        assert len({choice.architecture for choice in own}) == 1
        assert {(c.loss.name, c.sampler.name) for c in own} == {
            (loss, sampler) for loss in ("contrastive", "triplet") for sampler in ("random", "hard")
        }
        assert {(choice.batch_classes, choice.batch_per_class) for choice in own} == {(6, 16)}


def test_of_an_ablation_each_architecture_has_what_its_arms_have() -> None:
    found = heaviest_choices(parse_study(ARMS, "a.yaml").spaces)
    assert {own[0].backbone.name: [c.loss.name for c in own] for own in found} == {
        "mlp": ["triplet", "contrastive"],
        "simple_cnn": ["triplet"],
    }


@pytest.mark.skipif(not torch.cuda.is_available(), reason="measures the memory of a GPU, and there is none")
def test_a_wider_network_takes_more_of_a_gpu(tmp_path: Path) -> None:
    from ablate.study.configuration import Component

    small, large = (trial(tmp_path, backbone=Component("mlp", {"width": width, "depth": 2})) for width in (16, 8192))
    need = gpu_needs([[small], [large]])
    wide = 8192**2 * 4 * 4 / 2**20  # weights, gradients and Adam's two moments, in MiB
    taken = list(need.taken.values())
    assert 0 < taken[0] < taken[0] + wide < taken[1] < need.total
