"""Every study in search_spaces/ loads, asks a question with a price, is known to editors; docs/results.md has its command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablate.study.load import load_study

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "search_spaces").glob("*.yaml"))
QUESTION_AND_PRICE = re.compile(r"# .+\?  .*(second|minute|hour|GPU-hour)s? .+\.")
SET = re.compile(r"--set\s+(?:'([^']*)'|([^\s;]+))")
PROMISED = {"mnist", "samplers", "faces", "books", "margins", "one_shot", "quickstart"}
SEARCHES = {"quickstart", "omniglot", "front_omniglot"}
"""One seed each: all others judge their arms by three or more."""
every_study = pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])


def variants(path: Path) -> list[list[str]]:
    """The changes that the comments before a study's name quote, one list for each `WHAT:  --set ...`."""
    head = re.split(r"^study:", path.read_text(), flags=re.MULTILINE)[0]
    joined = re.sub(r"\n# {8,}(?=--set)", " ", head)  # a line that goes on
    found = [[quoted or plain for quoted, plain in SET.findall(line)] for line in joined.splitlines()]
    return [changes for changes in found if changes]


VARIANTS = [(path, changes) for path in STUDIES for changes in variants(path)]


def test_the_studies_are_found() -> None:
    assert {path.stem for path in STUDIES} >= PROMISED | SEARCHES


@every_study
def test_a_shipped_study_loads_under_its_own_name(path: Path) -> None:
    study = load_study(path)
    assert study.question and study.name == path.stem.replace("_", "-")


@every_study
def test_a_shipped_study_begins_with_its_question_its_price_and_its_schema(path: Path) -> None:
    first, second, *_ = path.read_text().splitlines()
    assert QUESTION_AND_PRICE.fullmatch(first), f"{path.name}:1: write `# <question>?  <price> on <machine>.`"
    assert second == "# yaml-language-server: $schema=study.schema.json", f"{path.name}:2"


@every_study
def test_a_shipped_ablation_judges_its_arms_by_three_seeds_or_more(path: Path) -> None:
    study = load_study(path)
    assert (study.ablation is None) == (path.stem in SEARCHES)
    assert study.ablation is None or len(study.ablation.seeds) >= 3


@every_study
def test_results_tell_the_command_of_every_study(path: Path) -> None:
    command = rf"^    ablate run search_spaces/{path.name}(\s|$)"
    assert re.search(command, (ROOT / "docs" / "results.md").read_text(), flags=re.MULTILINE)


def test_the_variants_in_heads_are_found_whole() -> None:
    found = [(path.stem, [change.partition("=")[0] for change in changes]) for path, changes in VARIANTS]
    assert ("faces", ["study", "space.batch", "data"]) in found
    assert ("margins", ["study", "data", "space.epochs", "space.batch"]) in found
    assert ("samplers", ["study", "data", "space.epochs", "space.batch"]) in found
    assert ("samplers", ["study", "data", "space.epochs", "space.augmentation", "space.batch"]) in found
    quoted = sum(len(re.findall(r"--set\b", path.read_text())) for path in STUDIES)
    assert sum(len(changes) for _, changes in found) == quoted, "some are in no variant"


@pytest.mark.parametrize(
    ("path", "changes"), VARIANTS, ids=[f"{path.stem}-{i}" for i, (path, _) in enumerate(VARIANTS)]
)
def test_a_variant_in_the_head_of_a_study_loads(path: Path, changes: list[str]) -> None:
    plain, changed = load_study(path), load_study(path, changes)
    assert changed.meaning != plain.meaning
    named = [change.removeprefix("study=") for change in changes if change.startswith("study=")]
    assert changed.name == (named or [plain.name])[0]


def test_no_two_shipped_studies_share_a_name() -> None:
    names = [load_study(path).name for path in STUDIES]
    assert len(set(names)) == len(names)
