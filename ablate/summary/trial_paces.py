"""How fast the trials of a study go: from a probe, or from trials that were trained; and the trials that are then to come."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.store import curves
from ablate.store.folder import StudyFolder
from ablate.store.read import StudyResults
from ablate.study.ablation import Ablation
from ablate.study.study import ARM, WEIGHTS, Study
from ablate.summary.simulated_run import Planned
from ablate.training.probe import Pace
from ablate.types import TrialResult, counted

SLOWS = ("data", "resources")
"""Keys of a study's meaning that a trial's seconds depend on, beside its space."""


@dataclass(frozen=True)
class Measured:
    """Paces, and who measured them."""

    paces: Mapping[str, Sequence[Pace]]
    """Of each arm by its name; of a search all under "". Trials to come take one of them by chance."""
    rests_on: str
    """For people."""


def probed(study: Study, paces: Mapping[str, Pace]) -> Measured:
    """What a probe found, of each arm, or of each architecture of a search."""
    by_arm = {arm: [pace] for arm, pace in paces.items()} if study.ablation else {"": list(paces.values())}
    return Measured(by_arm, f"a probe of {counted(len(paces), 'configuration')} on this machine")


def trained(study: Study, earlier: StudyResults | None) -> Measured | str:
    """What the trials of an earlier run took; why that says nothing of `study`, where it does not."""
    if earlier is None or earlier.folder is None:
        return f"nothing was measured, and there are no trials of {study.name} in --out"
    differ = _differences(study.meaning, earlier.meaning)
    if differ:
        return f"the trials in {_shown(earlier.folder)} are of another study ({', '.join(differ)} differ)"
    ended = [row for row in earlier.trials if row.epochs and row.state in ("complete", "pruned")]
    kept_of = StudyFolder(earlier.folder)  # somebody may have removed the folders of trials
    rows = [row for row in ended if curves.read(kept_of.trial(row.id))]
    arms = [arm.name for arm in study.ablation.arms] if study.ablation else [""]
    paces: dict[str, list[Pace]] = {}
    for row in rows:
        paces.setdefault(row.arm if study.ablation else "", []).append(pace_of(earlier.folder, row))
    lacking = [arm for arm in arms if arm not in paces]
    if len(lacking) == len(arms):
        return f"no trial in {_shown(earlier.folder)} has trained an epoch and ended"
    if lacking:
        return f"no trial of {', '.join(lacking)} has ended in {_shown(earlier.folder)}"
    kept = [row.id for row in rows if not study.ablation or row.arm in arms]
    which = f"{kept[0]} to {kept[-1]}" if len(kept) > 1 else kept[0]
    cpu = earlier.environment.get("cpu", "")
    return Measured(
        {arm: paces[arm] for arm in arms},
        f"the seconds of {counted(len(kept), 'trial')} in {_shown(earlier.folder)} ({which})"
        + (f", trained on a machine with {cpu}" if cpu else ""),
    )


def _differences(now: Mapping[str, str], earlier: Mapping[str, str]) -> list[str]:
    """Keys in which two studies differ so that their trials' seconds differ; more epochs, arms or seeds do not count."""
    spaces = {key for key in now.keys() | earlier.keys() if key.startswith("space.")} - {"space.epochs"}
    shared = {key for key in now if key in earlier and key.startswith((ARM, WEIGHTS))}
    return sorted(key for key in {*SLOWS, *spaces, *shared} if now.get(key) != earlier.get(key))


def pace_of(folder: Path, row: TrialResult) -> Pace:
    """Of one trial, by its curves; what was not spent in epochs is its beginning, and its test where it read that."""
    reports = curves.read(StudyFolder(folder).trial(row.id))
    epochs = [report["time/epoch_seconds"] for report in reports]
    return Pace(max(0.0, reports[-1]["cost/seconds"] - sum(epochs)), sum(epochs) / len(epochs), 0.0)


def _shown(folder: Path) -> str:
    """The study's folder as it was named: its last two parts."""
    return "/".join(folder.parts[-2:])


def trials_of(study: Study, measured: Measured, *, seed: int) -> list[Planned]:
    """All trials of `study` in the order in which they are handed out, those of an earlier run among them."""
    draw = random.Random(seed)
    if study.ablation is not None:
        return _of_ablation(study.ablation, measured.paces, draw)
    size, asked = study.space.size, study.search.trials
    count = asked if size is None else min(asked, size)
    return [Planned(draw.choice(measured.paces[""]), study.space.epochs, "") for _ in range(count)]


def _of_ablation(ablation: Ablation, paces: Mapping[str, Sequence[Pace]], draw: random.Random) -> list[Planned]:
    """As `store.queue` hands them out: arms take turns in tuning, an arm is judged once its tuning is over."""
    tuning = {arm.name: ablation.tuning_trials(arm.name) for arm in ablation.arms}
    tuned = [
        Planned(draw.choice(paces[arm]), ablation.tuning_epochs, arm)
        for turn in range(max(tuning.values()))
        for arm, trials in tuning.items()
        if turn < trials
    ]
    return tuned + [
        Planned(draw.choice(paces[arm]), ablation.epochs, after=arm if tuning[arm] else None, tested=True)
        for arm, _ in ablation.cells
    ]
