"""A whole ablation as a user calls it: arms, paired seeds, tuning, reuse, and the answer in every place that shows it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.study import GRID, run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

pytestmark = [pytest.mark.slow, pytest.mark.ray]


def summary(folder: Path, *words: str) -> dict[str, Any]:
    done = run("summarize", *(words or [folder]), "--format", "json")
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_an_ablation_is_run_summarised_mirrored_and_never_trained_twice(tmp_path: Path, out: Path) -> None:
    study = tmp_path / "small.yaml"
    study.write_text(GRID)
    done = run("run", study, "--out", out, "--cpus", "1")
    assert done.returncode == 0, done.stderr
    found = summary(out / "small")
    assert Counter((row["arm"], row["seed"]) for row in found["trials"]) == {
        (f"loss={a} sampler={b}", seed): 1
        for a in ("contrastive", "triplet")
        for b in ("random", "semi_hard")
        for seed in (0, 1)
    }
    assert all("test/recall_at_1" in row["metrics"] for row in found["trials"])  # each arm reads the test, once
    assert [(e["factor"], e["level"], e["n"]) for e in found["effects"]] == [
        ("loss", "triplet", 2),
        ("sampler", "semi_hard", 2),
    ]
    assert found["metric"] == "test/recall_at_1"
    assert len(found["interactions"]) == 1
    _check_mirror(out, found)

    again = run("run", study, "--out", out, "--set", "study=other")
    assert again.returncode == 0, again.stderr
    other = summary(out / "other")
    assert {row["reused"] for row in other["trials"]} == {f"small/{row['id']}" for row in found["trials"]}
    assert [row["metrics"] for row in other["trials"]] == [row["metrics"] for row in found["trials"]]
    assert other["effects"] == found["effects"]

    longer = run("run", study, "--out", out, "--set", "ablation.seeds=3")
    assert longer.returncode == 0, longer.stderr
    rows = summary(out / "small")["trials"]
    assert [row for row in rows if row["seed"] < 2] == found["trials"]
    assert sum(row["seed"] == 2 for row in rows) == 4

    refused = run("run", study, "--out", out, "--set", "space.embedding_dim=16")
    assert refused.returncode == 2 and "space.embedding_dim" in refused.stderr


def _check_mirror(out: Path, found: dict[str, Any]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    query = "tags.`factor.loss` = 'triplet' and tags.`ablate.seed` = '1'"
    trials = client.search_runs([experiment.experiment_id], "tags.`ablate.trial` != ''")
    arms = {run.data.tags["ablate.arm"] for run in client.search_runs([experiment.experiment_id], query)}
    assert arms == {"loss=triplet sampler=random", "loss=triplet sampler=semi_hard"}
    parents = client.search_runs([experiment.experiment_id], "tags.`ablate.objective` != ''")
    assert _artifacts(client, parents[0]) >= {
        "summary.md",
        "summary.json",
        "summary.html",
        "ablation.json",
        "figures/effects.png",
        "figures/learning_curves.png",
        "figures/pareto.png",
        "splits/seed-0.json",
        "splits/seed-1.json",
    }
    splits = {run.data.tags["ablate.seed"]: run.data.tags["ablate.data_digest"] for run in trials}
    assert len(trials) == 8 and len(set(splits.values())) == 2, "each seed has a split of its own"
    kept = client.download_artifacts(parents[0].info.run_id, "splits/seed-1.json", str(out))
    assert json.loads(Path(kept).read_text())["digest"] == splits["1"]
    uri = f"sqlite:///{out / 'mlflow.db'}"
    assert summary(out, "--experiment", "small", "--tracking-uri", uri)["effects"] == found["effects"]


def _artifacts(client: MlflowClient, run: Run) -> set[str]:
    """Files of a run, those in folders too."""
    found, open_folders = set[str](), [""]
    while open_folders:
        for file in client.list_artifacts(run.info.run_id, open_folders.pop()):
            (open_folders.append if file.is_dir else found.add)(file.path)
    return found


def test_tuning_may_stop_trials_and_the_judging_trials_never_are(tmp_path: Path, out: Path) -> None:
    study = tmp_path / "small.yaml"
    study.write_text(GRID)
    words = [
        "space.optimizer={adam: {lr: {log_uniform: [1e-5, 1e-2]}}}",
        "ablation.design=one_at_a_time",
        "ablation.tune={trials: 5, epochs: 3, stopping: {asha: {grace_epochs: 1, reduction_factor: 2}}}",
    ]
    done = run("run", study, "--out", out, "--cpus", "1", *(w for each in words for w in ("--set", each)))
    assert done.returncode == 0, done.stderr
    found = summary(out / "small")
    phases = Counter((row["arm"], row["phase"]) for row in found["trials"])
    arms = ("baseline", "loss=triplet", "sampler=semi_hard")
    assert phases == {(arm, phase): n for arm in arms for phase, n in (("tune", 5), ("final", 2))}
    assert any(row["state"] == "pruned" for row in found["trials"] if row["phase"] == "tune")
    assert {(row["state"], row["epochs"]) for row in found["trials"] if row["phase"] == "final"} == {("complete", 2)}
    for arm in arms:
        tuned = [r for r in found["trials"] if r["arm"] == arm and r["phase"] == "tune" and r["state"] == "complete"]
        best = max(tuned, key=lambda row: row["metrics"]["val/recall_at_1"])["metrics"]["val/recall_at_1"]
        allowed = {r["params"]["optimizer.lr"] for r in tuned if r["metrics"]["val/recall_at_1"] == best}
        chosen = {r["params"]["optimizer.lr"] for r in found["trials"] if r["arm"] == arm and r["phase"] == "final"}
        assert len(chosen) == 1 and chosen <= allowed
    assert [budget["trials"] for budget in found["stability"]] == [1, 2, 3, 4, 5]


def test_a_large_ablation_asks_first(tmp_path: Path) -> None:
    study = tmp_path / "small.yaml"
    study.write_text(GRID)
    refused = run("run", study, "--out", tmp_path / "runs", "--set", "ablation.seeds=200")
    assert refused.returncode == 2 and "800 trials" in refused.stderr and "--yes" in refused.stderr
    assert not (tmp_path / "runs").exists()
