"""How a study scales: hours, efficiency and speed-up on clusters of several sizes, simulated from measured seconds."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from ablate.study.spending import Resources
from ablate.study.study import Study
from ablate.summary.cluster import Cluster
from ablate.summary.simulated_run import MOST_MEASURED, Overheads, SimulatedRun, simulate
from ablate.summary.trial_paces import Measured, trials_of

SIZES = (1, 4, 32, 256)
"""Devices that are told of beside the number asked for."""
PLAYS = 20
"""Simulations of each, as far as `MOST_REPORTS` allows: which trials are stopped, and which are slow, is chance."""
MOST_REPORTS = 200_000
"""Of all plays of one size: about half a second."""


@dataclass(frozen=True)
class Size:
    """A cluster of one size."""

    devices: int
    """GPUs; CPUs where the trials hold no GPU."""
    slots: int
    """Trials at once; 0 where not one fits."""
    hours: float | None = None
    """From the command to its end; None where not one trial fits."""
    efficiency: float | None = None
    """Share of devices x time in which a device trains a trial, 0 to 1; a share of a device counts as that share."""
    speed_up: float | None = None
    """Against the first size that holds a trial."""


@dataclass(frozen=True)
class Scaling:
    """What `ablate plan --gpus N` says of time."""

    device: str
    """GPU or CPU."""
    asked: int
    sizes: tuple[Size, ...] = ()
    """Empty where nothing was measured."""
    rests_on: str = ""
    """Who measured the seconds."""
    missing: str = ""
    """Why there are no figures."""
    limit: str = ""
    """What of them goes further than anything that was measured."""


def scaling(study: Study, measured: Measured | str, cluster: Cluster) -> Scaling:
    """Of the whole study from its first trial, on `cluster` and on others of its kind; `measured` or why nothing is."""
    trial = study.resources
    device, asked = ("GPU", cluster.gpus) if trial.gpu_share else ("CPU", cluster.cpus or 0)
    if isinstance(measured, str):
        return Scaling(device, asked, missing=measured)
    sizes: list[Size] = []
    for devices in sorted({*SIZES, asked}):
        first = next((size for size in sizes if size.hours is not None), None)
        sizes.append(_size(study, measured, _resized(cluster, devices, trial), devices, first))
    assumed = "; one trial on each GPU (auto: how many share one is found out there)" if trial.gpus == "auto" else ""
    return Scaling(device, asked, tuple(sizes), measured.rests_on + assumed, limit=_limit(study, measured))


def _limit(study: Study, measured: Measured) -> str:
    """What to know of a study with more trials than any that the driver was measured with."""
    count = len(trials_of(study, measured, seed=0))
    if count <= MOST_MEASURED:
        return ""
    known = f"what the driver takes for a report was measured up to {MOST_MEASURED:,} trials, and did not grow"
    return f"{known}; for {count:,} it is taken to be the same"


def _resized(cluster: Cluster, devices: int, trial: Resources) -> Cluster:
    """A cluster of so many devices; each GPU keeps its CPUs."""
    if not trial.gpu_share:
        return replace(cluster, cpus=devices)
    cpus = None if cluster.cpus is None else cluster.cpus * devices // cluster.gpus
    return replace(cluster, gpus=devices, cpus=cpus)


def _size(study: Study, measured: Measured, cluster: Cluster, devices: int, first: Size | None) -> Size:
    slots = cluster.slots(study.resources)
    if not slots:
        return Size(devices, 0)
    runs = plays(study, measured, slots=slots)
    hours = statistics.fmean(run.seconds for run in runs) / 3600
    busy = statistics.fmean(run.busy_seconds for run in runs) / 3600
    faster = first.hours / hours if first is not None and first.hours is not None else 1.0
    return Size(devices, slots, hours, cluster.share(study.resources) * busy / hours, faster)


def plays(study: Study, measured: Measured, *, slots: int, overheads: Overheads | None = None) -> list[SimulatedRun]:
    """Some runs of `study` with `slots` trials at once; always the same ones."""
    overheads = overheads or _overheads(study, measured)
    runs: list[SimulatedRun] = []
    while len(runs) < PLAYS and sum(run.reports for run in runs) < MOST_REPORTS:
        seed = len(runs)
        trials = trials_of(study, measured, seed=seed)
        runs.append(simulate(trials, slots=slots, asha=study.asha, overheads=overheads, seed=seed))
    return runs


def _overheads(study: Study, measured: Measured) -> Overheads:
    """The best trial of a search reads the test split when all have ended; those of an ablation have read it themselves."""
    usual = Overheads()
    if study.ablation is not None:
        return usual
    return replace(usual, closing=usual.closing + statistics.fmean(pace.test for pace in measured.paces[""]))


def scaling_lines(scaling: Scaling) -> list[str]:
    """For people; the first line says what the figures rest on."""
    if not scaling.sizes:
        return [
            f"not known: {scaling.missing}",
            f"measure it: --probe here, on such a {scaling.device}, or run some trials of the study",
        ]
    lines = [
        f"simulated for the whole study, from {scaling.rests_on}",
        f"{scaling.device + 's':>5} {'at once':>8} {'hours':>9} {'efficiency':>11} {'speed-up':>9}",
    ]
    for size in scaling.sizes:
        if size.hours is None or size.efficiency is None or size.speed_up is None:
            lines.append(f"{size.devices:>5}        too few for one trial")
            continue
        hours = f"{size.hours:.3f}" if size.hours < 10 else f"{size.hours:,.1f}"
        lines.append(f"{size.devices:>5} {size.slots:>8,} {hours:>9} {size.efficiency:>11.2f} {size.speed_up:>9.1f}")
    return [*lines, scaling.limit] if scaling.limit else lines
