"""How long until a study moves: from the command to its first reported epoch, where each second goes, how fast a refusal is.

    python benchmarks/start.py [--repeats 5] [--study search_spaces/quickstart.yaml]

"first report" is the moment at which the plain command's first line of curves lies on the disk, seen by a process that looks
every 5 ms; the study is then interrupted. The table comes from further runs, in turn with the plain ones, in which every
process notes when it passes which point (`tracing`). The first run of all starts with an empty cache, decodes the data
as well, and is told apart. Ratios are to the same command's own parts: there is no peer.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from traced_study import ABLATE, Mark, end_process, environment, exit_on_sigterm, read_marks, spans, traced

DRIVER_PATH = (
    ("python, command line", "load_study:begin"),
    ("study file read", "load_study:end"),
    ("import ray (to count the GPUs)", "import ray:end"),
    ("GPUs counted, data found and mapped", "prepare_data:end"),
    ("memory opened (optuna)", "init:begin"),
    ("ray.init", "init:end"),
    ("import ray.tune, searcher, recorder", "Tuner.fit:begin"),
)
WORKER_PATH = (
    ("Tuner to Python in a new process", "python"),
    ("Ray's worker up, trial function entered", "run_trial:begin"),
    ("import ray.train, ray.tune", "import torch:begin"),
    ("import torch", "import torch:end"),
    ("import TorchTrainer", "import ray.train.torch:end"),
    ("TorchTrainer, import of the loop", "train:begin"),
    ("process set back", "fresh_start:end"),
    ("data to tensors", "load_data:end"),
    ("network, loss, miner, optimizer", "build:end"),
    ("parameters, FLOPs, batches", "Trial.epoch:begin"),
    ("first epoch and its validation", "Trial.epoch:end"),
)
"""What is on the way to the first report, each part with the mark that ends it. The worker is the one that reported first."""
LAST_PART = "report reaches the driver, on disk"
HIDDEN = ("mlflow", "torch._dynamo")
"""Slow imports that some call or other makes: that call's part then holds their seconds. The second is torch's compiler."""


@dataclass(frozen=True)
class Traced:
    """One run with marks."""

    parts: dict[str, float]
    """Seconds of each part, in order; they sum to the first report."""
    hidden: dict[str, tuple[str, float]]
    """Of each slow import, the part during which it began, and its seconds."""
    clean: dict[str, list[str]]
    """Which of torch and mlflow the driver had imported, at two moments."""


def first_report(study: Path, folder: Path, *, cache: Path, trace: bool, minutes: float = 3) -> tuple[float, float]:
    """When the command was given and when its first report lay on the disk; the study is then interrupted."""
    folder.mkdir()
    env = environment(folder, cache=cache)
    env = traced(env, folder) if trace else env
    words = [ABLATE, "run", str(study), "--out", str(folder / "runs")]
    with (folder / "output.txt").open("w") as output:
        begin = time.time()
        process = subprocess.Popen(words, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            while not any(path.stat().st_size for path in folder.glob("runs/*/trials/*/metrics.jsonl")):
                if process.poll() is not None or time.time() - begin > 60 * minutes:
                    raise SystemExit(f"no report came:\n{(folder / 'output.txt').read_text()[-2000:]}")
                time.sleep(0.005)
            reported = time.time()
            time.sleep(0.5)  # until the driver has noted it too
        finally:
            end_process(process)
    return begin, reported


def take_apart(marks: list[Mark], begin: float) -> Traced:
    """Follow the way of the first report through the marks."""
    report = next(mark for mark in marks if mark.name == "Recorder.on_trial_result:end")
    entered = next(mark for mark in marks if mark.name == "run_trial:begin" and mark.trial == report.trial)
    parts, at, hidden = {}, begin, {}
    slow = [(name, *span) for name in HIDDEN for span in spans(marks, f"import {name}")]
    for pid, path in ((report.pid, DRIVER_PATH), (entered.pid, WORKER_PATH)):
        for part, end in path:
            found = next((mark for mark in marks if mark.pid == pid and mark.name == end), None)
            if found is None:
                raise SystemExit(f"no process passed '{end}': what benchmarks/tracing.py watches is not there any more")
            for name, process, since, until in slow:
                if process in (report.pid, entered.pid) and at <= since < found.time:
                    hidden[name] = (part, until - since)
            parts[part], at = found.time - at, found.time
    parts[LAST_PART] = report.time - at
    moments = {
        "first trial proposed": "StudySearcher.suggest:end",
        "first trial started": "Recorder.on_trial_start:begin",
    }
    clean = {moment: list(next(m for m in marks if m.name == name).loaded) for moment, name in moments.items()}
    return Traced(parts, hidden, clean)


def median_seconds(words: list[str], *, repeats: int, code: int) -> float:
    """Of a command that ends with `code`."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        done = subprocess.run(words, capture_output=True, check=False)
        seconds.append(time.perf_counter() - begin)
        assert done.returncode == code, f"{words} ended with {done.returncode}, not {code}: {done.stderr.decode()}"
    return statistics.median(seconds)


def bytecode_state() -> str:
    """Which packages lie compiled beside their sources, and whether Python would write what is missing."""
    states = []
    for name in ("ray", "torch", "ablate"):
        spec = importlib.util.find_spec(name)
        assert spec is not None, f"{name} is not installed"
        assert spec.origin is not None, f"{name} has no file"
        compiled = Path(importlib.util.cache_from_source(spec.origin)).exists()
        states.append(f"{name} {'compiled' if compiled else 'NOT compiled'}")
    written = "not written" if os.environ.get("PYTHONDONTWRITEBYTECODE") else "written when missing"
    return f"bytecode: {', '.join(states)}; {written}"


def print_parts(runs: list[Traced]) -> None:
    """Medians, and what they add up to."""
    at = 0.0
    print(f"\n{'where the seconds go (medians)':<44} {'takes':>6} {'share':>6} {'at':>6}")
    medians = {part: statistics.median(run.parts[part] for run in runs) for part in runs[0].parts}
    whole = sum(medians.values())
    for part, seconds in medians.items():
        at += seconds
        print(f"{part:<44} {seconds:>6.2f} {seconds / whole:>6.0%} {at:>6.2f}")
    for name in HIDDEN:
        found = [run.hidden[name] for run in runs if name in run.hidden]
        if found:
            seconds = statistics.median(takes for _, takes in found)
            print(f"import {name} takes {seconds:.2f}; it begins during '{found[0][0]}'")
    for moment in runs[0].clean:
        loaded = sorted({module for run in runs for module in run.clean[moment]})
        print(f"{moment}: the driver had imported {' and '.join(loaded) if loaded else 'neither torch nor mlflow'}")


def measure_start(study: Path, repeats: int) -> None:
    """First reports, plain and traced in turn."""
    with tempfile.TemporaryDirectory(prefix="ablate-start-") as temporary:
        folder = Path(temporary)
        take: Callable[[str, bool], tuple[float, float]] = lambda name, trace: first_report(  # noqa: E731  one line twice
            study, folder / name, cache=folder / "cache", trace=trace
        )
        begin, end = take("first", False)
        print(f"first report, empty cache       {end - begin:6.2f} s", flush=True)
        plain, runs = [], []
        for number in range(repeats):
            begin, end = take(f"plain-{number}", False)
            plain.append(end - begin)
            begin, end = take(f"traced-{number}", True)
            runs.append(take_apart(read_marks(folder / f"traced-{number}"), begin))
        rows = [("first report", plain), ("first report, traced", [sum(run.parts.values()) for run in runs])]
        for name, seconds in rows:
            spread = f"(median of {repeats}, {min(seconds):.2f} to {max(seconds):.2f})"
            print(f"{name:<31} {statistics.median(seconds):6.2f} s {spread}")
        print_parts(runs)


def measure_refusal(study: Path, repeats: int) -> None:
    """`--help`, and a study file with a fault in it."""
    with tempfile.TemporaryDirectory(prefix="ablate-start-") as temporary:
        wrong = Path(temporary) / "wrong.yaml"
        wrong.write_text(study.read_text().replace("space:", "spaec:", 1))
        rows = (
            ("python -c pass", [sys.executable, "-c", "pass"], 0),
            ("ablate --help", [ABLATE, "--help"], 0),
            ("ablate run wrong.yaml, refused", [ABLATE, "run", str(wrong)], 2),
        )
        print()
        for name, words, code in rows:
            print(
                f"{name:<31} {median_seconds(words, repeats=repeats, code=code):6.2f} s (median of {repeats})",
                flush=True,
            )


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="plain runs, and as many traced ones")
    parser.add_argument("--study", type=Path, default=Path(__file__).parents[1] / "search_spaces/quickstart.yaml")
    given = parser.parse_args()
    exit_on_sigterm()
    print(bytecode_state())
    measure_refusal(given.study, max(5, given.repeats))
    print()
    measure_start(given.study, given.repeats)


if __name__ == "__main__":
    main()
