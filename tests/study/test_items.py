"""Images and books are not mixed: a study file that does is refused, with what to write instead."""

from __future__ import annotations

import pytest

from ablate.catalogue.datasets import DATASETS, holds_books
from ablate.study.load import parse_study
from tests.study.sound import faults_in

BOOKS = """study: books
data: {name: goodbooks, protocol: pairs}
space:
  backbone: [text_cnn, hybrid]
  loss: [contrastive, triplet]
  epochs: 2
"""


def edited(*edits: tuple[str, str]) -> str:
    text = BOOKS
    for old, new in edits:
        assert text.count(old) == 1, f"{old} is not once in the text"
        text = text.replace(old, new)
    return text


def test_a_sound_study_of_books_is_read_and_asks_for_auc() -> None:
    study = parse_study(BOOKS, "b.yaml")
    assert (study.objective.metric, study.objective.goal) == ("val/auc", "maximize")
    assert study.image_sizes == [0]
    first = study.space.first()
    assert not {"image_size", "views"} & (first.params.keys() | study.space.domains.keys())
    assert "image_size" not in first.architecture and first.architecture.startswith("text_cnn width=64")


@pytest.mark.parametrize(
    ("edit", "line", "what", "mend"),
    [
        (
            ("[text_cnn, hybrid]", "[text_cnn, mlp]"),
            4,
            "space.backbone: mlp embeds images, but data set goodbooks holds books",
            "take one of: distilbert, hybrid, metadata_mlp, text_cnn",
        ),
        (
            ("[text_cnn, hybrid]", "{resnet18: {}}"),
            4,
            "space.backbone.resnet18: resnet18 embeds images, but data set goodbooks holds books",
            "take one of: distilbert, hybrid, metadata_mlp, text_cnn",
        ),
        (
            ("pairs", "verification"),
            2,
            "data.protocol: verification needs items of one class each, but a book of goodbooks belongs to all its readers",
            "write protocol: pairs",
        ),
        (
            ("protocol: pairs", "protocol: pairs, image_size: 28"),
            2,
            "data.image_size: data set goodbooks holds books, which have no pixels",
            "remove it",
        ),
        (
            ("epochs: 2", "image_size: [28, 35]"),
            6,
            "space.image_size: data set goodbooks holds books, which have no pixels",
            "remove it",
        ),
        (
            ("protocol: pairs", "protocol: pairs, rotate_classes: true"),
            2,
            "data.rotate_classes: data set goodbooks holds books, which cannot be turned",
            "remove it",
        ),
        (
            ("protocol: pairs", "protocol: pairs, mirror_classes: true"),
            2,
            "data.mirror_classes: data set goodbooks holds books, which cannot be mirrored",
            "remove it",
        ),
        (
            ("epochs: 2", "views: [one, mirror]"),
            6,
            "space.views: data set goodbooks holds books, which have one view: themselves",
            "remove it",
        ),
        (
            ("epochs: 2", "augmentation: [none, flip]"),
            6,
            "space.augmentation: flip changes images, but data set goodbooks holds books",
            "write none",
        ),
        (
            ("[text_cnn, hybrid]", "{distilbert: {pretrained: models/tiny}}"),
            4,
            "space.backbone.distilbert.pretrained: 'models/tiny' has word pieces of its own, but data.params.tokenizer is own",
            "write tokenizer: models/tiny under data.params, or pretrained: none",
        ),
    ],
)
def test_what_does_not_go_with_books_is_refused(edit: tuple[str, str], line: int, what: str, mend: str) -> None:
    faults = faults_in(edited(edit))
    assert [(fault.where, fault.what, fault.mend) for fault in faults] == [(f"f.yaml:{line}", what, mend)]


def test_a_loss_that_pairs_books_by_itself_is_refused() -> None:
    (fault,) = faults_in(edited(("[contrastive, triplet]", "[contrastive, arcface]")))
    assert fault.where == "f.yaml:5" and "would push away books that a reader liked" in fault.what
    assert fault.mend.startswith("take one of: contrastive, triplet") and "arcface" not in fault.mend


def test_pretrained_weights_go_with_their_own_word_pieces() -> None:
    text = edited(
        ("[text_cnn, hybrid]", "{distilbert: {pretrained: [none, models/tiny]}}"),
        ("protocol: pairs", "protocol: pairs, params: {tokenizer: models/tiny}"),
    )
    assert parse_study(text, "b.yaml").space.first().backbone.params["pretrained"] == "none"


def test_books_backbones_and_the_protocol_pairs_are_refused_on_images() -> None:
    faults = faults_in(edited(("goodbooks", "digits"), ("epochs: 2", "batch: {classes: 4}")))
    books = ", ".join(entry.name for entry in DATASETS if holds_books(entry))
    assert [fault.what for fault in faults] == [
        "data.protocol: pairs is for books and their readers, but data set digits holds images",
        "space.backbone: text_cnn embeds books, but data set digits holds images",
        "space.backbone: hybrid embeds books, but data set digits holds images",
    ]
    assert books in faults[0].mend and "simple_cnn" in faults[1].mend


def test_a_level_of_an_ablation_is_checked_too() -> None:
    ablation = "ablation: {design: one_at_a_time, factors: {backbone: [text_cnn, simple_cnn]}, seeds: 2}\n"
    (fault,) = faults_in(edited(("[text_cnn, hybrid]", "text_cnn"), ("[contrastive, triplet]", "triplet")) + ablation)
    assert "simple_cnn embeds images" in fault.what


def test_weights_with_word_pieces_of_their_own_are_refused_as_a_level_of_a_factor_too() -> None:
    factors = "ablation: {design: grid, factors: {backbone.pretrained: [none, models/tiny]}}\n"
    (fault,) = faults_in(edited(("[text_cnn, hybrid]", "distilbert"), ("[contrastive, triplet]", "triplet")) + factors)
    assert "ablation.factors.backbone.pretrained: 'models/tiny' has word pieces of its own" in fault.what
