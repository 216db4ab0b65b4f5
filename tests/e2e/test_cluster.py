"""`--address` joins a Ray that somebody else started, and leaves it as it was."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import pytest

from ablate.objects import Objects
from tests.e2e.nodes import OPEN, below, free_port, head, kill, nodes
from tests.e2e.study import (
    GRID,
    background,
    check_went_on,
    command,
    epochs,
    rows,
    run,
    saved,
    wait_until,
    write_study,
)
from tests.object_store import BUCKET

pytestmark = [pytest.mark.slow, pytest.mark.ray]

EPOCHS = 80
"""Of trials that lose their node: they must train for seconds before the first checkpoint, and after it."""


def test_a_study_runs_on_a_ray_that_was_started_apart_and_is_joined_by_its_token(tmp_path: Path) -> None:
    study, out, home = write_study(tmp_path, trials=4, epochs=2), tmp_path / "runs", tmp_path / "home"
    home.mkdir()
    base = {"HOME": str(home), "RAY_AUTH_MODE": "token"}
    right = {**base, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    strangers = {
        "another token": {**base, "RAY_AUTH_TOKEN": secrets.token_hex(32)},
        "no token": base,
        "as if the cluster had none": {"HOME": str(home), "RAY_AUTH_MODE": "disabled"},
    }
    with head(tmp_path, "--num-cpus=2", env=right) as address:
        words = ("run", study, "--out", out)
        by_auto = ("auto", strangers["another token"] | {"RAY_ADDRESS": address})
        for named, env in (*((address, env) for env in strangers.values()), by_auto):
            refused = run(*words, "--address", named, env=env)
            assert (refused.returncode, refused.stderr.splitlines()) == (
                2,
                [
                    f"--address {named}: this Ray cluster is joined with its token, and here none is set, or another",
                    "  set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the cluster's token, or put that into ~/.ray/auth_token",
                ],
            ), env
        joined = (*words, "--address", address)
        refused = run(*joined, "--gpus", "4", env=right)
        assert refused.returncode == 2, refused.stderr
        assert f"--gpus 4: the cluster at {address} has 0 GPUs" in refused.stderr
        assert not out.exists()
        done = run(*joined, env=right)
        assert done.returncode == 0, done.stderr
    assert [row["state"] in ("complete", "pruned") for row in rows(out / "small")] == [True] * 4
    assert not (home / ".ray").exists(), "a token belongs to the environment"


def test_without_address_a_ray_that_runs_here_is_left_alone(tmp_path: Path, out: Path, cluster: str) -> None:
    study = write_study(tmp_path, trials=1, epochs=1, stopping="none")
    done = run("run", study, "--out", out, "--cpus", "1", env={"RAY_ADDRESS": cluster})
    assert done.returncode == 0, done.stderr
    assert [row["state"] for row in rows(out / "small")] == ["complete"]


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
def test_three_nodes_that_share_an_object_store_and_of_which_one_dies_give_the_results_of_one_machine(
    tmp_path: Path,
    out: Path,
) -> None:
    """They have no folder in common for checkpoints; a trial goes on from what its node has left in the store."""
    study, longer = tmp_path / "grid.yaml", ("--set", f"space.epochs={EPOCHS}", "--set", "ablation.seeds=1")
    study.write_text(GRID)
    alone, store = tmp_path / "alone", f"s3://{BUCKET}/nodes"
    with ExitStack() as processes:
        machine = processes.enter_context(background(command("run", study, *longer, "--out", alone, "--cpus", "2")))
        address = processes.enter_context(head(tmp_path, "--num-cpus=0"))
        logs = [tmp_path / f"{number}.log" for number in range(3)]
        *_, third = processes.enter_context(nodes(logs, f"--address={address}", "--num-cpus=1"))
        _, told = machine.communicate(timeout=240)
        assert machine.returncode == 0, told
        words = command("run", study, *longer, "--out", out, "--address", address, "--checkpoints", store)
        driver = processes.enter_context(background(words, OPEN))
        found = _kill_in_the_middle(third, out / "small", lambda: Objects(store).names(), trials=3)
        assert not list(out.glob("small/trials/*/*checkpoint*")), "nobody wrote them here"
        _, told = driver.communicate(timeout=300)
        assert driver.returncode == 0, told
    for id, epoch in found.items():
        check_went_on(out / "small", id, epoch=epoch, last=EPOCHS)
    together, expected = rows(out / "small"), rows(alone / "small")
    for row in (*together, *expected):
        row["cost"] = {"cost/flops": row["cost"]["cost/flops"]}  # seconds differ
    assert together == expected
    assert [row["state"] for row in together] == ["complete"] * 4


def test_a_trial_whose_node_dies_goes_on_from_its_checkpoint_on_another_that_shares_the_folder(
    tmp_path: Path, out: Path
) -> None:
    study = write_study(tmp_path, trials=2, epochs=EPOCHS, stopping="none")
    with (
        head(tmp_path, "--num-cpus=0") as address,
        nodes([tmp_path / "one.log", tmp_path / "other.log"], f"--address={address}", "--num-cpus=1") as (_, other),
        background(command("run", study, "--out", out, "--address", address), OPEN) as driver,
    ):
        found = _kill_in_the_middle(other, out / "small", lambda: out.glob("small/trials/*/*/header.json"), trials=2)
        _, told = driver.communicate(timeout=300)
        assert driver.returncode == 0, told
    for id, epoch in found.items():
        check_went_on(out / "small", id, epoch=epoch, last=EPOCHS)
    states = [(row["state"], row["epochs"]) for row in rows(out / "small")]
    assert states == [("complete", EPOCHS)] * 2, told


def _kill_in_the_middle(
    victim: subprocess.Popen[bytes], study: Path, checkpoints: Callable[[], Iterable[str | Path]], *, trials: int
) -> dict[str, int]:
    """Kill one of `trials` nodes of one CPU once each of them is in the middle of a trial that has a checkpoint.

    Gives the epoch of each such trial's checkpoint: one of them has lost its node.
    """

    def in_the_middle() -> dict[str, int]:
        found = {
            id: epoch
            for id, epoch in saved(checkpoints()).items()
            if len(epochs(study, id)) < EPOCHS - 20  # later it could be over before the node is
        }
        return found if len(found) == trials else {}

    found = wait_until(in_the_middle, seconds=280, what=f"{trials} trials train and have a checkpoint")
    assert len(below(victim.pid, "ImplicitFunc.train")) == 1, "it trains one of them"
    kill(victim)
    return found
