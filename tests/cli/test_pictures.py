"""`ablate show` as a user calls it, on a study whose best trial was really trained, and what it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.test_cli import ablate
from tests.training.studies import shared_cache, trained_ablation, trained_search

pytestmark = pytest.mark.slow  # every test starts a Python process, and pictures need torch

PICTURES = ["curves.png", "embeddings.png", "nearest.png", "pairs.png", "roc.png"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `runs/made-up`."""
    patch, folder = shared_cache(tmp_path_factory), tmp_path_factory.mktemp("trained")
    trained_search(folder / "runs" / "made-up")
    yield folder
    patch.undo()


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "work"))


def test_the_best_trial_of_the_newest_study_is_drawn_into_its_folder(folder: Path) -> None:
    done = ablate("show", cwd=folder)
    written = [folder / line for line in done.stdout.splitlines()]
    assert sorted(path.name for path in written) == PICTURES
    assert {path.parent for path in written} == {folder / "runs" / "made-up" / "trials" / "0000" / "pictures"}
    for path in written:
        with Image.open(path) as picture:
            assert picture.format == "PNG" and min(picture.size) > 400
    assert done.stderr == ""


def test_the_test_split_of_a_trial_that_has_read_it_is_drawn_where_it_is_told(folder: Path) -> None:
    done = ablate("show", "0", "runs/made-up", "--split", "test", "--output", "seen", cwd=folder)
    assert sorted(done.stdout.split()) == [f"seen/{name}" for name in PICTURES]


def test_a_trial_without_weights_has_its_curves_drawn_and_says_why_no_more(folder: Path) -> None:
    done = ablate("show", "0001", "runs/made-up", cwd=folder)
    assert done.stdout.splitlines() == [str(folder / "runs/made-up/trials/0001/pictures/curves.png")]
    assert done.stderr == "trial 0001 has no weights (it was pruned): only its curves are drawn\n"
    shutil.rmtree(next((folder / "runs/made-up/trials/0000").glob("checkpoint-*")))
    done = ablate("show", "best", "runs/made-up", cwd=folder)
    assert done.stderr == "trial 0000 has no weights (its checkpoint is not there): only its curves are drawn\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["0042", "runs/made-up"], "made-up has no trial '0042'\n  it has 4 trials, 0000 to 0003\n"),
        (["bset", "runs/made-up"], "made-up has no trial 'bset'\n  did you mean 'best'? it has 4 trials, 0000 to 0003"),
        (["runs/made-up"], "'runs/made-up' is no trial\n  did you mean `ablate show best runs/made-up`?\n"),
        (["best", "runs/nothing"], "runs/nothing holds no study\n  studies there: made-up"),
        (["best", "--out", "elsewhere"], "there is no study in elsewhere\n  run one:"),
        (
            ["0003", "--split", "test"],
            "trial 0003 of made-up has not read the test split, which is sealed\n  leave --split",
        ),
        (["0000", "--split", "train"], "--split train is not known\n  write one of: val, test\n"),
        (["0002"], "trial 0002 has neither weights nor curves: there is nothing to draw\n  show another trial\n"),
        (["0001", "--output", "file"], "--output file/curves.png cannot be written (file exists)\n  name a place"),
        (["0000", "--data", "file"], "--data file is not a folder\n"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_code_2_and_a_mend(words: list[str], message: str, folder: Path) -> None:
    (folder / "file").touch()
    done = ablate("show", *words, cwd=folder, code=2)
    assert message in done.stderr and done.stdout == ""
    assert not list(folder.glob("runs/*/trials/*/pictures"))


def test_other_data_than_the_study_was_run_on_are_refused(folder: Path) -> None:
    path = folder / "runs/made-up/study.json"
    path.write_text(path.read_text().replace('"data_digest": "', '"data_digest": "0'))
    done = ablate("show", "best", "runs/made-up", "--data", "elsewhere", cwd=folder, code=2)
    assert done.stderr.startswith("elsewhere: these are not the data that made-up was run on\n  name the folder")


def test_a_study_without_a_complete_trial_has_no_best(folder: Path) -> None:
    path = folder / "runs/made-up/journal.log"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))  # the study and its first trial
    done = ablate("show", "best", "runs/made-up", cwd=folder, code=2)
    assert done.stderr.startswith("no trial of made-up is complete yet\n  name one of those it has: 0000\n")


def test_a_trial_of_an_ablation_may_show_its_test_and_the_study_its_learning_curves(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    patch = shared_cache(tmp_path_factory)
    trained_ablation(tmp_path / "runs" / "made-up", "space.epochs=1")
    patch.undo()
    done = ablate("show", "0003", "runs/made-up", "--split", "test", cwd=tmp_path)
    assert sorted(Path(path).name for path in done.stdout.split()) == PICTURES
    figures = ablate("summarize", "runs/made-up", "--figures", "seen", cwd=tmp_path)
    assert "written to seen/learning_curves.png" in figures.stderr
