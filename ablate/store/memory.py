"""The study's memory: every trial, in an Optuna storage that survives whatever ends the driver.

Optuna holds parameters, the objective of each epoch, state, and as user attributes `trial` (configuration, seed) and `end`
(state, reason, metrics, cost); what is measured of networks and not by a trial is in `measured`. Only the
driver's main thread uses a Memory; others get rows, which never change. Drivers that share a study have one Memory each, on
one database: a trial's attribute `driver` says whose it is.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from ablate.store import checkpoints, curves
from ablate.store.archive import Archive
from ablate.store.asked import Asked, asked_of, trial_id
from ablate.store.drivers import Driver
from ablate.store.folder import StudyFolder
from ablate.store.group import Group
from ablate.store.lengthen import continuation, copy_files
from ablate.store.measured import Measured
from ablate.store.others import Others
from ablate.store.rows import STATES, Curve, curve_of, end_of, known_trials, reached, result_of
from ablate.store.samplers import directions_of
from ablate.store.storage import name_in_storage, open_to_write
from ablate.study.configuration import Configuration
from ablate.study.study import Study
from ablate.types import TrialResult


class Memory:
    """Opens a study's storage; asks for trials and writes down what became of them.

    One process at a time, or one for each driver that shares the study.
    """

    def __init__(
        self,
        folder: StudyFolder,
        study: Study,
        *,
        slots: int = 1,
        archive: Archive | None = None,
        driver: Driver | None = None,
    ) -> None:
        self.folder, self.study, self.archive = folder, study, archive
        self.driver = driver or Driver(folder)
        self.others = Others(self.driver, self._known, self._asks_for)
        self.objective, self.objectives = study.objective, study.objectives
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage = open_to_write(folder)
        with self.driver.turn():
            name = name_in_storage(folder, study.name)
            self._optuna = self._open(name)
            self.measured = Measured(self._optuna)
            self._study_id = self._storage.get_study_id_from_name(name)
            self._settle()
            if study.ablation is None:
                self._lengthen()
        self._slots = slots
        self._groups: dict[str, Group] = {}

    def expect(self, slots: int) -> None:
        """So many trials will run at once: searches draw their first ones by that."""
        self._slots = slots
        self._groups.clear()

    def look_around(self) -> bool:
        """Whether other drivers have handed out or ended trials since; groups then know of them."""
        moved = self.others.have_moved()
        if moved:
            self._groups.clear()
        return moved

    def unfinished(self) -> list[Asked]:
        """Trials that nobody sees to: a driver before this did not see them end, or they are to become longer.

        Not those of an arm, or with a seed, that was taken out of the study: they are left as they are.
        """
        return self.others.unfinished()

    def _asks_for(self, asked: Asked) -> bool:
        ablation = self.study.ablation
        return ablation is None or ablation.asks_for(asked.phase, asked.arm, asked.seed)

    def claim(self, number: int) -> bool:
        """See to an unfinished trial from now on; False where another driver was faster, or it lacked nothing but a word."""
        if not self.driver.shares:
            return True
        with self.driver.turn():
            trial = self._frozen(number)
            if not self.others.left(trial):
                return False
            self._storage.set_trial_user_attr(
                self._key(number), "trial", {**trial.user_attrs["trial"], **self.driver.mark}
            )
            self._complete(trial)
        return self._frozen(number).state == TrialState.RUNNING

    def ended(self) -> int:
        """How many trials are over, whoever trained them."""
        return sum(trial.state.is_finished() for trial in self._known())

    def lengthened(self) -> int:
        """How many of the unfinished are complete trials that are to become longer."""
        attributes = [t.user_attrs["trial"] for t in self._known() if self.others.left(t)]
        return sum("continues" in attribute for attribute in attributes)

    def count(self) -> int:
        """Trials of the search that were handed out, in whatever state."""
        return self.group().count

    @property
    def exhausted(self) -> bool:
        """Whether every configuration of the searched space has been handed out, and the study asks for more."""
        return self.study.ablation is None and self.group().emptied and self.count() < self.study.search.trials

    def group(self, arm: str = "") -> Group:
        """The search, or the tuning of an arm: what it has handed out, and how it goes on."""
        if arm not in self._groups:
            known = [trial for trial in self._known() if asked_of(trial).group == arm]
            tuning = self.study.tuning_of(arm)
            self._groups[arm] = Group(tuning, self.objectives, slots=self._slots, known=known)
        return self._groups[arm]

    def ask(self, arm: str = "") -> Asked | None:
        """A configuration that no trial of the search, or of the tuning of `arm`, had; None once there is none left."""
        group = self.group(arm)
        proposal = group.propose()
        if proposal is None:
            return None
        phase, seed = ("tune", self.study.tuning_seed) if arm else ("search", self.study.seed)
        make = partial(Asked, configuration=proposal.configuration, seed=seed, phase=phase, arm=arm)
        asked = self._hand_out(make(self._next_number()), proposal.params, proposal.distributions)
        group.start(asked.number, proposal)
        return asked

    def ask_final(self, arm: str, configuration: Configuration, seed: int) -> Asked:
        """A trial that judges an arm."""
        return self._hand_out(Asked(self._next_number(), configuration, seed, "final", arm), {}, {})

    def _hand_out(self, asked: Asked, params: dict[str, Any], distributions: dict[str, Any]) -> Asked:
        shutil.rmtree(self.folder.trial(asked.id), ignore_errors=True)  # of a killed `lengthen`
        checkpoints.forget(self.folder, asked.id)
        self._add(
            optuna.create_trial(
                state=TrialState.RUNNING,
                params=params,
                distributions=distributions,
                user_attrs={"trial": {**asked.to_attribute(), **self.driver.mark}},
            )
        )
        return asked

    def report(self, number: int, report: Mapping[str, float]) -> None:
        """Write down one epoch of a running trial."""
        curves.append(self.folder.trial(trial_id(number)), report)
        self._note_epoch(number, report)

    def finish(self, number: int, state: str, reason: str | None = None, *, reused: str | None = None) -> TrialResult:
        """Write down the end of a trial: complete, pruned or failed, with its reason. Gives its row."""
        asked = asked_of(self._frozen(number))
        group = None if asked.group is None else self.group(asked.group)  # made before this trial counts as ended
        end = end_of(curves.read(self.folder.trial(asked.id)), self.objective)
        numbers = reached(end, asked.configuration, self.measured.latency())
        lacking = [each.metric for each in self.objectives if each.metric not in numbers]
        if state == "complete" and lacking:
            what = ", ".join(lacking) if end["metrics"] else "a report"
            state, reason = "failed", f"it ended without {what}"
        if reused is None:
            checkpoints.bring(self.folder, asked.id, complete=state == "complete")
        end |= {"state": state, "reason": reason, **({"reused": reused} if reused else {})}
        self._storage.set_trial_user_attr(self._key(number), "end", end)
        self._conclude(number)
        if group is not None:
            group.proposer.end(self._frozen(number))
        if state == "complete" and reused is None and self.archive is not None:
            self.archive.keep(asked, self.folder.trial(asked.id), f"{self.study.name}/{asked.id}")
        return self.result(asked.id)

    def reuse(self, asked: Asked) -> TrialResult | None:
        """End a trial that was just handed out with what an equal one has found earlier; None where there is none.

        One whose network was timed here, and breaks a constraint here, is none: another machine may have allowed it.
        """
        known = self.measured.latency().get(asked.configuration.architecture, {})
        if not all(limit.allows(known[name]) for name, limit in self.study.constraints.items() if name in known):
            return None
        source = self.archive.restore(asked, self.folder.trial(asked.id)) if self.archive is not None else None
        if source is None:
            return None
        for report in curves.read(self.folder.trial(asked.id)):
            self._note_epoch(asked.number, report)  # rungs are rebuilt from these
        return self.finish(asked.number, "complete", reused=source)

    def mark_infeasible(self, number: int) -> None:
        """Tell Optuna that a constraint forbids this region: it is then ranked behind every allowed trial."""
        optuna.Trial(self._optuna, self._key(number)).set_constraint("constraints", 1.0)

    def curves(self) -> dict[int, Curve]:
        """What is compared at the rungs, of every epoch of every trial."""
        return {t.number: curve for t in self._known() if (curve := self.curve(t.number))}

    def curve(self, number: int) -> Curve:
        """The same of one trial."""
        return curve_of(self._frozen(number), self.folder, self.objectives, self.measured.latency())

    def groups(self) -> dict[int, str | None]:
        """Which trials are stopped together: {number: group}."""
        return {trial.number: asked_of(trial).group for trial in self._known()}

    def results(self) -> list[TrialResult]:
        """A row per trial."""
        latency, tests = self.measured.latency(), self.measured.tests()
        return [result_of(t, self.folder, self.objective, latency, tests) for t in self._known()]

    def result(self, id: str) -> TrialResult:
        """The row of one trial."""
        return result_of(
            self._frozen(int(id)), self.folder, self.objective, self.measured.latency(), self.measured.tests()
        )

    def begun(self, id: str) -> int:
        """When a trial was handed out, in milliseconds since 1970."""
        start = self._frozen(int(id)).datetime_start
        assert start is not None, f"trial {id} was handed out without a time"
        return int(1000 * start.timestamp())

    def asked(self, id: str) -> Asked:
        """One trial as it was handed out."""
        return asked_of(self._frozen(int(id)))

    def _open(self, name: str) -> optuna.Study:
        """The study in the storage; made where it is not there: `load_if_exists` would write a record each time."""
        sampler = optuna.samplers.RandomSampler()  # never asked: see `proposer`
        try:
            return optuna.load_study(study_name=name, storage=self._storage, sampler=sampler)
        except KeyError:
            directions = directions_of(self.objectives)
            return optuna.create_study(storage=self._storage, sampler=sampler, study_name=name, directions=directions)

    def _settle(self) -> None:
        """Complete what a killed driver wrote down in part: an epoch that only the curves have, an end that was not told."""
        for trial in self._known():
            if self.others.left(trial):
                self._complete(trial)

    def _complete(self, trial: FrozenTrial) -> None:
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
            if self.others.left(old):
                self._storage.set_trial_user_attr(self._key(old.number), "trial", longer)
            elif old.state == TrialState.COMPLETE:
                new = self.folder.trial(trial_id(self._next_number()))
                copy_files(self.folder.trial(trial_id(old.number)), new)
                checkpoints.send(self.folder, new.name)
                self._add(continuation(old, longer))

    def _note_epoch(self, number: int, report: Mapping[str, float]) -> None:
        value = report[self.objective.metric]
        if math.isfinite(value):
            self._storage.set_trial_intermediate_value(self._key(number), int(report["epoch"]), value)

    def _conclude(self, number: int) -> None:
        """Tell Optuna the end that is written down; may be done again from its beginning until that is told."""
        trial = self._frozen(number)
        end, asked = trial.user_attrs["end"], asked_of(trial)
        if end["state"] != "complete":
            checkpoints.forget(self.folder, asked.id)  # never continued: many stopped trials would fill the disk
        numbers = reached(end, asked.configuration, self.measured.latency())
        values = [numbers[each.metric] for each in self.objectives] if end["state"] == "complete" else None
        self._optuna.tell(number, values, state=STATES[end["state"]])

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
