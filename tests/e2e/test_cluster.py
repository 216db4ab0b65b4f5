"""`--address` joins a Ray that somebody else started, and leaves it as it was."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from ablate.objects import Objects
from tests.e2e.nodes import OPEN, free_port, head, kill, node
from tests.e2e.study import GRID, background, command, rows, run, wait_until, write_study
from tests.object_store import BUCKET

pytestmark = [pytest.mark.slow, pytest.mark.ray]


def test_a_study_runs_on_a_ray_that_was_started_apart(tmp_path: Path, cluster: str) -> None:
    study, out = write_study(tmp_path, trials=4, epochs=2), tmp_path / "runs"
    joined = {"RAY_AUTH_MODE": "disabled"}
    refused = run("run", study, "--out", out, "--address", cluster, "--gpus", "4", env=joined)
    assert refused.returncode == 2, refused.stderr
    assert f"--gpus 4: the cluster at {cluster} has 0 GPUs" in refused.stderr
    assert not out.exists()
    done = run("run", study, "--out", out, "--address", cluster, env=joined)
    assert done.returncode == 0, done.stderr
    assert [row["state"] in ("complete", "pruned") for row in rows(out / "small")] == [True] * 4


def test_without_address_a_ray_that_runs_here_is_left_alone(tmp_path: Path, cluster: str) -> None:
    study = write_study(tmp_path, trials=1, epochs=1, stopping="none")
    done = run("run", study, "--out", tmp_path / "runs", "--cpus", "1", env={"RAY_ADDRESS": cluster})
    assert done.returncode == 0, done.stderr
    assert [row["state"] for row in rows(tmp_path / "runs" / "small")] == ["complete"]


def test_an_address_where_no_ray_answers_is_refused(tmp_path: Path) -> None:
    refused = run("run", write_study(tmp_path), "--out", tmp_path / "runs", "--address", f"127.0.0.1:{free_port()}")
    assert refused.returncode == 2, refused.stderr
    assert "no Ray cluster answers" in refused.stderr and "Traceback" not in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    refused = run("run", write_study(tmp_path), "--out", tmp_path / "runs", "--address", "nonsense")
    assert refused.returncode == 2, refused.stderr
    assert refused.stderr.splitlines() == [
        "--address nonsense: this is no address of a Ray cluster",
        "  write auto or HOST:PORT, or leave --address out to run on this machine",
    ]
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("s3")
def test_three_nodes_of_which_one_dies_give_the_results_of_one_machine(tmp_path: Path) -> None:
    """They have no folder in common for checkpoints: these are in an object store."""
    study, longer = tmp_path / "grid.yaml", ("--set", "space.epochs=40", "--set", "ablation.seeds=3")
    study.write_text(GRID)
    alone, out, kept = tmp_path / "alone", tmp_path / "runs", ("--checkpoints", f"s3://{BUCKET}/nodes")
    done = run("run", study, *longer, "--out", alone, "--cpus", "2")
    assert done.returncode == 0, done.stderr
    with ExitStack() as nodes:
        address = nodes.enter_context(head(tmp_path, "--num-cpus=0"))
        words = (f"--address={address}", "--num-cpus=1")
        *_, third = [nodes.enter_context(node(tmp_path / f"{number}.log", *words)) for number in range(3)]
        driver = nodes.enter_context(
            background(command("run", study, *longer, "--out", out, "--address", address, *kept), OPEN)
        )
        begun = (out / "small" / "trials").glob
        wait_until(lambda: len(list(begun("*/metrics.jsonl"))) >= 5, seconds=280, what="two trials have ended")
        assert {name.split("/")[1] for name in Objects(f"s3://{BUCKET}/nodes").names()} >= {"0000", "0001", "0002"}
        running = [path.parent for path in begun("*/metrics.jsonl") if len(path.read_text().splitlines()) < 40]
        assert not [name for trial in running for name in trial.glob("*checkpoint*")], "nobody wrote them here"
        kill(third)
        _, told = driver.communicate(timeout=300)
        assert driver.returncode == 0, told
    found, expected = rows(out / "small"), rows(alone / "small")
    for row in (*found, *expected):
        row["cost"] = {"cost/flops": row["cost"]["cost/flops"]}  # seconds differ
    assert found == expected
    assert [row["state"] for row in found] == ["complete"] * 12


def test_a_trial_whose_node_dies_begins_again_on_another(tmp_path: Path) -> None:
    study, out = write_study(tmp_path, trials=2, epochs=40, stopping="none"), tmp_path / "runs"
    trials = [out / "small" / "trials" / f"000{number}" / "metrics.jsonl" for number in (0, 1)]
    with (
        head(tmp_path, "--num-cpus=0") as address,
        node(tmp_path / "one.log", f"--address={address}", "--num-cpus=1"),
        node(tmp_path / "other.log", f"--address={address}", "--num-cpus=1") as other,
    ):
        words = command("run", study, "--out", out, "--address", address)
        with background(words, OPEN) as driver:
            wait_until(lambda: all(trial.exists() for trial in trials), seconds=300, what="a trial trains on each node")
            kill(other)
            _, told = driver.communicate(timeout=300)
            assert driver.returncode == 0, told
    found = rows(out / "small")
    assert [(row["state"], row["epochs"]) for row in found] == [("complete", 40)] * 2, told
