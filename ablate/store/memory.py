"""The study's memory: every trial, in an Optuna storage that survives whatever ends the driver.

Optuna holds parameters, the objective of each epoch, state, and as user attributes `trial` (configuration, seed) and `end`
(state, reason, metrics, cost); what is found out after the last trial (latency, test) are attributes of the study. Only the
driver's main thread uses a Memory; others get rows, which never change.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ablate.store import curves
from ablate.store.folder import StudyFolder
from ablate.store.journal import open_to_write
from ablate.store.proposer import Proposer
from ablate.store.rows import STATES, configuration_of, end_of, known_trials, result_of, trial_id
from ablate.study.configuration import Configuration
from ablate.study.study import Study
from ablate.types import TrialResult


@dataclass(frozen=True)
class Asked:
    """A trial to run."""

    number: int
    configuration: Configuration
    seed: int

    @property
    def id(self) -> str:
        return trial_id(self.number)


class Memory:
    """Opens a study's storage; asks for trials and writes down what became of them. One process at a time."""

    def __init__(self, folder: StudyFolder, study: Study, *, slots: int = 1) -> None:
        self.folder, self.study = folder, study
        self.objective = study.objective
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage = open_to_write(folder.journal)
        self._optuna = self._open()
        self._study_id = self._storage.get_study_id_from_name(study.name)
        self._settle()
        self._lengthen()
        known = self._known()
        self._proposer = Proposer(study, slots=slots, known=known)
        self._digests = {configuration_of(trial).digest for trial in known}
        self._count = len(known)

    def unfinished(self) -> list[Asked]:
        """Trials that an earlier driver did not see end, and those that are to become longer."""
        return [_asked(trial) for trial in self._known() if trial.state == TrialState.RUNNING]

    def lengthened(self) -> int:
        """How many of the unfinished are complete trials that are to become longer."""
        attributes = [t.user_attrs["trial"] for t in self._known() if t.state == TrialState.RUNNING]
        return sum("continues" in attribute for attribute in attributes)

    def count(self) -> int:
        """Trials handed out, in whatever state."""
        return self._count

    @property
    def exhausted(self) -> bool:
        """Whether every configuration of the space has been handed out, and the study asks for more."""
        size = self.study.space.size
        return size is not None and len(self._digests) >= size and self._count < self.study.search.trials

    def ask(self) -> Asked | None:
        """A configuration that no trial had; None once there is none left."""
        size = self.study.space.size
        if size is not None and len(self._digests) >= size:
            return None
        proposal = self._proposer.propose(self._digests)
        configuration, seed = proposal.configuration, self.study.seed
        shutil.rmtree(self.folder.trial(trial_id(self._next_number())), ignore_errors=True)  # of a killed `lengthen`
        number = self._add(
            optuna.create_trial(
                state=TrialState.RUNNING,
                params=proposal.params,
                distributions=proposal.distributions,
                user_attrs={"trial": {"configuration": configuration.to_dict(), "seed": seed}},
            )
        )
        self._proposer.start(number, proposal)
        self._digests.add(configuration.digest)
        self._count += 1
        return Asked(number, configuration, seed)

    def report(self, number: int, report: Mapping[str, float]) -> None:
        """Write down one epoch of a running trial."""
        curves.append(self.folder.trial(trial_id(number)), report)
        self._note_epoch(number, report)

    def finish(self, number: int, state: str, reason: str | None = None) -> TrialResult:
        """Write down the end of a trial: complete, pruned or failed, with its reason. Gives its row."""
        reports = curves.read(self.folder.trial(trial_id(number)))
        end = end_of(reports, self.objective)
        if state == "complete" and not end["metrics"]:
            state, reason = "failed", "it ended without a report"
        self._storage.set_trial_user_attr(self._key(number), "end", {"state": state, "reason": reason, **end})
        self._conclude(number)
        self._proposer.end(self._frozen(number))
        return self.result(trial_id(number))

    def mark_infeasible(self, number: int) -> None:
        """Tell Optuna that a constraint forbids this region: it is then ranked behind every allowed trial."""
        optuna.Trial(self._optuna, self._key(number)).set_constraint("constraints", 1.0)

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

    def begun(self, id: str) -> int:
        """When a trial was handed out, in milliseconds since 1970."""
        start = self._frozen(int(id)).datetime_start
        assert start is not None, f"trial {id} was handed out without a time"
        return int(1000 * start.timestamp())

    def asked(self, id: str) -> Asked:
        """One trial as it was handed out."""
        return _asked(self._frozen(int(id)))

    def _open(self) -> optuna.Study:
        """The study in the storage; made where it is not there: `load_if_exists` would write a record each time."""
        sampler = optuna.samplers.RandomSampler()  # never asked: see `proposer`
        try:
            return optuna.load_study(study_name=self.study.name, storage=self._storage, sampler=sampler)
        except KeyError:
            direction = StudyDirection[self.objective.goal.upper()]
            return optuna.create_study(
                storage=self._storage, sampler=sampler, study_name=self.study.name, direction=direction
            )

    def _settle(self) -> None:
        """Complete what a killed driver wrote down in part: an epoch that only the curves have, an end that was not told."""
        for trial in self._known():
            if trial.state == TrialState.RUNNING:
                for report in curves.read(self.folder.trial(trial_id(trial.number))):
                    if int(report["epoch"]) not in trial.intermediate_values:
                        self._note_epoch(trial.number, report)
                if "end" in trial.user_attrs:
                    self._conclude(trial.number)

    def _lengthen(self) -> None:
        """Let every trial that trained to its last epoch, or still does, go on to the study's epochs if those are more.

        A complete one goes on from its checkpoint under a new number, and its old row is no longer shown.
        """
        epochs = self.study.space.epochs
        for old in self._known():
            attribute = old.user_attrs["trial"]
            if attribute["configuration"]["epochs"] >= epochs:
                continue
            longer = attribute | {"configuration": attribute["configuration"] | {"epochs": epochs}}
            if old.state == TrialState.RUNNING:
                self._storage.set_trial_user_attr(self._key(old.number), "trial", longer)
            elif old.state == TrialState.COMPLETE:
                target = self.folder.trial(trial_id(self._next_number()))
                shutil.rmtree(target, ignore_errors=True)  # of a driver that was killed before the next but one line
                shutil.copytree(self.folder.trial(trial_id(old.number)), target)
                self._add(
                    optuna.create_trial(
                        state=TrialState.RUNNING,
                        params=old.params,
                        distributions=old.distributions,
                        intermediate_values=old.intermediate_values,
                        user_attrs={"trial": longer | {"continues": old.number}},
                    )
                )

    def _note_epoch(self, number: int, report: Mapping[str, float]) -> None:
        value = report[self.objective.metric]
        if math.isfinite(value):
            self._storage.set_trial_intermediate_value(self._key(number), int(report["epoch"]), value)

    def _conclude(self, number: int) -> None:
        """Tell Optuna the end that is written down; may be done again from its beginning until that is told."""
        end = self._frozen(number).user_attrs["end"]
        if end["state"] != "complete":
            for checkpoint in self.folder.trial(trial_id(number)).glob("checkpoint-*"):
                shutil.rmtree(checkpoint)  # never continued: many stopped trials would fill the disk
        value = end["metrics"][self.objective.metric] if end["state"] == "complete" else None
        self._optuna.tell(number, value, state=STATES[end["state"]])

    def _known(self) -> list[FrozenTrial]:
        return known_trials(self._optuna.get_trials(deepcopy=False))

    def _next_number(self) -> int:
        return self._storage.get_n_trials(self._study_id)

    def _add(self, trial: FrozenTrial) -> int:
        """One record of the journal: a trial is there whole or not at all."""
        return self._storage.get_trial(self._storage.create_new_trial(self._study_id, trial)).number

    def _key(self, number: int) -> int:
        """Optuna's key of a trial."""
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)

    def _frozen(self, number: int) -> FrozenTrial:
        return self._storage.get_trial(self._key(number))


def _asked(trial: FrozenTrial) -> Asked:
    return Asked(trial.number, configuration_of(trial), trial.user_attrs["trial"]["seed"])
