"""The digest of the data says when two trials may be compared."""

from __future__ import annotations

from dataclasses import replace

from ablate.training.prepare import data_digest, open_data
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
