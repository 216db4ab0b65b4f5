"""The study's memory: every trial, in an Optuna storage that survives whatever ends the driver.

Optuna holds parameters, the objective of each epoch, state, and as user attributes `trial` (configuration, seed) and `end` (reason,
metrics, cost); what is found out after the last trial (latency, test) are attributes of the study.
"""

from __future__ import annotations

import math
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ablate.store import curves
from ablate.store.folder import StudyFolder
from ablate.study.configuration import SLOTS, Configuration
from ablate.study.domain import Choice, Domain, Fixed, Int
from ablate.study.study import Objective, Study
from ablate.types import Scalar, TrialResult

ATTEMPTS = 200
"""Proposals in a row that are all known already, before the space counts as exhausted."""

STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


@dataclass(frozen=True)
class Asked:
    """A trial to run."""

    number: int
    configuration: Configuration
    seed: int

    @property
    def id(self) -> str:
        return trial_id(self.number)


def trial_id(number: int) -> str:
    """0007: as folders, MLflow and the summary call a trial."""
    return f"{number:04d}"


class Memory:
    """Opens a study's storage; asks for trials and writes down what became of them. One process at a time."""

    def __init__(self, folder: StudyFolder, study: Study, *, slots: int = 1) -> None:
        self.folder, self.study = folder, study
        self.objective = study.objective
        _mend_journal(folder)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna.create_study(
            storage=open_storage(folder),
            study_name=study.name,
            direction=StudyDirection[study.objective.goal.upper()],
            load_if_exists=True,
        )
        self._optuna.sampler = _sampler(study, slots, known=len(self._optuna.get_trials(deepcopy=False)))
        self._handles: dict[int, optuna.Trial] = {}
        self._digests = {
            Configuration.from_dict(t.user_attrs["trial"]["configuration"]).digest: t.number for t in self._known()
        }
        self.exhausted = False

    def _known(self) -> list[FrozenTrial]:
        return known_trials(self._optuna.get_trials(deepcopy=False))

    def unfinished(self) -> list[Asked]:
        """Trials that an earlier driver did not see end, and those that are to become longer."""
        return [self._asked(t) for t in self._known() if t.state == TrialState.RUNNING]

    def count(self) -> int:
        """Trials handed out, in whatever state."""
        return len(self._known())

    def ask(self) -> Asked | None:
        """A new configuration; None once all are tried (`exhausted` is then set). Known ones are told Optuna as such."""
        size = self.study.space.size
        if size is not None and len(self._digests) >= size:
            self.exhausted = True
            return None
        for _ in range(ATTEMPTS):
            trial = self._optuna.ask()

            self._handles[trial.number] = trial
            configuration = self.study.space.resolve(partial(suggest, trial))
            known = self._digests.get(configuration.digest)
            if known is None:
                self._digests[configuration.digest] = trial.number
                seed = self.study.seed
                trial.set_user_attr("trial", {"configuration": configuration.to_dict(), "seed": seed})
                return Asked(trial.number, configuration, seed)
            trial.set_user_attr("duplicate_of", known)
            self._optuna.tell(self._handles.pop(trial.number), state=TrialState.FAIL)
        self.exhausted = True
        return None

    def report(self, number: int, report: Mapping[str, float]) -> None:
        """Write down one epoch of a running trial."""
        curves.append(self.folder.trial(trial_id(number)), report)
        value = report[self.objective.metric]
        if math.isfinite(value):
            with warnings.catch_warnings():
                # an epoch that is trained again after a crash has been reported before, with the same value
                warnings.filterwarnings("ignore", message=".*is already reported.*")
                self._trial(number).report(value, int(report["epoch"]))

    def finish(self, number: int, state: str, reason: str | None = None) -> TrialResult:
        """Write down the end of a trial: complete, pruned or failed, with its reason. Gives its row."""
        folder = self.folder.trial(trial_id(number))
        reports = curves.read(folder)
        best = curves.best(reports, metric=self.objective.metric, goal=self.objective.goal)
        if state == "complete" and not best:
            state, reason = "failed", "it ended without a report"
        trial = self._trial(number)
        end = {"reason": reason, "epochs": len(reports), **split_report(best, reports)}
        trial.set_user_attr("end", end)
        value = best[self.objective.metric] if state == "complete" else None
        self._optuna.tell(trial, value, state=STATES[state])
        del self._handles[number]
        if state != "complete":
            for checkpoint in folder.glob("checkpoint-*"):
                shutil.rmtree(checkpoint)  # never continued: many stopped trials would fill the disk
        return self.result(trial_id(number))

    def mark_infeasible(self, number: int) -> None:
        """Tell Optuna that a constraint forbids this region: it is then ranked behind every allowed trial."""
        self._trial(number).set_constraint("constraints", 1.0)

    def lengthen(self, epochs: int) -> None:
        """Let every complete trial go on to the study's epochs, from its checkpoint, if those are more than `epochs`."""
        if self.study.space.epochs <= epochs:
            return
        for old in [t for t in self._known() if t.state == TrialState.COMPLETE]:
            number = len(self._optuna.get_trials(deepcopy=False))
            attribute = dict(old.user_attrs["trial"]) | {"continues": old.number}
            attribute["configuration"] = attribute["configuration"] | {"epochs": self.study.space.epochs}
            target = self.folder.trial(trial_id(number))
            shutil.rmtree(target, ignore_errors=True)  # of a driver that was killed before the next line
            shutil.copytree(self.folder.trial(trial_id(old.number)), target)
            self._optuna.add_trial(
                optuna.create_trial(
                    state=TrialState.RUNNING,
                    params=old.params,
                    distributions=old.distributions,
                    intermediate_values=old.intermediate_values,
                    user_attrs={"trial": attribute},
                )
            )

    def curves(self) -> dict[int, dict[int, float]]:
        """The objective of every epoch of every trial: {number: {epoch: value}}."""
        return {t.number: dict(t.intermediate_values) for t in self._known() if t.intermediate_values}

    def latency(self) -> dict[str, dict[str, float]]:
        """What was measured of each architecture: {architecture: {"cost/latency_ms_p50": ...}}."""
        return dict(self._optuna.user_attrs.get("latency", {}))

    def tests(self) -> dict[str, dict[str, float]]:
        """What the test split said of each trial that was allowed to read it: {id: {"test/...": ...}}."""
        return dict(self._optuna.user_attrs.get("test", {}))

    def note_closing(self, *, latency: Mapping[str, Any], tests: Mapping[str, Any]) -> None:
        """Write down what was found after the last trial."""
        self._optuna.set_user_attr("latency", self.latency() | dict(latency))
        self._optuna.set_user_attr("test", self.tests() | dict(tests))

    def results(self) -> list[TrialResult]:
        """A row per trial."""
        latency, tests = self.latency(), self.tests()
        return [result_of(t, self.folder, self.objective, latency, tests) for t in self._known()]

    def result(self, id: str) -> TrialResult:
        """The row of one trial."""
        return result_of(self._frozen(int(id)), self.folder, self.objective, self.latency(), self.tests())

    def asked(self, id: str) -> Asked:
        """One trial as it was handed out."""
        return self._asked(self._frozen(int(id)))

    def _asked(self, trial: FrozenTrial) -> Asked:
        attribute = trial.user_attrs["trial"]
        return Asked(trial.number, Configuration.from_dict(attribute["configuration"]), attribute["seed"])

    def _frozen(self, number: int) -> FrozenTrial:
        return self._optuna.get_trials(deepcopy=False)[number]

    def _trial(self, number: int) -> optuna.Trial:
        """The handle of a running trial, also of one that an earlier driver asked for."""
        if number not in self._handles:
            self._handles[number] = optuna.Trial(self._optuna, self._frozen(number)._trial_id)
        return self._handles[number]


def known_trials(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Those that were handed out (not the duplicates), without those that a longer one continues."""
    handed_out = [t for t in trials if "trial" in t.user_attrs]
    continued = {t.user_attrs["trial"].get("continues") for t in handed_out}
    return [t for t in handed_out if t.number not in continued]


def open_storage(folder: StudyFolder) -> JournalStorage:
    """The journal of a study; also for readers beside a running driver."""
    path = str(folder.journal)
    return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))


def _mend_journal(folder: StudyFolder) -> None:
    """Cut off a last record that a killed driver did not finish, and its lock. Only the holder of the study may do so."""
    folder.journal.with_name(folder.journal.name + ".lock").unlink(missing_ok=True)
    if not folder.journal.exists():
        return
    content = folder.journal.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with folder.journal.open("r+b") as file:
            file.truncate(whole)


def suggest(trial: optuna.Trial, name: str, domain: Domain) -> Scalar:
    """Let Optuna draw a value of `domain`."""
    assert not isinstance(domain, Fixed), "a fixed value is not drawn"
    if isinstance(domain, Choice):
        return cast(Scalar, trial.suggest_categorical(name, domain.options))
    if isinstance(domain, Int):
        return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)


def _sampler(study: Study, slots: int, *, known: int) -> optuna.samplers.BaseSampler:
    """Optuna's sampler; its stream moves on with the `known` trials, or a continued study would propose its beginning again."""
    seed = int(np.random.SeedSequence([study.seed, known]).generate_state(1)[0])
    if study.search.algorithm == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    branches = any(levels for slot in study.space.slots.values() for levels in slot.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            seed=seed,
            multivariate=True,
            group=branches,  # a parameter that only some levels have is modelled among those that have it
            constant_liar=True,  # running trials count as poor ones, so that slots do not try the same
            n_startup_trials=max(10, 2 * slots),
        )


def split_report(best: Mapping[str, float], reports: list[curves.Report]) -> dict[str, dict[str, float]]:
    """Metrics of the best epoch, and costs up to the last: what a row holds."""
    last = reports[-1] if reports else {}
    metrics = {name: value for name, value in best.items() if name.startswith("val/")}
    cost = {name: value for name, value in last.items() if name.startswith("cost/")}
    return {"metrics": metrics, "cost": cost}


def result_of(
    trial: FrozenTrial,
    folder: StudyFolder,
    objective: Objective,
    latency: Mapping[str, Mapping[str, float]],
    tests: Mapping[str, Mapping[str, float]],
) -> TrialResult:
    """The row of one trial."""
    id = trial_id(trial.number)
    attribute = trial.user_attrs["trial"]
    configuration = Configuration.from_dict(attribute["configuration"])
    end = trial.user_attrs.get("end")
    if end is None:
        reports = curves.read(folder.trial(id))
        best = curves.best(reports, metric=objective.metric, goal=objective.goal)
        end = {"reason": None, "epochs": len(reports), **split_report(best, reports)}
    state = {s: name for name, s in STATES.items()}.get(trial.state, "running")
    return TrialResult(
        id=id,
        state=state,
        reason=end["reason"],
        seed=attribute["seed"],
        arm=" ".join(getattr(configuration, slot).name for slot in SLOTS),
        params=configuration.params,
        metrics={**end["metrics"], **tests.get(id, {})},
        cost={**end["cost"], **latency.get(configuration.architecture, {})},
        epochs=end["epochs"],
    )
