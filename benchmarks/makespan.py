"""Does the simulated cluster tell how long a study takes? A real study of small trials, simulated and run.

    python benchmarks/makespan.py [--trials 16] [--slots 1,2] [--epochs 6] [--stopping]
    python benchmarks/makespan.py --ended FOLDER [FOLDER ...]
    python benchmarks/makespan.py --predict FOLDER [--gpus 1,0.25] [--set KEY=VALUE ...]

`ablate run` as a user types it, on the digits that come with scikit-learn, trials of unequal length, one CPU each. Each line
compares the command's wall time with a simulation of it (`ablate.summary.simulated_run`) from
  schedule  the run's own trials: their seconds in the order in which they were handed out, and the run's own start and end.
            What is checked is the model: slots, the order, the tail, what the driver adds. Target: within 10 %.
  plan      what `ablate plan --cpus SLOTS` says after this run: its trials' seconds drawn by chance, the usual start and end,
            stopping played. The seconds are those of this run, so a busy machine slows both.
  before    the same from the trials of the first run: what a plan made before this run would have said.
With --ended nothing is run. Studies that were run in one go, each in its FOLDER, are simulated by their schedule, from the
hand-out of the first trial to the end of the last, as their journals tell; slots are as many trials as ever ran at once.
With --predict nothing is run nor compared: the tables of `ablate plan --gpus` for the study in FOLDER, as if its trials held
such shares of a GPU, from their seconds as they are. `ablate plan` itself refuses that: on a GPU they would be others.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from traced_study import Run, exit_on_sigterm, run_study, spans

from ablate.store.journal import open_to_read
from ablate.store.read import StudyResults, read_folder
from ablate.study.load import load_study, parse_study
from ablate.study.study import Study
from ablate.summary.cluster import Cluster
from ablate.summary.scaling import plays, scaling, scaling_lines
from ablate.summary.simulated_run import Overheads, Planned, SimulatedRun, simulate
from ablate.summary.trial_paces import Measured, pace_of, trained

STUDY = """
study: makespan
data: {{name: digits, protocol: closed}}
objective: {{metric: val/recall_at_1}}
space:
  backbone: {{mlp: {{width: [128, 256], depth: 2}}, simple_cnn: {{width: [32, 64], depth: 3}}}}
  embedding_dim: 32
  loss: {{contrastive: {{margin: {{uniform: [0.2, 1.5]}}}}, triplet: {{margin: {{uniform: [0.05, 0.5]}}}}}}
  sampler: [random, semi_hard]
  optimizer: {{adam: {{lr: {{log_uniform: [3.0e-4, 1.0e-2]}}}}}}
  batch: {{classes: 10, per_class: 8}}
  epochs: {epochs}
search: {{algorithm: random, trials: {trials}, stopping: {stopping}}}
resources: {{cpus: 1}}
"""
TARGET = 0.10


@dataclass(frozen=True)
class Ended:
    """A study that was run."""

    run: Run
    results: StudyResults
    measured: Measured

    @property
    def seconds(self) -> float:
        return self.run.end - self.run.begin

    @property
    def busy_seconds(self) -> float:
        return sum(row.cost["cost/seconds"] for row in self.results.trials)


def run(text: str, study: Study, folder: Path, *, slots: int) -> Ended:
    """The study on so many slots."""
    ended = run_study(text, folder, data=None, cpus=slots, cache=folder.parent / "cache")
    results = read_folder(folder / "runs" / study.name)
    measured = trained(study, results)
    assert isinstance(measured, Measured), measured
    return Ended(ended, results, measured)


def own_overheads(run: Run) -> Overheads:
    """Start and end of this very run; what the driver does for a trial and a report is as usual."""
    handed_out = next(mark.time for mark in run.marks if mark.name == "StudySearcher.suggest:begin")
    first: dict[int, float] = {}
    for pid, begin, _ in spans(run.marks, "train"):
        first.setdefault(pid, begin)
    last = [mark.time for mark in run.marks if mark.name == "Recorder.on_trial_complete:end"][-1]
    return Overheads(
        start=handed_out - run.begin,
        first_of_slot=statistics.fmean(first.values()) - handed_out,
        closing=run.end - last,
    )


def scheduled(ended: Ended, *, slots: int) -> SimulatedRun:
    """The run's own trials, each as far as it came."""
    paces, rows = ended.measured.paces[""], ended.results.trials
    trials = [Planned(pace, row.epochs) for pace, row in zip(paces, rows, strict=True)]
    return simulate(trials, slots=slots, overheads=own_overheads(ended.run))


def planned(study: Study, measured: Measured, *, slots: int) -> float:
    """Seconds, as `ablate plan` says."""
    return statistics.fmean(run.seconds for run in plays(study, measured, slots=slots))


def print_comparison(study: Study, ended: Ended, first: Ended, *, slots: int) -> float:
    """One run; how far off the schedule was, as a share of the wall time."""
    own = scheduled(ended, slots=slots)
    told = {
        "schedule": own.seconds,
        "plan": planned(study, ended.measured, slots=slots),
        "before": planned(study, first.measured, slots=slots),
    }
    usual, here = Overheads(), own_overheads(ended.run)
    print(f"\n{len(ended.results.trials)} trials, {slots} at once: {ended.seconds:.1f} s of wall time", end="")
    print(
        f", efficiency {ended.busy_seconds / slots / ended.seconds:.3f}, simulated {own.busy_seconds / slots / own.seconds:.3f}"
    )
    for name in ("start", "first_of_slot", "closing"):
        print(f"  {name:<14} {getattr(here, name):>6.1f} s here, {getattr(usual, name):.1f} s as usual")
    for name, seconds in told.items():
        print(f"  {name:<14} {seconds:>6.1f} s, {seconds / ended.seconds - 1:+.1%}")
    return abs(own.seconds / ended.seconds - 1)


def print_ended(folder: Path) -> float:
    """A study that was run before; how far off its schedule was, as a share of the time that its trials took."""
    results = read_folder(folder)
    journal = optuna.load_study(study_name=results.study, storage=open_to_read(folder / "journal.log"))
    times = {t.number: (t.datetime_start, t.datetime_complete) for t in journal.get_trials(deepcopy=False)}
    rows = [row for row in results.trials if row.epochs and row.reused is None and row.state != "running"]
    known = [(row, begin, end) for row in rows for begin, end in [times[int(row.id)]] if begin and end]
    paces = [pace_of(folder, row) for row, _, _ in known]
    starts, ends = [begin.timestamp() for _, begin, _ in known], [end.timestamp() for _, _, end in known]
    slots = max(sum(begin <= at < end for begin, end in zip(starts, ends, strict=True)) for at in starts)
    own = [pace.setup + row.epochs * pace.epoch for pace, (row, _, _) in zip(paces, known, strict=True)]
    warm = [end - min(starts) - busy for end, busy in zip(ends, own, strict=True)]
    first = statistics.fmean(
        warm[:slots]
    )  # from the first hand-out, for a busy machine hands out the second trial late
    trials = [Planned(pace, row.epochs) for pace, (row, _, _) in zip(paces, known, strict=True)]
    told = simulate(trials, slots=slots, overheads=Overheads(start=0.0, first_of_slot=first, closing=0.0)).seconds
    seconds = max(ends) - min(starts)
    efficiency = sum(own) / slots / seconds
    print(
        f"{results.study:<20} {len(known):>5} trials, {slots} at once: {seconds:>8.1f} s, simulated {told:>8.1f} s,"
        f" {told / seconds - 1:+.1%}; efficiency {efficiency:.3f}, simulated {sum(own) / slots / told:.3f}"
    )
    return abs(told / seconds - 1)


def print_prediction(folder: Path, share: str, changed: Sequence[str]) -> None:
    """Clusters of several sizes, had each trial of an ended study held so much of a GPU."""
    own, held = (load_study(folder / "study.yaml", [*changed, *more]) for more in ([], [f"resources.gpus={share}"]))
    print(f"\n{own.name}, each trial with {share} of a GPU")
    print(*scaling_lines(scaling(held, trained(own, read_folder(folder)), Cluster(gpus=256))), sep="\n")


def measure(text: str, slots: Sequence[int]) -> bool:
    """All runs; whether every schedule was within the target."""
    study, off = parse_study(text, "makespan.yaml"), []
    with tempfile.TemporaryDirectory(prefix="ablate-makespan-") as temporary:
        first: Ended | None = None
        for count in slots:
            ended = run(text, study, Path(temporary) / str(count), slots=count)
            first = first or ended
            off.append(print_comparison(study, ended, first, slots=count))
    print(f"\nschedule: at most {max(off):.1%} off, target {TARGET:.0%}")
    return max(off) <= TARGET


def main() -> None:
    """Prints predicted and measured; ends with 1 where a schedule is further off than the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--slots", default="1,2", help="trials at once, of each run")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--stopping", action="store_true", help="with ASHA")
    parser.add_argument("--ended", type=Path, nargs="+", help="folders of studies that were run before")
    parser.add_argument("--predict", type=Path, help="folder of a study that was run before")
    parser.add_argument("--gpus", default="1,0.25", help="with --predict: of each trial, one table each")
    parser.add_argument("--set", action="append", default=[], help="with --predict: as of `ablate plan`")
    given = parser.parse_args()
    if given.predict:
        for share in given.gpus.split(","):
            print_prediction(given.predict.absolute(), share, given.set)
        return
    if given.ended:
        worst = max(print_ended(folder.absolute()) for folder in given.ended)
        print(f"schedule: at most {worst:.1%} off, target {TARGET:.0%}")
        raise SystemExit(worst > TARGET)
    exit_on_sigterm()
    stopping = "{asha: {grace_epochs: 1, reduction_factor: 3}}" if given.stopping else "none"
    text = STUDY.format(trials=given.trials, epochs=given.epochs, stopping=stopping)
    if not measure(text, [int(count) for count in given.slots.split(",")]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
