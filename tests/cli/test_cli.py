"""The command line as a user meets it, in a process of its own: help, refusals, and what must not be loaded or written."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ablate.study.json_schema import study_json_schema
from tests.store.studies import open_memory, run_to_the_end
from tests.study.sound import TEXT, edited

pytestmark = pytest.mark.slow  # every test starts a Python process, and `plan` loads torch

COMMANDS = (
    "run",
    "plan",
    "summarize",
    "show",
    "cost",
    "export",
    "embed",
    "verify",
    "nearest",
    "list",
    "schema",
    "ui",
)
HEAVY = ("torch", "ray", "mlflow", "optuna", "pandas", "sklearn", "scipy")
SEARCH_SPACES = Path(__file__).parents[2] / "search_spaces"


def ablate(*words: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command; its exit code must be `code`."""
    command = [sys.executable, "-c", "from ablate.cli import main; main()", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def bad_study(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(edited(("triplet", "tripelt"), ("trials: 5", "trials: 0")))
    return path


@pytest.fixture
def good_study(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(TEXT)
    return path


def test_help_names_every_command(tmp_path: Path) -> None:
    text = ablate("--help", cwd=tmp_path).stdout
    assert [command for command in COMMANDS if f"  {command} " not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_ends_in_an_example_of_it(command: str, tmp_path: Path) -> None:
    *_, example = ablate(command, "--help", cwd=tmp_path).stdout.strip().splitlines()
    assert example.strip().startswith(f"Example: ablate {command}")


@pytest.mark.parametrize("example", ["list losses", f"plan {SEARCH_SPACES}/quickstart.yaml", "schema"])
def test_examples_that_need_no_study_run(example: str, tmp_path: Path) -> None:
    assert ablate(*example.split(), cwd=tmp_path).stdout


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_bad_study_is_refused_with_all_its_faults_and_nothing_is_written(
    command: str, bad_study: Path, tmp_path: Path
) -> None:
    done = ablate(command, str(bad_study), cwd=tmp_path, code=2)
    assert done.stdout == ""
    assert "2 faults in the study file, nothing was started" in done.stderr
    assert f"{bad_study}:8: " in done.stderr and f"{bad_study}:12: " in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "nowhere.yaml"], "nowhere.yaml: cannot be read: no such file or directory"),
        (["run", "."], ".: cannot be read: is a directory"),
        (["plan", "good.yaml", "--set", "search.trials"], "this is no KEY=VALUE"),
        (["plan", "good.yaml", "--set", "loss.triplet.margin=0.3"], "it is read at 'space.loss'"),
        (
            ["plan", "good.yaml", "--probe", "--set", "resources.workers=2"],
            "--probe times one worker, but 2 train a trial",
        ),
        (["plan", "good.yaml", "--gpus", "4"], "--gpus 4: a trial of faces holds no GPU"),
        (["plan", "good.yaml", "--trials", "0"], "--set search.trials=0: search.trials: 0 is too small"),
        (["run", "good.yaml", "--set", "space.batch.classes=5000"], "the training split has only 10 classes"),
        (["list", "nothing"], "there is no list of 'nothing'"),
        (["summarize"], "there is no study in runs"),
        (["frobnicate"], "No such command"),
        (["plan"], "Missing argument"),
        (["plan", "good.yaml", "--trials", "many"], "Invalid value"),
        (["run", "good.yaml", "--out", "good.yaml"], "good.yaml/faces: this folder cannot be made and written"),
        (
            ["run", "good.yaml", "--tracking-uri", "mlruns"],
            "--tracking-uri mlruns: MLflow keeps no runs in plain folders",
        ),
        (
            ["summarize", "--experiment", "faces", "--tracking-uri", "x://y"],
            "--tracking-uri x://y: MLflow knows no 'x:'",
        ),
        (["run", "good.yaml", "--data", "good.yaml"], "--data good.yaml is not a folder"),
        (["run", "good.yaml", "--cpus", "0"], "--cpus 0: a study needs at least 1"),
        (["run", "good.yaml", "--gpus", "-1"], "--gpus -1: a study needs at least 0"),
        (["ui", "--tracking-uri", "sqlite:///none.db"], "none.db is not there"),
        (["ui", "--tracking-uri", "http://127.0.0.1:1"], "open that address in a browser"),
    ],
)
def test_what_is_refused_ends_with_code_2_and_one_message(
    words: list[str], message: str, good_study: Path, tmp_path: Path
) -> None:
    done = ablate(*words, cwd=tmp_path, code=2)
    assert message in done.stderr and done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["good.yaml"]


def test_neither_help_nor_a_refusal_nor_a_list_loads_what_is_slow(bad_study: Path, tmp_path: Path) -> None:
    for words in (["--help"], ["plan", str(bad_study)], ["run", str(bad_study)], ["list"], ["schema"]):
        program = (
            "import sys\nfrom ablate.cli import main\n"
            f"sys.argv = ['ablate', *{words!r}]\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "LOADED []", words


def test_plan_says_what_would_be_tried_and_ends_in_the_next_command(good_study: Path, tmp_path: Path) -> None:
    lines = ablate("plan", "good.yaml", "--trials", "7", cwd=tmp_path).stdout.splitlines()
    assert lines[0] == "faces          search by tpe: 1 trial of 10 epochs"
    assert lines[-1] == "run it         ablate run good.yaml --set search.trials=7"
    assert "1 configuration, fewer than the 7 trials asked for: each is tried once" in "\n".join(lines)
    assert [path.name for path in tmp_path.iterdir()] == ["good.yaml"]


def test_plan_for_machines_is_json_with_the_costs_of_every_architecture(good_study: Path, tmp_path: Path) -> None:
    done = ablate("plan", "good.yaml", "--json", "--set", "space.embedding_dim=[8, 16]", cwd=tmp_path)
    plan = json.loads(done.stdout)
    assert (plan["study"], plan["trials"], plan["configurations"], plan["epochs"]) == ("faces", 2, 2, 10)
    assert [name.split()[-1] for name in plan["architectures"]] == ["dim=8", "dim=16"]
    # 64 pixels x 256 + 256 x 256 + 256 x 8, multiply and add; no bias is counted
    flops = [costs["cost/flops"] for costs in plan["architectures"].values()]
    assert flops[0] == 2 * (64 * 256 + 256 * 256 + 256 * 8)


def test_cost_prints_the_card_of_an_architecture(tmp_path: Path, own_cache: Path) -> None:
    words = "cost mlp --embedding-dim 16 --image-size 8 --channels 1 --set backbone.width=32 --cpus 1 --format json"
    done = ablate(*words.split(), cwd=tmp_path)
    card = json.loads(done.stdout)
    depth = 2  # the default of mlp
    assert card["counted"]["cost/macs"] == 64 * 32 + (depth - 1) * 32 * 32 + 32 * 16
    assert {timing["precision"] for timing in card["timings"]} >= {"fp32", "bf16"}
    for timing in card["timings"]:
        one = timing["one_ms"]
        assert 0 < one["p50"] <= one["p95"] <= one["p99"], timing["note"]
        assert timing["best_batch"] >= 1 and timing["per_second"] > 0
    assert "fp32" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("resnet81", "did you mean 'resnet18'?"),
        ("mlp --set backbone.widht=3", "did you mean 'width'?"),
        ("mlp --set width=3", "write backbone.NAME=VALUE"),
        ("mlp --set backbone.width=[3,4]", "a card is of one architecture"),
        ("mlp --image-size 4", "8 or more"),
        ("mlp --views two", "write one of: one, mirror, turns"),
        ("text_cnn --views mirror", "books, which have one view"),
        ("mlp --format html", "write one of: table, md, json"),
        ("text_cnn --set data.tokens=1000", "stay within 4 to 512"),
    ],
)
def test_cost_refuses_what_it_cannot_build(words: str, said: str, tmp_path: Path) -> None:
    assert said in ablate("cost", *words.split(), cwd=tmp_path, code=2).stderr


def test_list_shows_every_kind_and_one_kind_alone(tmp_path: Path) -> None:
    everything = ablate("list", cwd=tmp_path).stdout
    models = ("losses", "samplers", "backbones", "optimizers", "schedules", "augmentations")
    for kind in (*models, "datasets", "metrics", "costs"):
        alone = ablate("list", kind, cwd=tmp_path).stdout
        assert alone.startswith(kind) and alone.strip() in everything


def test_schema_prints_the_schema(tmp_path: Path) -> None:
    assert json.loads(ablate("schema", cwd=tmp_path).stdout) == study_json_schema()


def test_a_port_in_use_is_refused_before_mlflow_starts(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ablate("ui", "--port", str(port), cwd=tmp_path, code=2)
    assert (
        done.stderr
        == f"--port {port} cannot be had (address already in use)\n  name another, as in --port {port + 1}\n"
    )


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_ui_comes_up_on_a_store_with_one_server_process(tmp_path: Path) -> None:
    """Without MLflow's job runners, which are eight processes."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    (tmp_path / "mlflow.db").touch()
    program = "from ablate.cli import main; main()"
    words = [sys.executable, "-c", program, "ui", "--out", str(tmp_path), "--port", str(port)]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + 90
            while not answers(port):
                assert server.poll() is None and time.monotonic() < end, "it does not come up"
                time.sleep(0.2)
            assert len(psutil.Process(server.pid).children(recursive=True)) == 1
        finally:
            server.terminate()


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    run_to_the_end(open_memory(tmp_path / "made-up"))
    done = ablate("summarize", "made-up", "--output", "nope/x.md", cwd=tmp_path, code=2)
    assert done.stderr.startswith("--output nope/x.md cannot be written (no such file or directory)\n  name a place")
