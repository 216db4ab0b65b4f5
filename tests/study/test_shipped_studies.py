"""Every study in search_spaces/ loads, asks a question with a price, and is known to editors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablate.study.load import load_study

STUDIES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))
QUESTION_AND_PRICE = re.compile(r"# .+\?  .*(second|minute|hour|GPU-hour)s? .+\.")


def test_the_studies_are_found() -> None:
    assert len(STUDIES) >= 2
    assert "quickstart.yaml" in [path.name for path in STUDIES]


@pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
def test_a_shipped_study_loads_under_its_own_name(path: Path) -> None:
    assert load_study(path).question


@pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
def test_a_shipped_study_begins_with_its_question_its_price_and_its_schema(path: Path) -> None:
    first, second, *_ = path.read_text().splitlines()
    assert QUESTION_AND_PRICE.fullmatch(first), f"{path.name}:1: write `# <question>?  <price> on <machine>.`"
    assert second == "# yaml-language-server: $schema=study.schema.json", f"{path.name}:2"


def test_no_two_shipped_studies_share_a_name() -> None:
    names = [load_study(path).name for path in STUDIES]
    assert len(set(names)) == len(names)
