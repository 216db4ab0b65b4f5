"""The cost card says every number with its unit, and why one is missing."""

from __future__ import annotations

import json

import pytest

from ablate.cost.card import Card, Timing
from ablate.summary.card import FORMATS

MS = {"p50": 1.25, "p95": 2.5, "p99": 3.5, "iqr": 0.125}
CARD = Card(
    architecture="resnet18 image_size=224 dim=64",
    item="image, 3 x 224 x 224",
    counted={"cost/params": 11_200_000.0, "cost/macs": 1.8136e9, "cost/weights_mib": 42.8},
    uncounted={f"operator_{number}": 10 * number for number in range(10)},
    timings=(
        Timing("cpu, 2 threads", "fp32", MS, MS, 8, 1234.0),
        Timing("cpu, 2 threads", "int8", {}, {}, 0, 0.0, "does not run: no kernel"),
    ),
)


@pytest.mark.parametrize("format", ["table", "md"])
def test_people_read_amounts_with_their_units(format: str) -> None:
    text = FORMATS[format](CARD)
    for said in ("1.814 GMAC", "11.2 M weights", "42.8 MiB", "1.25", "3.5", "1,234"):
        assert said in text
    assert "operator_7 (70)" in text and "operator_9" not in text and "and 2 more" in text
    assert "timed on cpu, 2 threads" in text and "int8: does not run: no kernel" in text


def test_a_terminal_breaks_no_number() -> None:
    """Each precision is a column: a line is short however much is timed."""
    timed = FORMATS["table"](CARD).split("timed on")[1].splitlines()
    assert timed[6].rsplit(maxsplit=2) == ["ms/32 p50", "1.25", "-"]
    assert max(map(len, timed[1:])) < 60


def test_machines_read_every_number() -> None:
    card = json.loads(FORMATS["json"](CARD))
    assert card["counted"]["cost/macs"] == 1.8136e9
    assert len(card["uncounted"]) == 10
    assert card["timings"][0]["one_ms"] == MS
