"""A study of very many trials through the real engine, with nothing to train: what bends, and where does the driver's time go?

    python benchmarks/scale.py [--trials 10000] [--reports 20] [--slots 2] [--stopping] [--mlflow] [--algorithm tpe]

Searcher, memory (journal, curves), recorder, ASHA, Tune's loop and, with --mlflow, the mirror are the engine's own; one
function is replaced, the one that trains: `report_only` reports what a trial reports, at once. So the driver is never waited
for by a GPU, and what is measured is the driver. Several counts (--trials 250,500,1000) run one after the other, each in a
process of its own: where seconds per trial grow with the count, something is quadratic. Nothing is written outside /tmp.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from stopwatch import Stopwatch
from traced_study import ABLATE, exit_on_sigterm

STUDY = """
study: scale
data: {{name: digits, protocol: closed}}
objective: {{metric: val/recall_at_1}}
space:
  backbone: {{mlp: {{width: [128, 256], depth: 2}}, simple_cnn: {{width: [32, 64], depth: 3}}}}
  embedding_dim: [16, 32, 64]
  loss: {{contrastive: {{margin: {{uniform: [0.2, 1.5]}}}}, triplet: {{margin: {{uniform: [0.05, 0.5]}}}}}}
  sampler: [random, hard, semi_hard]
  optimizer: {{adam: {{lr: {{log_uniform: [3.0e-4, 1.0e-2]}}}}, sgd: {{lr: {{log_uniform: [0.01, 0.3]}}}}}}
  schedule: cosine
  batch: {{classes: 10, per_class: 8}}
  epochs: {reports}
search: {{algorithm: {algorithm}, trials: {trials}, stopping: {stopping}}}
resources: {{cpus: 1}}
"""
NUMBERS = {
    "train/": ("loss", "lr"),
    "val/": ("recall_at_1", "recall_at_5", "map_at_r", "r_precision", "auc", "eer", "threshold", "tar_at_far_1e-2"),
    "time/": ("epoch_seconds", "images_per_second"),
    "cost/": ("params", "flops", "activation_mib", "train_seconds", "seconds", "gpu_seconds", "peak_memory_mib"),
}
"""What a trial reports, about as much as a real one."""


def report_only(config: dict[str, Any]) -> None:
    """In place of `engine.in_process.run_trial`: reports of a made-up curve that rises towards the trial's own quality."""
    import random

    import ray.tune

    draw = random.Random(config["number"])
    quality = draw.random()
    for epoch in range(1, config["spec"]["configuration"]["epochs"] + 1):
        value = quality * epoch / (epoch + 1)
        numbers = {f"{kind}{name}": draw.random() for kind, names in NUMBERS.items() for name in names}
        ray.tune.report({**numbers, "epoch": epoch, "best/epoch": epoch, "val/recall_at_1": value})


class Collections:
    """What Python's garbage collector takes; much of it while Tune's loop allocates, so it is in other parts' seconds, too."""

    def __init__(self) -> None:
        self.seconds = [0.0, 0.0, 0.0]
        self.counts = [0, 0, 0]
        self.begun = 0.0
        gc.callbacks.append(self)

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self.begun = time.perf_counter()
        else:
            self.seconds[info["generation"]] += time.perf_counter() - self.begun
            self.counts[info["generation"]] += 1


class Clock:
    """A watcher (see `engine.recorder.Watcher`) that notes when trials report and end."""

    def __init__(self) -> None:
        self.reports: list[float] = []
        self.ends: list[float] = []

    def started(self, number: int) -> None:
        pass

    def reported(self, number: int, report: dict[str, float]) -> None:
        self.reports.append(time.perf_counter())

    def taken_back(self, number: int, how: str) -> None:
        """Nothing: none is lost here."""

    def ended(self, result: Any) -> None:
        self.ends.append(time.perf_counter())

    def quarters(self) -> list[float]:
        """Milliseconds for each report, in each quarter of them."""
        size = (len(self.reports) - 1) // 4
        cuts = self.reports[::size][:5]
        return [1000 * (end - begin) / size for begin, end in itertools.pairwise(cuts)]


def watched() -> Stopwatch:
    """A watch on what the driver's thread does."""
    import ray
    from ray.tune.execution.tune_controller import TuneController

    from ablate.engine.recorder import Recorder
    from ablate.engine.searcher import StudySearcher
    from ablate.engine.stopping import GroupedStopping
    from ablate.store import curves
    from ablate.store.archive import Archive
    from ablate.store.journal import _DriverBackend
    from ablate.store.memory import Memory
    from ablate.store.mirror import Mirror
    from ablate.store.proposer import Proposer

    watch = Stopwatch()
    watch.watch("Tune's loop", TuneController, "step")
    watch.watch("waiting for trials", ray, "wait")
    watch.watch("Tune's snapshot", TuneController, "checkpoint")
    watch.watch("journal: lines to disk", _DriverBackend, "append_logs")
    watch.watch("curves: lines to disk", curves, "append", "read")
    watch.watch("memory: the rest", Memory, "report", "finish", "ask", "reuse")
    watch.watch("archive", Archive, "keep", "restore")
    watch.watch("proposals", Proposer, "propose", "end")
    watch.watch("searcher: the rest", StudySearcher, "suggest")
    watch.watch("stopping", GroupedStopping, "on_trial_result", "on_trial_add", "on_trial_complete")
    watch.watch("mirror: rows handed over", Mirror, "started", "reported", "ended")
    watch.watch("recorder: the rest", Recorder, "on_trial_start", "on_trial_result", "on_trial_complete")
    return watch


def run(text: str, folder: Path, *, slots: int, mlflow: bool) -> dict[str, Any]:
    """One study, in this process; what was measured."""
    from ablate.engine import environment, in_process, session
    from ablate.engine.holding import Holding
    from ablate.engine.resources import Budget
    from ablate.engine.specify import specify
    from ablate.engine.tune import train_trials
    from ablate.store.archive import archive_beside
    from ablate.store.folder import StudyFolder
    from ablate.store.memory import Memory
    from ablate.store.mirror import Mirror
    from ablate.store.queue import queue_of
    from ablate.study.load import parse_study
    from ablate.training.prepare import describe_split, prepare_data

    environment.prepare(own_ray=True)
    study, place = parse_study(text, "scale.yaml"), StudyFolder(folder / "runs" / "scale")
    data, digest = prepare_data(study, folder)
    with ExitStack() as stack:
        stack.enter_context(place.held())
        place.describe(study, digest)
        archive = archive_beside(place, study, data=vars(data), digest=digest)
        memory = Memory(place, study, slots=slots, archive=archive)
        uri = f"sqlite:///{folder / 'runs' / 'mlflow.db'}"
        mirror = Mirror(
            place,
            study,
            tracking_uri=uri,
            digest=digest,
            split=lambda seed: describe_split(replace(data, seed=seed)),
            row=memory.result,
            begun=memory.begun,
            driver=memory.driver,
            complain=print,
        )
        stack.callback(session.leave, session.start(Budget(slots, 0), place.note_holder, []))
        watch, clock, collections = watched(), Clock(), Collections()
        in_process.run_trial = report_only
        rss, begin = _rss_mib(), time.perf_counter()
        train_trials(
            memory,
            queue_of(memory),
            lambda asked: specify(asked, study, data, place, {}),
            [clock, *([mirror] if mlflow else [])],
            slots=slots,
            check=lambda: None,
            losses=Counter(),
            holding=Holding(study.resources, Budget(slots, 0)),
        )
        seconds, after = time.perf_counter() - begin, _rss_mib()
        catching_up = time.perf_counter()
        if mlflow:
            mirror.close([row.id for row in memory.results()], status="FINISHED", patience_seconds=3600)
        catching_up = time.perf_counter() - catching_up
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    parts = {part: [watch.seconds[part], watch.cpu_seconds[part], watch.calls[part]] for part in watch.seconds}
    return {
        "trials": len(clock.ends),
        "reports": len(clock.reports),
        "seconds": seconds,
        "steady_seconds": clock.ends[-1] - clock.reports[0],
        "mirror_seconds": catching_up if mlflow else None,
        "quarters_ms": clock.quarters(),
        "rss_mib": [rss, after, peak],
        "journal_mib": place.journal.stat().st_size / 2**20,
        "parts": parts,
        "collections": [collections.seconds, collections.counts],
    }


def _rss_mib() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def summarize_seconds(folder: Path, form: str) -> float:
    """Of the command as a user types it."""
    words = [ABLATE, "summarize", str(folder / "runs" / "scale"), "--format", form]
    begin = time.perf_counter()
    subprocess.run([*words, "--output", str(folder / f"summary.{form}")], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def print_found(found: dict[str, Any]) -> None:
    """The figures of one count."""
    reports, steady = found["reports"], found["steady_seconds"]
    first, last, peak = found["rss_mib"]
    print(f"\n{found['trials']:,} trials, {reports:,} reports: {found['seconds']:.1f} s", end="")
    print(f", {reports / steady:.0f} reports/s after the first, {1000 * steady / found['trials']:.1f} ms a trial")
    quarters = ", ".join(f"{ms:.2f}" for ms in found["quarters_ms"])
    print(f"ms a report in each quarter: {quarters}")
    print(
        f"driver: {first:.0f} MiB before, {last:.0f} after, {peak:.0f} at most; journal {found['journal_mib']:.1f} MiB"
    )
    if found["mirror_seconds"] is not None:
        print(f"MLflow caught up {found['mirror_seconds']:.1f} s after the last trial")
    print("summarize: " + ", ".join(f"{form} {seconds:.1f} s" for form, seconds in found["summarize"].items()))
    print(f"{'part of the driver':<28} {'s':>8} {'CPU s':>8} {'share':>7} {'calls':>9} {'CPU ms each':>12}")
    for part, (seconds, cpu, calls) in sorted(found["parts"].items(), key=lambda item: -item[1][0]):
        share = seconds / found["seconds"]
        print(f"  {part:<26} {seconds:>8.2f} {cpu:>8.2f} {share:>7.1%} {calls:>9,} {1000 * cpu / calls:>12.3f}")
    for generation, (seconds, count) in enumerate(zip(*found["collections"], strict=True)):
        print(
            f"  garbage of generation {generation}: {count:,} collections, {seconds:.2f} s in all, within the parts above"
        )
    print(f"  CPU s of all parts for each report: {sum(cpu for _, cpu, _ in found['parts'].values()) / reports:.5f}")


def measure(given: argparse.Namespace, trials: int) -> dict[str, Any]:
    """One count, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="ablate-scale-") as temporary:
        folder, here = Path(temporary), str(Path(__file__).parent)
        stopping = "{asha: {grace_epochs: 2, reduction_factor: 3}}" if given.stopping else "none"
        text = STUDY.format(reports=given.reports, trials=trials, stopping=stopping, algorithm=given.algorithm)
        (folder / "study.yaml").write_text(text)
        env = {**os.environ, "ABLATE_CACHE": str(folder / "cache")}
        words = [sys.executable, __file__, "--only", temporary, "--slots", str(given.slots)]
        subprocess.run([*words, *(["--mlflow"] if given.mlflow else [])], env=env, cwd=here, check=True)
        found: dict[str, Any] = json.loads((folder / "found.json").read_text())
        return found | {"summarize": {form: summarize_seconds(folder, form) for form in ("table", "json", "html")}}


def main() -> None:
    """Prints the figures of each count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", default="10000", help="one count, or several with commas")
    parser.add_argument("--reports", type=int, default=20, help="epochs of a trial")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--algorithm", default="tpe", choices=["tpe", "random"])
    parser.add_argument("--stopping", action="store_true", help="with ASHA")
    parser.add_argument("--mlflow", action="store_true", help="with the mirror in MLflow (sqlite)")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    exit_on_sigterm()
    if given.only is not None:
        text = (given.only / "study.yaml").read_text()
        found = run(text, given.only, slots=given.slots, mlflow=given.mlflow)
        (given.only / "found.json").write_text(json.dumps(found))
        return
    for trials in map(int, given.trials.split(",")):
        print_found(measure(given, trials))


if __name__ == "__main__":
    main()
