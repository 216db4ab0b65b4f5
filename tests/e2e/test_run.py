"""`ablate run` as a user calls it: whole studies, again, longer, changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ablate
from tests.e2e.study import rows, run, write_study

pytestmark = [pytest.mark.slow, pytest.mark.ray]


def test_a_study_runs_is_mirrored_and_runs_again_in_no_time(tmp_path: Path) -> None:
    study, out = write_study(tmp_path, trials=8, epochs=4), tmp_path / "runs"
    first = run("run", study, "--out", out, "--cpus", "2")
    assert first.returncode == 0, first.stderr
    assert "8 trials, 0 failed" in first.stdout
    assert "[8/8]" in first.stderr  # no terminal: plain lines
    found = rows(out / "small")
    assert [row["id"] for row in found] == [f"{n:04d}" for n in range(8)]
    assert {row["state"] for row in found} == {"complete", "pruned"}
    best = max((r for r in found if r["state"] == "complete"), key=lambda r: r["metrics"]["val/recall_at_1"])
    assert best["metrics"]["val/recall_at_1"] > 0.9
    assert [row["id"] for row in found if "test/recall_at_1" in row["metrics"]] == [best["id"]]
    assert {"cost/params", "cost/flops", "cost/latency_ms_p50", "cost/train_seconds"} <= set(best["cost"])
    _check_mirror(out, found)
    frame = ablate.results(out / "small")
    assert list(frame["id"]) == [row["id"] for row in found]

    before = (out / "small" / "journal.log").read_bytes()
    again = run("run", study, "--out", out, "--cpus", "2")
    assert again.returncode == 0 and again.stderr == "nothing was left to do\n"
    assert (out / "small" / "journal.log").read_bytes() == before


def _check_mirror(out: Path, found: list[dict[str, object]]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    children = [run for run in client.search_runs([experiment.experiment_id]) if "ablate.trial" in run.data.tags]
    runs = {run.data.tags["ablate.trial"]: run for run in children}
    assert sorted(runs) == [row["id"] for row in found]
    status = {"complete": "FINISHED", "pruned": "KILLED"}
    for row in found:
        assert runs[str(row["id"])].info.status == status[str(row["state"])]
        history = client.get_metric_history(runs[str(row["id"])].info.run_id, "val/recall_at_1")
        assert [point.step for point in history] == list(range(1, int(str(row["epochs"])) + 1))


def test_more_trials_and_more_epochs_extend_a_study_and_another_question_is_refused(tmp_path: Path, out: Path) -> None:
    study = write_study(tmp_path, trials=3, epochs=2, stopping="none")
    words = ("run", study, "--out", out, "--cpus", "1")
    assert run(*words).returncode == 0
    first = rows(out / "small")

    extended = run(*words, "--trials", "5", "--set", "space.epochs=4")
    assert extended.returncode == 0
    assert "3 trials go on to epoch 4" in extended.stderr and "unfinished" not in extended.stderr
    lengthened = rows(out / "small")
    assert [row["epochs"] for row in lengthened] == [4] * 5
    assert [row["params"] | {"epochs": 2} for row in lengthened[:3]] == [row["params"] for row in first]
    lines = (out / "small" / "trials" / lengthened[0]["id"] / "metrics.jsonl").read_text().splitlines()
    curve = [json.loads(line) for line in lines]
    assert [report["epoch"] for report in curve] == [1, 2, 3, 4]  # went on from its checkpoint, not from the beginning

    shorter = run(*words, "--trials", "5")
    assert shorter.returncode == 2 and "run it with --set space.epochs=4" in shorter.stderr

    refused = run(*words, "--set", "space.embedding_dim=32")
    assert refused.returncode == 2
    assert "space.embedding_dim" in refused.stderr and "--fresh" in refused.stderr and "study=NAME" in refused.stderr
    assert rows(out / "small") == lengthened

    fresh = run(*words, "--fresh", "--trials", "1", "--set", "space.embedding_dim=32")
    assert fresh.returncode == 0, fresh.stderr
    assert len(rows(out / "small")) == 1 and rows(out / "small.old-1") == lengthened


def test_more_gpus_than_there_are_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    refused = run("run", write_study(tmp_path), "--out", tmp_path / "runs", "--gpus", "64")
    assert refused.returncode == 2
    assert "--gpus 64: this machine has" in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_augmentation_normalisation_batch_norm_and_image_size_can_be_varied_and_a_finite_space_ends(
    tmp_path: Path,
    out: Path,
) -> None:
    study = write_study(tmp_path, trials=99, epochs=1, stopping="none")
    choices = {
        "space.backbone": "{mlp: {width: 32, depth: 1, batch_norm: [true, false]}}",
        "space.embedding_dim": "8",
        "space.loss": "triplet",
        "space.sampler": "random",
        "space.optimizer": "adam",
        "space.augmentation": "[none, shift]",
        "space.normalize": "[true, false]",
        "space.image_size": "[8, 12]",
        "constraints": "{cost/latency_ms_p95: {max: 1000}}",  # so latencies are measured before the first trial
    }
    words: list[str | Path] = ["run", study, "--out", out, "--cpus", "1"]
    words += [word for key, value in choices.items() for word in ("--set", f"{key}={value}")]
    done = run(*words)
    assert done.returncode == 0, done.stderr
    found = rows(out / "small")
    varied = ("backbone.batch_norm", "augmentation", "normalize", "image_size")
    assert len({tuple(row["params"][name] for name in varied) for row in found}) == len(found) == 16
    assert "every one of them was tried" in done.stderr
    assert {row["state"] for row in found} == {"complete"}
    assert len({row["metrics"]["val/recall_at_1"] for row in found}) > 8
    for row in found:
        pixels, norm = row["params"]["image_size"] ** 2, 2 * 32 if row["params"]["backbone.batch_norm"] else 0
        assert row["cost"]["cost/flops"] == 2 * (pixels * 32 + 32 * 8)
        assert row["cost"]["cost/params"] == pixels * 32 + 32 + norm + 32 * 8 + 8
    shapes = {(row["params"]["image_size"], row["params"]["backbone.batch_norm"]) for row in found}
    latencies = ("cost/latency_ms_p50", "cost/latency_ms_p95", "cost/latency_batch32_ms_p50")
    measured = {tuple(row["cost"][name] for name in latencies) for row in found}
    assert len(shapes) == len(measured) == 4, "every architecture is measured by itself"

    again = run(*words)
    assert again.returncode == 0 and rows(out / "small") == found
    refused = run(*words, "--set", "space.image_size=8")
    assert refused.returncode == 2 and "space.image_size: was " in refused.stderr


def test_a_search_of_two_objectives_ends_with_the_test_of_its_front(tmp_path: Path, out: Path) -> None:
    study = write_study(tmp_path, trials=9, epochs=2, stopping="{asha: {grace_epochs: 1}}")
    words = ("--set", "objectives=[{metric: val/recall_at_1}, {metric: cost/params}]")
    done = run("run", study, "--out", out, "--cpus", "1", *words)
    assert done.returncode == 0, done.stderr
    found = rows(out / "small")
    assert {row["state"] for row in found} <= {"complete", "pruned"}
    points = {
        row["id"]: (-row["metrics"]["val/recall_at_1"], row["cost"]["cost/params"])
        for row in found
        if row["state"] == "complete"
    }
    front = {
        id
        for id, (missed, params) in points.items()
        if not any(o != (missed, params) and o[0] <= missed and o[1] <= params for o in points.values())
    }
    assert {row["id"] for row in found if "test/recall_at_1" in row["metrics"]} == front
    told = run("summarize", out / "small").stdout
    assert "cost/params" in told and all(id in told for id in front)


def test_constraints_set_trials_aside_before_they_train_where_that_is_known_or_after_the_epoch_that_shows_it(
    tmp_path: Path,
    out: Path,
) -> None:
    study = write_study(tmp_path, trials=12, epochs=2, stopping="none")
    limits = "{cost/params: {max: 5000}, cost/samples_per_second: {min: 1}, cost/train_seconds: {max: 1e-6}}"
    words = ("--cpus", "1", "--set", "search.algorithm=random", "--set", f"constraints={limits}")
    done = run("run", study, "--out", out, *words)
    assert done.returncode == 0, done.stderr
    found = rows(out / "small")
    assert {row["params"]["backbone.width"] for row in found} == {32, 64}
    assert ", 12 infeasible\n" in done.stdout
    for row in found:
        epochs, cost = (0, "params") if row["params"]["backbone.width"] == 64 else (1, "train_seconds")
        assert (row["state"], row["epochs"]) == ("pruned", epochs)
        assert row["reason"].startswith(f"infeasible: cost/{cost} is ")
        assert f"infeasible: cost/{cost} is " in done.stderr
