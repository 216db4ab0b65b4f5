"""A process that has trained many trials gives the next one the same numbers as a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.study import run, write_study

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TRIALS = 50

FRESH = """
import json, sys
from pathlib import Path
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.study.load import load_study
from ablate.training.loop import train
from ablate.training.prepare import prepare_data
from ablate.training.spec import TrialSpec

study = load_study(Path(sys.argv[1]))
data, _ = prepare_data(study, Path("unused"))
asked = Memory(StudyFolder(Path(sys.argv[2])), study).asked(sys.argv[3])
objective = study.objective
spec = TrialSpec(asked.id, asked.configuration, data, objective.metric, objective.goal, asked.seed, sys.argv[4], 1, 0)
train(spec, lambda report: print(json.dumps(report)))
"""


def numbers(lines: list[str]) -> list[dict[str, float]]:
    """What does not depend on the clock."""
    reports: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [{k: v for k, v in r.items() if k == "epoch" or k.startswith(("train/", "val/", "best/"))} for r in reports]


def test_the_fiftieth_trial_of_a_process_equals_the_same_trial_in_a_fresh_one(tmp_path: Path, out: Path) -> None:
    study = write_study(tmp_path, trials=TRIALS, epochs=2, stopping="none")
    done = run("run", study, "--out", out, "--cpus", "1", "--set", "search.algorithm=random")  # one slot: one process
    assert done.returncode == 0, done.stderr
    for id in ("0000", f"{TRIALS - 1:04d}"):
        in_reused = (out / "small" / "trials" / id / "metrics.jsonl").read_text().splitlines()
        words = [str(study), str(out / "small"), id, str(tmp_path / f"fresh-{id}")]
        fresh = subprocess.run([sys.executable, "-c", FRESH, *words], capture_output=True, text=True, check=False)
        assert fresh.returncode == 0, fresh.stderr
        assert numbers(fresh.stdout.splitlines()) == numbers(in_reused)
