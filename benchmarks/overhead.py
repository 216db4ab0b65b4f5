"""What an engine adds to each trial: ablate against two ways of using Ray, and a bare PyTorch loop.

    python benchmarks/overhead.py [--trials 40] [--slots 2] [--nested-trials 4] [--minutes 10]

The same tiny trials (digits, an MLP of 16 units, one epoch) are trained by
  ablate   `ablate run` as a user types it: MLflow, journal, checkpoints and progress on;
  bare     ablate's training loop over the same configurations in one process: the cost of training itself;
  plain    ray.tune.Tuner over a function that calls the same loop, everything by default: a process per trial;
  nested   Ray's documented pattern, a function that runs a TorchTrainer of one worker with TuneReportCallback, everything by
           default, but for max_concurrent_trials and two logical CPUs per slot: a trial's driver takes one, its worker another.
Each in a process of its own. With T trials on S slots, W seconds from the first report to the end of the last trial, and
b seconds a bare trial:
  added  = (W - (T-1) b/S) / (T-1): wall seconds that the engine adds to a trial. The start is not in it, and for a few trials
           it flatters the peer, since S of the T trials had paid for their start before the clock began.
  steady = (r_T - r_S) / (T-S) - b/S, r_i being the moment at which the i-th trial reported first: the same without that.
A slot that is slower because the other one is busy counts as added. Nothing is written outside /tmp.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from traced_study import Mark, end_process, environment, exit_on_sigterm, read_marks, run_study, specs_of
from tracing import mark

STUDY = """
study: overhead
data: {{name: digits, protocol: closed}}
objective: {{metric: val/recall_at_1}}
space:
  backbone: {{mlp: {{width: 16, depth: 1}}}}
  embedding_dim: 8
  loss: {{contrastive: {{margin: {{uniform: [0.2, 1.5]}}}}}}
  sampler: random
  optimizer: {{sgd: {{lr: {{log_uniform: [0.01, 0.1]}}, momentum: 0.9}}}}
  schedule: constant
  batch: {{classes: 10, per_class: 16}}
  epochs: 1
search: {{algorithm: tpe, trials: {trials}}}
resources: {{cpus: 1}}
"""
REPORT, END = "Recorder.on_trial_result:begin", "Recorder.on_trial_complete:end"
"""The marks of ablate's own recorder; the peers' callback writes the same."""


@dataclass(frozen=True)
class Timing:
    """When the trials of one pattern reported and ended."""

    wanted: int
    slots: int
    begin: float
    end: float
    """Of the whole command."""
    first_reports: list[float]
    """Of each trial, in order."""
    ends: list[float]
    fault: str = ""

    @classmethod
    def of(cls, marks: list[Mark], wanted: int, slots: int, *, begin: float, end: float, fault: str = "") -> Timing:
        first: dict[int | None, float] = {}
        for found in marks:
            if found.name == REPORT:
                first.setdefault(found.trial, found.time)
        ends = [found.time for found in marks if found.name == END]
        missing = f"{len(ends)} of {wanted} trials ended" if len(ends) < wanted else ""
        return cls(wanted, slots, begin, end, sorted(first.values()), ends, "; ".join(filter(None, [missing, fault])))

    @property
    def window(self) -> float:
        """From the first report to the last end."""
        return self.ends[-1] - self.first_reports[0]

    def added(self, bare: float) -> float:
        return self.window / (self.wanted - 1) - bare / self.slots

    def steady(self, bare: float) -> float:
        last, warm = self.first_reports[-1], self.first_reports[self.slots - 1]
        return (last - warm) / (self.wanted - self.slots) - bare / self.slots


def peer(pattern: str, specs_file: Path, folder: Path, slots: int) -> None:
    """One of Ray's ways, in this process; `folder` takes all that it writes."""
    import ray
    import ray.tune

    class Clock(ray.tune.Callback):  # type: ignore[misc]
        def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
            mark(REPORT, trial.config["number"])

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            mark(END, trial.config["number"])

    specs = json.loads(specs_file.read_text())
    context = ray.init(num_cpus=slots * (2 if pattern == "nested" else 1))
    (folder / "session.txt").write_text(context.address_info["session_dir"])
    trainable = functools.partial({"plain": plain_trial, "nested": nested_trial}[pattern], specs=specs, folder=folder)
    ray.tune.Tuner(
        lambda config: trainable(config),
        param_space={"number": ray.tune.grid_search(list(range(len(specs))))},
        tune_config=ray.tune.TuneConfig(max_concurrent_trials=slots) if pattern == "nested" else None,
        run_config=ray.tune.RunConfig(name=pattern, storage_path=str(folder / "tune"), callbacks=[Clock()]),
    ).fit()
    ray.shutdown()


def plain_trial(config: dict[str, Any], *, specs: list[dict[str, Any]], folder: Path) -> None:
    """A function trainable."""
    import ray.tune

    from ablate.training.loop import train
    from ablate.training.spec import TrialSpec

    spec = replace(TrialSpec.from_dict(specs[config["number"]]), folder=str(folder / str(config["number"])))
    train(spec, ray.tune.report)


def nested_trial(config: dict[str, Any], *, specs: list[dict[str, Any]], folder: Path) -> None:
    """The train driver of Ray's guide "Hyperparameter Tuning with Ray Tune"."""
    import ray.train
    import ray.train.torch
    import ray.tune
    from ray.tune.integration.ray_train import TuneReportCallback

    def train_on_worker(config: dict[str, Any]) -> None:
        from ablate.training.loop import train
        from ablate.training.spec import TrialSpec

        spec = replace(TrialSpec.from_dict(config["spec"]), folder=str(folder / str(config["number"])))
        train(spec, ray.train.report)

    ray.train.torch.TorchTrainer(
        train_on_worker,
        train_loop_config={"number": config["number"], "spec": specs[config["number"]]},
        scaling_config=ray.train.ScalingConfig(num_workers=1),
        run_config=ray.train.RunConfig(
            name=f"train-{ray.tune.get_context().get_trial_id()}",
            storage_path=str(folder / "train"),
            callbacks=[TuneReportCallback()],
        ),
    ).fit()


def time_peer(pattern: str, specs: list[dict[str, Any]], folder: Path, *, slots: int, minutes: float) -> Timing:
    """`peer` in a process of its own; where that does not end in time, it and its Ray are ended, and the fault says so."""
    folder.mkdir()
    (folder / "specs.json").write_text(json.dumps(specs))
    env = environment(folder, cache=folder.parent / "cache", ABLATE_TRACE=str(folder / "marks.jsonl"))
    env["RAY_AUTH_MODE"] = "disabled"  # with a token, Ray would write it into the home folder
    here = str(Path(__file__).parent)  # Ray's workers unpickle functions of this file, and find `tracing` beside it
    env["PYTHONPATH"] = os.pathsep.join([here, *filter(None, [env.get("PYTHONPATH")])])
    words = [sys.executable, __file__, "--only", pattern, "--slots", str(slots), "--folder", str(folder)]
    begin, fault = time.time(), ""
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(words, env=env, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        try:
            if process.wait(60 * minutes) != 0:
                fault = f"exit code {process.returncode}: {(folder / 'output.txt').read_text().strip()[-200:]}"
        except subprocess.TimeoutExpired:
            fault = f"not done after {minutes:g} minutes, ended"
        finally:
            end_peer(process, folder / "session.txt")
    return Timing.of(read_marks(folder), len(specs), slots, begin=begin, end=time.time(), fault=fault)


def end_peer(process: subprocess.Popen[bytes], session: Path) -> None:
    """End a peer that still runs, and what its Ray left behind: only processes with a file open in its session folder."""
    from ablate.engine.leftovers import end_leftovers

    end_process(process)
    if session.exists():
        end_leftovers(session.read_text())


def time_bare(specs: list[dict[str, Any]], folder: Path) -> float:
    """Mean seconds of a trial in the bare loop."""
    folder.mkdir()
    (folder / "specs.json").write_text(json.dumps(specs))
    words = [sys.executable, str(Path(__file__).with_name("bare.py")), str(folder / "specs.json"), str(folder)]
    env = environment(folder, cache=folder.parent / "cache")
    done = subprocess.run(words, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return statistics.fmean(row["seconds"] for row in json.loads(done.stdout.splitlines()[-1]))


def print_row(name: str, timing: Timing, bare: float, ours: Timing) -> None:
    """One pattern; its ratios are to ablate."""
    row = f"{name:<8} {timing.wanted:>6}"
    if timing.first_reports:
        row += f" {timing.first_reports[0] - timing.begin:>8.1f}"
    if timing.fault:
        waited = timing.end - (timing.first_reports[0] if timing.first_reports else timing.begin)
        print(row, f"  FAULT after {waited:.0f} s: {timing.fault}", flush=True)
        return
    added, steady = timing.added(bare), timing.steady(bare)
    ratios = [f"{added / ours.added(bare):>7.0f}x", f"{steady / ours.steady(bare):>7.0f}x"]
    total = timing.end - timing.begin
    print(f"{row} {timing.window:>8.2f} {added:>9.3f} {ratios[0]} {steady:>9.3f} {ratios[1]} {total:>8.1f}", flush=True)


def compare(trials: int, nested_trials: int, slots: int, minutes: float, patterns: list[str]) -> None:
    """All patterns, one after the other, in one temporary folder."""
    with tempfile.TemporaryDirectory(prefix="ablate-overhead-") as temporary:
        folder, text = Path(temporary), STUDY.format(trials=trials)
        os.environ["ABLATE_CACHE"] = str(folder / "cache")
        run = run_study(text, folder / "ablate", data=folder, cpus=slots, cache=folder / "cache")
        ours = Timing.of(run.marks, trials, slots, begin=run.begin, end=run.end)
        specs = specs_of(text, folder / "ablate", data=folder)
        bare = time_bare(specs, folder / "bare")
        print(f"{slots} slots; a bare trial takes {bare:.3f} s; seconds, and ratios to ablate")
        print(
            f"{'':<8} {'trials':>6} {'1st rep.':>8} {'after it':>8} {'added':>9} {'':>8} {'steady':>9} {'':>8} {'total':>8}"
        )
        print_row("ablate", ours, bare, ours)
        for pattern in patterns:
            chosen = specs[:nested_trials] if pattern == "nested" else specs
            print_row(pattern, time_peer(pattern, chosen, folder / pattern, slots=slots, minutes=minutes), bare, ours)


def main() -> None:
    """Prints the table; `--only` is how it calls itself for one of Ray's ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40, help="of ablate, bare and plain; more than --slots")
    parser.add_argument("--nested-trials", type=int, default=4, help="of nested, the first of the others' trials")
    parser.add_argument("--minutes", type=float, default=10, help="limit of a peer")
    parser.add_argument("--slots", type=int, default=2, help="trials at once")
    parser.add_argument("--pattern", choices=("plain", "nested"), action="append", help="this peer only; repeatable")
    parser.add_argument("--only", choices=("plain", "nested"), help="one peer, in this process")
    parser.add_argument("--folder", type=Path, help="of --only")
    exit_on_sigterm()
    given = parser.parse_args()
    if given.only:
        peer(given.only, given.folder / "specs.json", given.folder, given.slots)
    else:
        compare(given.trials, given.nested_trials, given.slots, given.minutes, given.pattern or ["plain", "nested"])


if __name__ == "__main__":
    main()
