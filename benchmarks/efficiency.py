"""How much of the slots' time goes into training: a real study of 24 Omniglot trials of about 10 seconds, two at a time.

    python benchmarks/efficiency.py --data DIR [--trials 24] [--slots 2] [--width 32] [--epochs 2]

`ablate run` as a user types it: MLflow, journal, checkpoints and progress on, no early stopping. Over the window from the
first report to the end of the last trial, slots x seconds are divided among what the trial processes did (`tracing`):
  steps       forward, loss, backward, optimizer, and their data;
  validation  embedding the validation split and its metrics;
  checkpoint, build and data; the rest of a trial (its reports, what it waits for); between trials; the tail, in which
  slots have no trial left.
The headline is steps + validation, the work that the study file asks for, over slots x seconds: 1 would be an engine that costs
nothing. Steps alone (`cost/train_seconds`) and the trials' whole time (`cost/seconds`) are printed as well.
A slot that waits for a busy core counts as busy. So the last line trains some of the same trials in as many bare processes
at once: bare / ablate below 1 is what steps lose to the driver beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traced_study import Mark, Run, environment, exit_on_sigterm, run_study, spans, specs_of

STUDY = """
study: efficiency
data: {{name: omniglot}}
objective: {{metric: val/recall_at_1}}
space:
  backbone: {{simple_cnn: {{width: {width}, depth: 4}}}}
  embedding_dim: 64
  loss:
    info_nce: {{temperature: {{log_uniform: [0.05, 0.5]}}}}
    triplet: {{margin: {{uniform: [0.1, 0.5]}}}}
  sampler: random
  optimizer: {{adam: {{lr: {{log_uniform: [3.0e-4, 3.0e-3]}}}}}}
  schedule: cosine
  batch: {{classes: 64, per_class: 2}}
  epochs: {epochs}
search: {{algorithm: tpe, trials: {trials}}}
resources: {{cpus: 1}}
"""


@dataclass(frozen=True)
class Window:
    """From the first report to the end of the last trial."""

    begin: float
    end: float

    @classmethod
    def of(cls, marks: list[Mark]) -> Window:
        reports = [mark.time for mark in marks if mark.name == "Recorder.on_trial_result:begin"]
        ends = [mark.time for mark in marks if mark.name == "Recorder.on_trial_complete:end"]
        return cls(reports[0], ends[-1])

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    def inside(self, spans: list[tuple[int, float, float]]) -> float:
        """Seconds of these spans that lie in the window."""
        return sum(max(0.0, min(end, self.end) - max(begin, self.begin)) for _, begin, end in spans)


def divide(marks: list[Mark], window: Window, slots: int) -> dict[str, float]:
    """Slot seconds of the window by what they were spent on; they sum to slots x seconds."""
    trials = spans(marks, "train")
    workers = {pid for pid, _, _ in trials}
    own = [mark for mark in marks if mark.pid in workers]  # the closing validates and builds too, in another process

    def inside(name: str) -> float:
        return window.inside(spans(own, name))

    last_end = {pid: end for pid, _, end in trials}
    tail = sum(window.end - end for end in last_end.values()) + (slots - len(workers)) * window.seconds
    parts = {
        "steps": inside("Trial.train"),
        "validation": inside("evaluate"),
        "checkpoint": inside("save"),
        "build and data": inside("build") + inside("load_data"),
    }
    parts["rest of the trials"] = window.inside(trials) - sum(parts.values())
    parts["between trials"] = slots * window.seconds - window.inside(trials) - tail
    return parts | {"tail": tail}


def costs(folder: Path) -> list[dict[str, float]]:
    """The last report of each trial of the study in `folder`/runs, in order."""
    files = sorted(folder.glob("runs/efficiency/trials/*/metrics.jsonl"))
    return [json.loads(file.read_text().splitlines()[-1]) for file in files]


def bare_steps(specs: list[dict[str, Any]], folder: Path, slots: int) -> float:
    """Mean `cost/train_seconds` of `specs`, shared out among as many bare processes as there are slots, all at once."""
    processes = []
    for slot in range(slots):
        place = folder / str(slot)
        place.mkdir(parents=True)
        (place / "specs.json").write_text(json.dumps(specs[slot::slots]))
        words = [sys.executable, str(Path(__file__).with_name("bare.py")), str(place / "specs.json"), str(place)]
        env = environment(folder, cache=folder.parent / "cache")
        processes.append(subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True))
    rows = []
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0, f"the bare loop ended with {process.returncode}"
        rows += json.loads(output.splitlines()[-1])
    return statistics.fmean(row["train_seconds"] for row in rows)


def print_shares(run: Run, reported: list[dict[str, float]], slots: int) -> None:
    """Where the slots' time went."""
    window = Window.of(run.marks)
    parts, whole = divide(run.marks, window, slots), slots * window.seconds
    print(
        f"first report after {window.begin - run.begin:.1f} s, then {window.seconds:.1f} s, {run.end - run.begin:.1f} s in all"
    )
    print(f"\n{'slots x seconds after the first report':<42} {whole:>8.1f} {1:>7.1%}")
    for part, seconds in parts.items():
        print(f"  {part:<40} {seconds:>8.1f} {seconds / whole:>7.1%}")
    busy = parts["steps"] + parts["validation"]
    trials = whole - parts["between trials"] - parts["tail"]
    print(f"\n{'steps (cost/train_seconds)':<42} {parts['steps']:>8.1f} {parts['steps'] / whole:>7.3f}")
    print(f"{'steps + validation (the headline)':<42} {busy:>8.1f} {busy / whole:>7.3f}")
    print(f"{'all of the trials (cost/seconds)':<42} {trials:>8.1f} {trials / whole:>7.3f}")
    for name in ("cost/train_seconds", "cost/seconds"):
        values = [row[name] for row in reported]
        print(f"reported {name}: {statistics.fmean(values):.2f} s a trial, {min(values):.2f} to {max(values):.2f}")


def measure(text: str, *, data: Path, trials: int, slots: int, bare_trials: int) -> None:
    """The study, then the bare processes."""
    with tempfile.TemporaryDirectory(prefix="ablate-efficiency-") as temporary:
        folder = Path(temporary)
        os.environ["ABLATE_CACHE"] = str(folder / "cache")
        print(f"{trials} trials on {slots} slots", flush=True)
        run = run_study(text, folder / "ablate", data=data, cpus=slots, cache=folder / "cache")
        reported = costs(folder / "ablate")
        assert len(reported) == trials, f"{len(reported)} of {trials} trials reported"
        print_shares(run, reported, slots)
        if bare_trials:
            middle = trials // 2  # the first ones share the cores with the import of MLflow
            chosen = slice(middle, middle + bare_trials * slots)
            bare = bare_steps(specs_of(text, folder / "ablate", data=data)[chosen], folder / "bare", slots)
            ours = statistics.fmean(row["cost/train_seconds"] for row in reported[chosen])
            print(
                f"steps of trials {middle} to {middle + bare_trials * slots - 1}: {bare:.2f} s bare, {ours:.2f} s in ablate,"
                f" bare / ablate {bare / ours:.3f}"
            )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ABLATE_DATA"), help="folder of the data sets")
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--slots", type=int, default=2, help="trials at once, one CPU each")
    parser.add_argument("--width", type=int, default=32, help="channels of simple_cnn")
    parser.add_argument("--epochs", type=int, default=2, help="of a trial; with --width, so that it takes about 10 s")
    parser.add_argument("--bare-trials", type=int, default=2, help="trials of each bare process; 0 leaves them out")
    given = parser.parse_args()
    exit_on_sigterm()
    if given.data is None:
        parser.error("give --data DIR or ABLATE_DATA: the folder with Omniglot")
    text = STUDY.format(width=given.width, epochs=given.epochs, trials=given.trials)
    data = given.data.expanduser().absolute()
    measure(text, data=data, trials=given.trials, slots=given.slots, bare_trials=given.bare_trials)


if __name__ == "__main__":
    main()
