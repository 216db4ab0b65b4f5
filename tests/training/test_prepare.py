"""The digest of the data says when two trials may be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ablate.study.load import parse_study
from ablate.training import cache
from ablate.training.prepare import data_digest, open_data, prepare_data
from ablate.training.spec import DataSpec
from tests.training.trials import DIGITS


def test_the_digest_is_equal_exactly_where_images_and_split_are() -> None:
    first = data_digest(*open_data(DIGITS))
    assert first == data_digest(*open_data(DIGITS))
    others = [
        replace(DIGITS, seed=1),
        replace(DIGITS, image_size=10),
        replace(DIGITS, protocol="closed"),
        replace(DIGITS, val_fraction=0.4),
    ]
    assert len({first, *(data_digest(*open_data(other)) for other in others)}) == 1 + len(others)


def prepared(sizes: str) -> tuple[DataSpec, str]:
    """The digits at some sizes, with the split of DIGITS."""
    space = f"{{backbone: mlp, loss: triplet, batch: {{classes: 4}}, image_size: {sizes}}}"
    return prepare_data(parse_study(f"study: s\ndata: {{name: digits}}\nspace: {space}\n", "f.yaml"), Path("/nowhere"))


def test_one_image_size_keeps_the_digest_of_its_data() -> None:
    assert prepared("8") == (DIGITS, data_digest(*open_data(DIGITS)))


def test_the_digest_covers_every_image_size_in_whatever_order_they_are_named() -> None:
    spec, digest = prepared("[12, 8]")
    assert spec == DIGITS, "what trials are told begins at the smallest size"
    assert prepared("[8, 12]")[1] == digest
    others = [prepared(sizes)[1] for sizes in ("8", "12", "[8, 10]", "[8, 10, 12]")]
    assert len({digest, *others}) == 5
    assert {len(each) for each in (digest, *others)} == {33}, "MLflow takes no more than 36"


def test_every_image_size_is_decoded_before_the_study_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_CACHE", str(tmp_path))
    prepared("[8, 12]")

    def decode_no_more(*_: object) -> None:
        raise AssertionError("a trial would decode")

    monkeypatch.setattr(cache, "_build", decode_no_more)
    shapes = [open_data(replace(DIGITS, image_size=size))[0].parts["train"].images.shape for size in (8, 12)]
    assert shapes == [(1797, 8, 8, 1), (1797, 12, 12, 1)]
