"""The space asks only for what exists, and can say how large it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from ablate.study.configuration import Component, Configuration
from ablate.study.domain import Choice, Domain, Fixed, Int, Uniform
from ablate.study.space import MOST_ARCHITECTURES, Space
from ablate.types import Scalar


def space(**changes: object) -> Space:
    parts: dict[str, object] = {
        "backbone": {"mlp": {"width": Choice((8, 16)), "depth": Fixed(2)}, "resnet18": {}},
        "loss": {"triplet": {"margin": Uniform(0.1, 0.5)}, "info_nce": {"temperature": Fixed(0.1)}},
        "sampler": {"random": {}, "hard": {}},
        "optimizer": {"adam": {"lr": Fixed(0.001)}},
        "schedule": {"constant": {}},
        "augmentation": {"none": {}},
    }
    dims = {"embedding_dim": Int(2, 4), "batch_classes": Fixed(4), "batch_per_class": Fixed(2)}
    dims |= {"normalize": Fixed(True), "image_size": Fixed(28)}
    slots = {name: changes.get(name, levels) for name, levels in parts.items()}
    rest: dict[str, object] = {name: changes.get(name, domain) for name, domain in dims.items()}
    return Space(slots=slots, epochs=3, **rest)  # type: ignore[arg-type]


def resolved(space: Space, answers: dict[str, Scalar]) -> tuple[Configuration, list[str]]:
    asked: list[str] = []

    def choose(name: str, domain: Domain) -> Scalar:
        asked.append(name)
        return answers[name]

    return space.resolve(choose), asked


def test_only_the_parameters_of_the_chosen_levels_are_asked_for() -> None:
    answers: dict[str, Scalar] = {"backbone": "resnet18", "loss": "info_nce", "sampler": "hard", "embedding_dim": 3}
    configuration, asked = resolved(space(), answers)
    assert asked == ["backbone", "loss", "sampler", "embedding_dim"]
    assert configuration.backbone == Component("resnet18", {})
    assert configuration.loss == Component("info_nce", {"temperature": 0.1})

    answers = {"backbone": "mlp", "backbone.mlp.width": 16, "loss": "triplet", "loss.triplet.margin": 0.3}
    answers |= {"sampler": "random", "embedding_dim": 2}
    configuration, asked = resolved(space(), answers)
    assert asked == ["backbone", "backbone.mlp.width", "loss", "loss.triplet.margin", "sampler", "embedding_dim"]
    assert configuration.backbone == Component("mlp", {"width": 16, "depth": 2})


def test_a_space_without_a_choice_asks_nothing() -> None:
    fixed = space(backbone={"resnet18": {}}, loss={"info_nce": {}}, sampler={"random": {}}, embedding_dim=Fixed(8))
    assert resolved(fixed, {})[1] == []
    assert fixed.size == 1


def test_the_first_configuration_takes_the_first_of_everything() -> None:
    first = space().first()
    assert (first.backbone, first.loss) == (
        Component("mlp", {"width": 8, "depth": 2}),
        Component("triplet", {"margin": 0.1}),
    )
    assert first.embedding_dim == 2


def test_a_range_of_reals_has_no_size() -> None:
    assert space().size is None


def test_size_counts_what_a_walk_through_all_answers_finds() -> None:
    finite = space(loss={"triplet": {"margin": Choice((0.1, 0.2, 0.3))}, "info_nce": {"temperature": Fixed(0.1)}})
    options: dict[str, tuple[Scalar, ...]] = {
        "backbone": ("mlp", "resnet18"),
        "backbone.mlp.width": (8, 16),
        "loss": ("triplet", "info_nce"),
        "loss.triplet.margin": (0.1, 0.2, 0.3),
        "sampler": ("random", "hard"),
        "embedding_dim": (2, 3, 4),
    }
    walks = [dict(zip(options, answers, strict=True)) for answers in product(*options.values())]
    found = {resolved(finite, answers)[0].digest for answers in walks}
    assert finite.size == len(found) == 3 * 4 * 2 * 3


def test_architectures_are_every_backbone_with_every_width_and_nothing_else() -> None:
    found = space().architectures()
    assert found is not None
    assert [(backbone.name, backbone.params.get("width"), *others) for backbone, *others in found] == [
        (name, width, dim, 28, "auto", "one")
        for name, width in (("mlp", 8), ("mlp", 16), ("resnet18", None))
        for dim in (2, 3, 4)
    ]
    assert space(backbone={"mlp": {"width": Uniform(0, 1)}}).architectures() is None


def test_every_image_size_is_an_architecture_of_its_own_and_counts_towards_their_limit() -> None:
    sizes = Choice((28, 14))
    found = space(backbone={"resnet18": {}}, embedding_dim=Fixed(8), image_size=sizes).architectures()
    assert found is not None
    shapes = [architecture.name for architecture in found]
    assert shapes == ["resnet18 image_size=14 dim=8", "resnet18 image_size=28 dim=8"]
    most = Int(1, MOST_ARCHITECTURES // 2)
    assert space(backbone={"resnet18": {}}, embedding_dim=most, image_size=sizes).architectures() is not None
    more = Int(1, MOST_ARCHITECTURES // 2 + 1)
    assert space(backbone={"resnet18": {}}, embedding_dim=more, image_size=sizes).architectures() is None


def test_every_precision_costs_otherwise_and_is_an_architecture_of_its_own() -> None:
    varied = replace(space(backbone={"resnet18": {}}, embedding_dim=Fixed(8)), precision=Choice(("auto", "bf16")))
    found = varied.architectures()
    assert found is not None
    assert [one.name for one in found] == ["resnet18 image_size=28 dim=8", "resnet18 image_size=28 dim=8 bf16"]
    assert resolved(varied, {"loss": "info_nce", "sampler": "hard", "precision": "bf16"})[0].precision == "bf16"


def test_views_cost_otherwise_too() -> None:
    varied = replace(space(backbone={"resnet18": {}}, embedding_dim=Fixed(8)), views=Choice(("one", "turns")))
    assert [one.name for one in varied.architectures() or ()] == [
        "resnet18 image_size=28 dim=8",
        "resnet18 image_size=28 dim=8 views=turns",
    ]


def test_what_every_configuration_has_is_asked_for_last_where_it_is_a_choice() -> None:
    varied = space(backbone={"resnet18": {}}, loss={"info_nce": {}}, sampler={"random": {}}, embedding_dim=Fixed(8))
    varied = replace(varied, normalize=Choice((True, False)), image_size=Choice((14, 28)), clip_norm=Choice((0.0, 1.0)))
    varied = replace(varied, precision=Choice(("fp32", "bf16")), views=Choice(("one", "mirror")))
    configuration, asked = resolved(
        varied, {"normalize": False, "image_size": 28, "clip_norm": 1.0, "precision": "bf16", "views": "mirror"}
    )
    assert asked == ["normalize", "image_size", "clip_norm", "precision", "views"]
    assert (configuration.normalize, configuration.image_size, configuration.clip_norm) == (False, 28, 1.0)
    assert (configuration.precision, configuration.views) == ("bf16", "mirror")
    assert varied.size == 32
    assert list(varied.domains)[-5:] == ["normalize", "image_size", "clip_norm", "precision", "views"]


@pytest.fixture
def configuration() -> Configuration:
    answers: dict[str, Scalar] = {"backbone": "mlp", "backbone.mlp.width": 16, "loss": "info_nce"}
    answers |= {"sampler": "random", "embedding_dim": 2}
    return resolved(space(), answers)[0]


def test_a_configuration_survives_the_way_through_plain_types(configuration: Configuration) -> None:
    again = Configuration.from_dict(configuration.to_dict())
    assert again == configuration and again.digest == configuration.digest and again.params == configuration.params


def test_params_name_every_choice_flat(configuration: Configuration) -> None:
    assert configuration.params == {
        "backbone": "mlp",
        "backbone.width": 16,
        "backbone.depth": 2,
        "loss": "info_nce",
        "loss.temperature": 0.1,
        "sampler": "random",
        "optimizer": "adam",
        "optimizer.lr": 0.001,
        "schedule": "constant",
        "augmentation": "none",
        "embedding_dim": 2,
        "batch.classes": 4,
        "batch.per_class": 2,
        "epochs": 3,
        "normalize": True,
        "image_size": 28,
        "clip_norm": 0.0,
        "precision": "auto",
        "views": "one",
    }


def test_the_digest_changes_with_every_choice_but_not_with_the_epochs(configuration: Configuration) -> None:
    raw = configuration.to_dict()
    assert Configuration.from_dict({**raw, "epochs": 99}).digest == configuration.digest
    others: list[dict[str, object]] = [
        {"embedding_dim": 3},
        {"batch_classes": 5},
        {"loss": {"name": "info_nce", "params": {"temperature": 0.2}}},
        {"sampler": {"name": "hard", "params": {}}},
        {"augmentation": {"name": "flip", "params": {}}},
        {"normalize": False},
        {"image_size": 29},
        {"clip_norm": 1.0},
        {"precision": "fp32"},
        {"views": "mirror"},
        {"schedule": {"name": "constant", "params": {"warmup": 1.0}}},
    ]
    digests = {Configuration.from_dict({**raw, **other}).digest for other in others}
    assert len(digests | {configuration.digest}) == 12


def test_a_knob_that_came_later_and_is_off_leaves_the_digest_as_it_was(configuration: Configuration) -> None:
    """A study from before it came finds its trials again."""
    later = {"clip_norm": 0.0, "precision": "auto", "views": "one"}
    before = {name: value for name, value in configuration.to_dict().items() if name not in later}
    off = {**before, **later, "schedule": {"name": "constant", "params": {"warmup": 0.0}}}
    assert before["schedule"]["params"] == {}
    assert Configuration.from_dict(before).digest == Configuration.from_dict(off).digest
