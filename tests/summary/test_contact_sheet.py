"""The contact sheet: every picture with its distance, and what is called the same told by frame and words."""

from __future__ import annotations

import numpy as np
import pytest

from ablate.summary.colours import RIGHT
from ablate.summary.contact_sheet import A_ROW, NAME_LINES, NAME_WIDTH, Shown, contact_sheet
from ablate.summary.png import png
from tests.summary.test_trial_figures import pixels, share_of, texts


def shown(number: int, *, same: int = 0) -> list[Shown]:
    draw = np.random.default_rng(0)
    image = draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return [Shown(image, f"pictures/of/somebody/{i}.png", 0.1 * i, i < same) for i in range(number)]


@pytest.mark.parametrize("number", [1, A_ROW + 2, 2 * A_ROW])
def test_each_picture_is_there_with_rank_distance_and_the_end_of_its_name(number: int) -> None:
    figure = contact_sheet(Shown(shown(1)[0].image, "query.png"), shown(number), title="all of them")
    said = texts(figure)
    assert {"all of them", "query", "query.png"} <= set(said)
    assert [text for text in said if " d " in text] == [f"{i + 1}   d {0.1 * i:.3f}" for i in range(number)]
    assert f"pictures/of/somebody/{number - 1}.png" in said
    assert min(pixels(png(figure)).shape[:2]) > 400


def test_a_long_name_is_told_in_lines_and_only_its_beginning_is_cut() -> None:
    name = "/".join(f"folder-{number:02d}" for number in range(12)) + "/picture.png"
    (label,) = [
        text for text in texts(contact_sheet(shown(1)[0], [Shown(shown(1)[0].image, name)], title="")) if "\n" in text
    ]
    assert label.count("\n") == NAME_LINES - 1 and max(map(len, label.splitlines())) == NAME_WIDTH
    told = label.replace("\n", "")
    assert told.startswith("...") and name.endswith(told.removeprefix("...")) and len(told) == NAME_WIDTH * NAME_LINES


def test_what_is_called_the_same_is_framed_and_said() -> None:
    query = Shown(np.zeros((9, 9, 3), np.uint8), "query.png")
    framed, plain = (contact_sheet(query, shown(5, same=n), title="") for n in (3, 0))
    assert sum("same" in text for text in texts(framed)) == 3
    assert share_of(RIGHT, framed) > 0.002 and share_of(RIGHT, plain) == 0.0
