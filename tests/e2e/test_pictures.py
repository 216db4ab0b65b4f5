"""The best trial's pictures at the end of a real study: on disk, in MLflow, not drawn twice, and never what ends a study."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.study import rows, run, write_study

pytestmark = [pytest.mark.slow, pytest.mark.ray]

PICTURES = {"curves.png", "roc.png", "pairs.png", "embeddings.png", "nearest.png"}
FAILS = """
import json, sys
from pathlib import Path
from ablate.engine.options import Options
from ablate.engine.run import run_study
from ablate.study.load import load_study

def draw(folder, portrait):
    raise ValueError("no ink")

outcome = run_study(load_study(Path(sys.argv[1])), Options(Path("unused"), Path(sys.argv[2]), cpus=1, quiet=True, draw=draw))
print(json.dumps([outcome.notes, [row.state for row in outcome.results]]))
"""


def test_a_study_ends_with_the_pictures_of_its_best_trial_on_disk_and_in_mlflow_and_draws_them_once(
    tmp_path: Path,
    out: Path,
) -> None:
    study = write_study(tmp_path, trials=3, epochs=2, stopping="none")
    first = run("run", study, "--out", out, "--cpus", "1")
    assert first.returncode == 0 and "drawing the best trial" in first.stderr, first.stderr
    best = max(rows(out / "small"), key=lambda row: row["metrics"]["val/recall_at_1"])["id"]
    drawn = {path: path.stat().st_mtime_ns for path in (out / "small").glob("trials/*/pictures/*")}
    assert {path.name for path in drawn} == PICTURES
    assert {path.parent.parent.name for path in drawn} == {best}
    assert _artifacts(out) == {best: PICTURES}

    again = run("run", study, "--out", out, "--cpus", "1")
    assert again.returncode == 0 and again.stderr == "nothing was left to do\n"
    assert {path: path.stat().st_mtime_ns for path in (out / "small").glob("trials/*/pictures/*")} == drawn


def _artifacts(out: Path) -> dict[str, set[str]]:
    """The pictures in the run of each trial that has any."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    found = {
        run.data.tags["ablate.trial"]: {
            Path(file.path).name for file in client.list_artifacts(run.info.run_id, "pictures")
        }
        for run in client.search_runs([experiment.experiment_id])
        if "ablate.trial" in run.data.tags
    }
    return {id: names for id, names in found.items() if names}


def test_pictures_that_cannot_be_drawn_are_a_note_and_are_not_tried_by_the_next_run_but_by_show(
    tmp_path: Path, out: Path
) -> None:
    study = write_study(tmp_path, trials=1, epochs=1, stopping="none")

    def outcome() -> tuple[list[str], list[str]]:
        words = [sys.executable, "-c", FAILS, str(study), str(out)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        notes, states = json.loads(done.stdout.splitlines()[-1])
        return notes, states

    notes, states = outcome()
    told = "the pictures of trial 0000 could not be drawn (no ink); `ablate show 0000` tries again"
    assert (notes, states) == ([told], ["complete"])
    assert "ValueError: no ink" in (out / "small" / "trials" / "0000" / "pictures" / "error.txt").read_text()
    assert outcome() == (["nothing was left to do"], ["complete"])
    assert len(run("show", "best", out / "small").stdout.splitlines()) == len(PICTURES)
