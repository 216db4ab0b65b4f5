"""Run a study from beginning to end, or from where it stopped: this is `ablate run`."""

from __future__ import annotations

import errno
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ablate.engine import environment, session
from ablate.engine.holding import Holding
from ablate.engine.interruption import Interruption, stoppable, undisturbed
from ablate.engine.leftovers import end_leftovers
from ablate.engine.options import Options, Outcome
from ablate.engine.progress import Progress
from ablate.engine.resources import Budget
from ablate.engine.specify import specify
from ablate.engine.tune import train_trials, tune_folder
from ablate.errors import ResourceError, StoreError
from ablate.objects import check_objects
from ablate.store.archive import archive_beside
from ablate.store.asked import Asked, trial_id
from ablate.store.drivers import Driver, SharingDriver
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.store.mirror import Mirror
from ablate.store.queue import queue_of
from ablate.store.storage import answering, check_storage, connect
from ablate.store.tracking import cause, check_tracking_uri
from ablate.study.study import Study
from ablate.training.official_runs import official_notes
from ablate.training.prepare import describe_split, notes_on_data, prepare_data
from ablate.training.prepare_backbones import prepare_backbones
from ablate.training.spec import DataSpec, TrialSpec
from ablate.types import counted

MOST_TRIALS = 500
"""An ablation of more asks for `--yes`: designs multiply."""
MIRROR_PATIENCE_SECONDS = 30.0
INTERRUPTED_PATIENCE_SECONDS = 3.0
"""How long MLflow may take to catch up at the end; after Ctrl-C the whole ending has 10 seconds."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""A full disk, and a full share of one."""
LEAVING_SECONDS = 20.0
"""Ray ends within two; where it hangs, the process ends without it."""


def run_study(study: Study, options: Options) -> Outcome:
    """Run `study` until its trials are done or the user interrupts.

    Raises AblateError for whatever can be known before the start; then nothing is started, and nothing written but the
    decoded data and downloaded weights.
    """
    interruption = Interruption()
    try:
        with interruption.watched(), stoppable(interruption), answering(options.folder_of(study)):
            return _run_study(study, options, interruption)
    except KeyboardInterrupt:  # before the first trial, or after the last
        return Outcome(options.folder_of(study), [], interrupted=True, notes=[])
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise StoreError(
            f"{options.folder_of(study)}: nothing can be written ({(error.strerror or str(error)).lower()})\n"
            "  make room there and run the same command again: every trial goes on from its last checkpoint"
        ) from error


def _run_study(study: Study, options: Options, interruption: Interruption) -> Outcome:
    """Prepare and go; whatever may take long is followed by a look whether the user has had enough."""
    if study.ablation is not None and study.ablation.trials > MOST_TRIALS and not options.yes:
        raise ResourceError(
            f"{study.name} is an ablation of {study.ablation.trials:,} trials, more than {MOST_TRIALS}\n"
            "  look at `ablate plan`; start it with --yes"
        )
    environment.prepare(own_ray=options.address is None)
    cpus, gpus, trial = options.cpus, options.gpus, study.resources
    allowed = None if options.address else session.local_budget(trial, cpus=cpus, gpus=gpus)
    folder = StudyFolder(options.folder_of(study))
    folder.check_writable()
    if options.storage is not None:
        check_storage(options.storage)
    storage = options.storage if options.fresh else folder.check_storage(options.storage)
    if storage is not None:
        connect(storage)
    checkpoints = options.checkpoints if options.fresh else folder.check_checkpoints(options.checkpoints)
    if checkpoints is not None:
        check_objects(checkpoints, "--checkpoints")
    if options.tracking_uri is not None:
        check_tracking_uri(options.tracking_uri)
    prepare_backbones(study)
    interruption.check()
    if not options.fresh:
        folder.check(study)
    spec, digest = prepare_data(study, options.data)
    interruption.check()
    if not options.fresh:
        folder.check(study, digest)
    if allowed is None:
        allowed = session.join(str(options.address), trial, cpus=cpus, gpus=gpus)
    on_data, left = notes_on_data(spec), dict[str, Any]()
    notes = [*on_data, *official_notes(spec)]
    if options.fresh and folder.path.exists():
        with folder.held() as left:
            notes.append(f"the earlier study was kept as {folder.set_aside()}")
    driver = Driver(folder) if storage is None else SharingDriver(folder)
    with driver.driving() as last:
        with driver.turn():
            folder.check(study, digest)  # again, now that nobody else can change it
            folder.describe(study, digest, on_data, storage=storage, checkpoints=checkpoints)
        return _Run(study, options, folder, spec, digest, allowed, notes, driver).go([*last, left], interruption)


class _Run:
    """One run: the memory, those who watch, and Tune."""

    def __init__(
        self,
        study: Study,
        options: Options,
        folder: StudyFolder,
        data: DataSpec,
        digest: str,
        allowed: Budget,
        notes: list[str],
        driver: Driver,
    ) -> None:
        self.study, self.options, self.folder, self.data, self.driver = study, options, folder, data, driver
        self.allowed, self.notes, self.closed = allowed, notes, False
        self.holding = Holding(study.resources, allowed)
        slots = self.holding.slots
        archive = archive_beside(folder, study, data=vars(data), digest=digest) if options.reuse else None
        self.memory = Memory(folder, study, slots=slots, archive=archive, driver=driver)
        self.queue = queue_of(self.memory)
        done = self.memory.results()
        self.progress = Progress(study, self.queue.total, done=done, quiet=options.quiet, slots=slots)
        self.mirror = Mirror(
            folder,
            study,
            tracking_uri=options.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}",
            digest=digest,
            split=lambda seed: describe_split(replace(data, seed=seed)),
            row=self.memory.result,
            begun=self.memory.begun,
            complain=notes.append,
            driver=driver,
        )

    def go(self, last: Sequence[Mapping[str, Any]], interruption: Interruption) -> Outcome:
        """Trials, then the closing; `last` is what dead drivers of the study noted."""
        import ray

        status = "FAILED"
        with undisturbed(interruption):
            try:
                interruption.check()
                with self.progress, stoppable(interruption):
                    for note in official_notes(self.data):  # also among the notes at the end, but then hours are spent
                        self.progress.say(note)
                    self._take_finished()
                    if self._trials_left() or self._to_close():
                        if not ray.is_initialized():
                            with undisturbed(interruption):
                                interruption.session_dir = session.start(self.allowed, self.driver.note, last)
                            interruption.check()
                        self._work(interruption)
                    else:
                        self.notes.append("nothing was left to do")
                status = "FINISHED"
            except KeyboardInterrupt:
                interruption.asked, status = True, "KILLED"
            finally:
                with ExitStack() as ending:  # each of them, whatever the others meet
                    ending.callback(shutil.rmtree, tune_folder(self.folder), ignore_errors=True)
                    ending.callback(session.leave, interruption.session_dir)
                    ending.callback(interruption.limit, LEAVING_SECONDS, "the end of Ray")
                    self._end_mirror(status)  # before Ray ends: its thread may collect what is left of Ray's handles
        if self.memory.exhausted:
            self.notes.append("the space has no further configurations: every one of them was tried")
        return Outcome(self.folder.path, self.memory.results(), interruption.asked, self.notes)

    def _end_mirror(self, status: str) -> None:
        """Bring MLflow up to date, and the study's run there to its end with `status`."""
        patience = INTERRUPTED_PATIENCE_SECONDS if status == "KILLED" else MIRROR_PATIENCE_SECONDS
        elsewhere = set(self.memory.others.run())
        ids = [row.id for row in self.memory.results()]
        if elsewhere:
            status = "RUNNING"
        files = self._report if status == "FINISHED" else None
        self.mirror.close(
            ids, status=status, patience_seconds=patience, files=files, anew=self.closed, elsewhere=elsewhere
        )

    def _report(self) -> Mapping[str, str | bytes]:
        """What is attached in MLflow; a summary that cannot be made is told, and ends nothing."""
        try:
            return self.options.report(self.folder.path)
        except Exception as error:  # noqa: BLE001  the study has all its numbers
            self.notes.append(f"MLflow gets no summary: it could not be made ({cause(error)})")
            return {}

    def _work(self, interruption: Interruption) -> None:
        """What is left to do: trials, then the closing."""
        watchers, check, losses = (self.progress, self.mirror), interruption.check, Counter[int]()
        while self._trials_left():  # more than once where the last of them lost their node
            self._measure_first()
            self._share_gpus()
            check()
            train_trials(
                self.memory,
                self.queue,
                self._specify,
                watchers,
                slots=self.holding.slots,
                check=check,
                losses=losses,
                holding=self.holding,
                met=self._meet,
            )
            check()
        if self.holding.alone:
            ids = ", ".join(map(trial_id, sorted(self.holding.alone)))
            key = "gpus" if self.study.resources.gpu_share else "cpus"
            self.notes.append(
                f"out of memory beside others, trained again alone: {ids}\n"
                f"  set resources.{key} higher, and fewer train side by side"
            )
        if left := len(self.memory.others.run()):
            self.notes.append(f"other drivers still train {counted(left, 'trial')}; who ends the last closes the study")
        with self.driver.turn("alone"):
            if self._to_close():
                self._close()
                check()

    def _to_close(self) -> bool:
        """Whether anything is left to do after the last trial, and that has ended."""
        from ablate.engine.closing import still_open

        return not self.memory.others.run() and still_open(self.memory).anything

    def _meet(self) -> None:
        """Count what other drivers have ended, and end what is left of those that died here: their trials go on with us."""
        for dead in self.driver.take_dead():
            if "session_dir" in dead:
                end_leftovers(dead["session_dir"])
        self.progress.elsewhere = self.memory.ended() - sum(self.progress.states.values())

    def _trials_left(self) -> bool:
        return bool(self.memory.unfinished()) or not self.queue.over

    def _take_finished(self) -> None:
        """Before anything is started: what an earlier study has finished, up to the first trial that must be trained."""
        unfinished, longer = len(self.memory.unfinished()), self.memory.lengthened()
        self.progress.say_continued(unfinished=unfinished - longer, longer=longer)
        if unfinished:
            return
        while (asked := self.queue.next()) is not None:
            found = self.memory.reuse(asked)
            if found is None:
                return  # it is now the one that is unfinished
            for watcher in (self.progress, self.mirror):
                watcher.ended(found)

    def _measure_first(self) -> None:
        """Where what is timed is constrained, or an objective, time every architecture before any trial."""
        if not self.study.measured_first:
            return
        from ablate.engine.closing import measure_space

        self.progress.say("measuring the latency of every architecture: it decides on trials")
        with self.driver.turn("alone"):  # another driver of the study waits, then finds everything measured
            self.notes += measure_space(self.memory, self._specify)

    def _share_gpus(self) -> None:
        """Where trials share GPUs by their memory, find out what each architecture takes; once in a run."""
        if self.study.resources.gpus != "auto" or self.holding.shares:
            return
        from ablate.engine.gpu_sharing import measure_shares

        self.progress.say("measuring the GPU memory of every architecture: it decides how many trials share one")
        self.holding.shares = measure_shares(self.memory, self._specify)
        self.progress.slots = self.holding.slots
        self.memory.expect(self.holding.slots)
        for name, share in self.holding.shares.items():
            self.progress.say(f"{counted(int(1 / share), 'trial')} on a GPU: {name}")

    def _close(self) -> None:
        """Latency, the test of the best trial, and its pictures."""
        from ablate.engine.closing import close_study, still_open
        from ablate.engine.pictures import draw_best

        self.closed = True
        open_now = still_open(self.memory)
        if open_now.to_measure:
            best = "the best trial" if len(self.study.objectives) == 1 else "the trials on the front"
            reading = f", and reading the test split for {best}" if open_now.to_test else ""
            self.progress.say(f"measuring latency alone{reading}")
            with self.mirror.paused():  # latency is measured with nothing else running
                self.notes += close_study(self.memory, open_now, self._specify)
        if open_now.picture is not None:
            self.progress.say("drawing the best trial")
            self.notes += draw_best(self.folder.path, self._specify(open_now.picture), self.options.draw)

    def _specify(self, asked: Asked) -> TrialSpec:
        """What a worker is told of one trial."""
        return specify(asked, self.study, self.data, self.folder, self.memory.measured.latency())
