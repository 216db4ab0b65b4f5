"""Does the data keep up: images per second of ablate's training epoch against the same loop on one resident batch.

    python benchmarks/data.py --data DIR [--device auto] [--seconds 2] [--repeats 5]

Both sides run the epoch of `ablate.training.loop` itself: same network (simple_cnn), loss (InfoNCE), optimizer and steps.
  cached     batches drawn for the epoch, gathered from the decoded images, turned into normalised floats: what a trial does;
  synthetic  one random batch that lies ready on the device, in an order that was drawn before: no data pipeline at all.
The sides take turns, `--seconds` each, after one turn that does not count. The figure is the median of the turns' ratios;
1 would be data that cost nothing. On a CPU an epoch is cut after `--steps` steps, though the cached side draws all of it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from traced_study import exit_on_sigterm

from ablate.study.configuration import Component, Configuration
from ablate.training.batches import Batches, Indices
from ablate.training.data import SplitData, TrialData, load_data
from ablate.training.fresh import fresh_start
from ablate.training.loop import Trial, parts_of
from ablate.training.spec import DataSpec, TrialSpec


@dataclass(frozen=True)
class Case:
    """A data set as studies use it."""

    image_size: int
    protocol: str
    batch_classes: int
    batch_per_class: int


CASES = {
    "omniglot": Case(image_size=28, protocol="retrieval", batch_classes=64, batch_per_class=2),
    "mnist": Case(image_size=28, protocol="closed", batch_classes=10, batch_per_class=12),
    "digits": Case(image_size=8, protocol="closed", batch_classes=10, batch_per_class=12),
}


@dataclass(frozen=True)
class OneBatch(TrialData):
    """Data whose every batch is the same one."""

    ready: Tensor

    def batch(self, split: SplitData, indices: Tensor) -> Tensor:
        return self.ready


@dataclass(frozen=True)
class Cut(Batches):
    """The real batches of an epoch, cut after some steps."""

    most: int

    @property
    def steps(self) -> int:
        return min(self.most, super().steps)

    def epoch(self, epoch: int) -> Indices:
        return super().epoch(epoch)[: self.steps]


@dataclass(frozen=True)
class Drawn(Cut):
    """One epoch's batches, drawn before."""

    drawn: Indices

    def epoch(self, epoch: int) -> Indices:
        return self.drawn


def specify(name: str, *, root: Path, width: int, threads: int, device: str) -> TrialSpec:
    """A trial on this data set."""
    case = CASES[name]
    data = DataSpec(
        name, (), str(root), case.image_size, case.protocol, 0.2, 0.2, rotate_classes=False, seed=0, test_seed=0
    )
    configuration = Configuration(
        backbone=Component("simple_cnn", {"width": width}),
        loss=Component("info_nce"),
        sampler=Component("random"),
        optimizer=Component("adam"),
        schedule=Component("constant"),
        augmentation=Component("none"),
        embedding_dim=64,
        batch_classes=case.batch_classes,
        batch_per_class=case.batch_per_class,
        epochs=1,
        normalize=True,
        image_size=case.image_size,
    )
    gpus = 1.0 if device == "cuda" else 0.0
    return TrialSpec("0", configuration, data, "val/recall_at_1", "maximize", 0, os.devnull, threads, gpus)


def sides(spec: TrialSpec, steps: int) -> tuple[Trial, Trial]:
    """The same trial with its data, and with one batch of noise."""
    trials = []
    for synthetic in (False, True):
        device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=spec.gpus)
        data = load_data(spec.data, device)
        trial = Trial(spec, data, parts_of(spec, data), {}, time.perf_counter())
        whole = {field.name: getattr(trial.batches, field.name) for field in fields(Batches)}
        trial.batches = Cut(**whole, most=steps)
        if synthetic:
            trial.batches = Drawn(**whole, most=steps, drawn=trial.batches.epoch(1))
            like = data.batch(data.train, torch.from_numpy(trial.batches.drawn[0]).to(device))
            kept = {field.name: getattr(data, field.name) for field in fields(TrialData)}
            trial.data = OneBatch(**kept, ready=torch.randn_like(like))
        trials.append(trial)
    return trials[0], trials[1]


def images_per_second(trial: Trial, seconds: float) -> float:
    """Of whole epochs, until `seconds` are over; an epoch ends with a read of its loss, so the device has finished."""
    begin, epochs = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        epochs += 1
        trial.train(epochs)
    images = epochs * trial.batches.steps * trial.batches.classes * trial.batches.per_class
    return images / (time.perf_counter() - begin)


def print_case(name: str, spec: TrialSpec, *, steps: int, seconds: float, repeats: int) -> None:
    """One row."""
    cached, synthetic = sides(spec, steps)
    for trial in (cached, synthetic):
        images_per_second(trial, seconds / 2)
    turns = [(images_per_second(cached, seconds), images_per_second(synthetic, seconds)) for _ in range(repeats)]
    ratios = [ours / theirs for ours, theirs in turns]
    medians = [statistics.median(column) for column in zip(*turns, strict=True)]
    batch = spec.configuration.batch_classes * spec.configuration.batch_per_class
    print(
        f"{name:<9} {spec.cpus:>7} {batch:>5} {medians[0]:>10,.0f} {medians[1]:>10,.0f}"
        f" {statistics.median(ratios):>7.3f} {min(ratios):>7.3f} {max(ratios):>7.3f}",
        flush=True,
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ABLATE_DATA"), help="folder of the data sets")
    parser.add_argument("--case", choices=CASES, action="append", help="measure this one only; may be repeated")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU if there is one")
    parser.add_argument("--threads", type=int, action="append", help="CPU threads; may be repeated; default 1 and 2")
    parser.add_argument(
        "--width", type=int, default=64, help="channels of simple_cnn; fewer leave the data a larger share"
    )
    parser.add_argument("--steps", type=int, help="most steps of an epoch; default 20 on a CPU, all on a GPU")
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each side")
    given = parser.parse_args()
    exit_on_sigterm()
    names = given.case or list(CASES)
    if given.data is None and names != ["digits"]:
        parser.error("give --data DIR or ABLATE_DATA; without, only --case digits can be measured")
    device = "cuda" if given.device == "auto" and torch.cuda.is_available() else given.device.replace("auto", "cpu")
    steps = given.steps or (sys.maxsize if device == "cuda" else 20)
    card = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {os.cpu_count()} cores"
    with tempfile.TemporaryDirectory(prefix="ablate-data-") as cache:
        os.environ["ABLATE_CACHE"] = cache
        root = (given.data or Path(cache)).absolute()
        print(f"{card}; simple_cnn of width {given.width}; images per second")
        print(
            f"{'data':<9} {'threads':>7} {'batch':>5} {'cached':>10} {'synthetic':>10} {'ratio':>7} {'min':>7} {'max':>7}"
        )
        for name in names:
            for threads in given.threads or ((1,) if device == "cuda" else (1, 2)):
                spec = specify(name, root=root, width=given.width, threads=threads, device=device)
                print_case(name, spec, steps=steps, seconds=given.seconds, repeats=given.repeats)


if __name__ == "__main__":
    main()
