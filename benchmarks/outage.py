"""Does a tracking server that is down slow any trial, or lose anything? A study whose MLflow server is ended in the middle.

    python benchmarks/outage.py [--seconds 60] [--trials 90] [--epochs 120] [--drivers 2]

`ablate run` as a user types it, on the digits that come with scikit-learn, by several drivers at once, each with a study of
its own and one trial at a time, with `--tracking-uri` of one MLflow server over a PostgreSQL of its own. After a third of the
trials the server is ended for so many seconds, and started again. Printed: the median seconds of the trials, from hand-out to
end, before, during and after; the ratio of during to the mean of the other two; and what MLflow lacks at the end.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import optuna

from ablate.store.journal import open_to_read

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.e2e.services import mlflow_server, postgresql

STUDY = """
study: {name}
data: {{name: digits, protocol: closed}}
space:
  backbone: {{mlp: {{width: 64}}}}
  embedding_dim: 16
  loss: {{triplet: {{margin: {{uniform: [0.05, 0.5]}}}}}}
  batch: {{classes: 10, per_class: 8}}
  epochs: {epochs}
search: {{algorithm: random, trials: {trials}}}
resources: {{cpus: 1}}
"""
PORT = 5600
ABLATE = [sys.executable, "-c", "from ablate.cli import main; main()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--trials", type=int, default=90, help="of each study")
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--drivers", type=int, default=2, help="at once, each with a study of its own")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        studies = []
        for number in range(given.drivers):
            file = folder / f"outage-{number}.yaml"
            file.write_text(STUDY.format(name=file.stem, trials=given.trials, epochs=given.epochs))
            studies.append(file)
        with postgresql() as databases:
            began, ended, missing = measure(studies, f"{databases}mlflow", seconds=given.seconds, trials=given.trials)
        report([folder / "runs" / file.stem for file in studies], began, ended, missing)


def measure(studies: list[Path], database: str, *, seconds: float, trials: int) -> tuple[float, float, list[str]]:
    """When the outage began and ended, and the trials that MLflow knows otherwise than the store."""
    folder = studies[0].parent
    runs = folder / "runs"
    with mlflow_server(folder, database, PORT) as uri:
        words = ["--out", str(runs), "--cpus", "1", "--tracking-uri", uri]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        drivers = [subprocess.Popen([*ABLATE, "run", str(file), *words], **quiet) for file in studies]
        while min(count_ended(runs / file.stem) for file in studies) < trials // 3:
            for driver in drivers:
                assert driver.poll() is None, driver.communicate()[1]
            time.sleep(0.2)
    began = time.time()
    time.sleep(seconds)
    ended = time.time()
    missing = []
    with mlflow_server(folder, database, PORT) as uri:
        for file, driver in zip(studies, drivers, strict=True):
            _, told = driver.communicate()
            assert driver.returncode == 0, told
            stored = rows("summarize", str(runs / file.stem))
            tracked = rows("summarize", "--tracking-uri", uri, "--experiment", file.stem)
            missing += [f"{file.stem} {id}" for id, row in stored.items() if tracked.get(id) != row]
    return began, ended, missing


def report(studies: list[Path], began: float, ended: float, missing: list[str]) -> None:
    """The table, of all studies together."""
    seconds: dict[str, list[float]] = {"before": [], "during": [], "after": []}
    for study in studies:
        storage = open_to_read(study / "journal.log")
        for trial in optuna.load_study(study_name=study.name, storage=storage).get_trials(deepcopy=False):
            assert trial.datetime_start is not None and trial.datetime_complete is not None, f"{trial.number} goes on"
            start, end = trial.datetime_start.timestamp(), trial.datetime_complete.timestamp()
            part = "before" if end < began else "after" if start > ended else "during"
            seconds[part].append(end - start)
    medians = {part: statistics.median(found) for part, found in seconds.items() if found}
    for part, median in medians.items():
        print(f"{part:8} {len(seconds[part]):4} trials  median {median:6.2f} s")
    assert len(medians) == 3, "the study was over too early: give more --trials or --epochs"
    ratio = medians["during"] / statistics.fmean([medians["before"], medians["after"]])
    print(f"ratio    {ratio:.3f}  (1: no trial slowed)")
    print(f"missing  {len(missing)} of {sum(map(len, seconds.values()))} trials in MLflow {missing[:5] or ''}")


def count_ended(study: Path) -> int:
    """Trials that have left a checkpoint, as all do at their end."""
    return sum(bool(list(trial.glob("checkpoint-*"))) for trial in study.glob("trials/*"))


def rows(*words: str) -> dict[str, Any]:
    """Trial -> what must be equal wherever it is read."""
    done = subprocess.run([*ABLATE, *words, "--format", "json"], capture_output=True, text=True, check=True)
    kept = ("state", "reason", "seed", "epochs", "params", "metrics", "cost")
    return {row["id"]: {key: row[key] for key in kept} for row in json.loads(done.stdout)["trials"]}


if __name__ == "__main__":
    main()
