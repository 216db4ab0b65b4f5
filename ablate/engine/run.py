"""Run a study from beginning to end, or from where it stopped: this is `ablate run`."""

from __future__ import annotations

import logging
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.engine import environment, session
from ablate.engine.progress import Progress
from ablate.engine.resources import Budget
from ablate.store.folder import StudyFolder
from ablate.store.memory import Asked, Memory
from ablate.store.mirror import Mirror
from ablate.store.rows import trial_id
from ablate.store.tracking import check_tracking_uri
from ablate.study.study import Study
from ablate.training.prepare import prepare_data
from ablate.training.spec import DataSpec, TrialSpec
from ablate.types import TrialResult

MIRROR_PATIENCE_SECONDS = 30.0
INTERRUPTED_PATIENCE_SECONDS = 3.0
"""How long MLflow may take to catch up at the end; after Ctrl-C the whole ending has 10 seconds."""


@dataclass(frozen=True)
class Options:
    """What the command line adds to a study."""

    data: Path
    """Folder of the data sets."""
    out: Path
    """Folder of the studies."""
    tracking_uri: str | None = None
    """MLflow; by default a sqlite file in `out`."""
    cpus: int | None = None
    gpus: float | None = None
    address: str | None = None
    """Of a Ray cluster to join; by default Ray starts here, for this study."""
    fresh: bool = False
    quiet: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    folder: Path
    results: list[TrialResult]
    interrupted: bool
    notes: list[str]
    """What the user should know."""


def run_study(study: Study, options: Options) -> Outcome:
    """Run `study` until its trials are done or the user interrupts.

    Raises AblateError for whatever can be known before the start; then nothing is started, and nothing written but the
    decoded data.
    """
    environment.prepare(own_ray=options.address is None)
    cpus, gpus, trial = options.cpus, options.gpus, study.resources
    allowed = None if options.address else session.local_budget(trial, cpus=cpus, gpus=gpus)
    folder = StudyFolder(options.out.expanduser().absolute() / study.name)
    folder.check_writable()
    if options.tracking_uri is not None:
        check_tracking_uri(options.tracking_uri)
    if not options.fresh:
        folder.check(study)
    spec, digest = prepare_data(study, options.data)
    if not options.fresh:
        folder.check(study, digest)
    if allowed is None:
        allowed = session.join(str(options.address), trial, cpus=cpus, gpus=gpus)
    notes, left = [], {}
    if options.fresh and folder.path.exists():
        with folder.held() as left:
            notes.append(f"the earlier study was kept as {folder.set_aside()}")
    with folder.held() as last:
        last = last or left
        return _Run(study, options, folder, spec, digest, allowed, notes).go(last)


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
    ) -> None:
        self.study, self.options, self.folder, self.data = study, options, folder, data
        self.allowed, self.slots, self.notes = allowed, allowed.slots(study.resources), notes
        folder.check(study, digest)  # again, now that nobody else can change it
        folder.describe(study, digest)
        self.memory = Memory(folder, study, slots=self.slots)
        done = self.memory.results()
        self.progress = Progress(study, done=done, quiet=options.quiet, slots=self.slots)
        self.mirror = Mirror(
            folder,
            study,
            tracking_uri=options.tracking_uri or f"sqlite:///{folder.path.parent / 'mlflow.db'}",
            digest=digest,
            row=self.memory.result,
            begun=self.memory.begun,
            complain=notes.append,
        )

    def go(self, last: dict[str, Any]) -> Outcome:
        """Trials, then the closing; `last` is what the previous holder of the study noted."""
        import ray

        from ablate.engine.closing import still_open

        interruption, session_dir, status = session.Interruption(), None, "FAILED"
        try:
            with self.progress:
                if self._trials_left() or still_open(self.memory).anything:
                    own = not ray.is_initialized()
                    session_dir = session.start(self.allowed, self.folder, last) if own else None
                    with session.stoppable(interruption):
                        self._work(interruption)
                else:
                    self.notes.append("nothing was left to do")
            status = "FINISHED"
        except KeyboardInterrupt:
            interruption.asked, status = True, "KILLED"
        finally:
            with session.undisturbed(interruption), ExitStack() as ending:  # each of them, whatever the others meet
                ending.callback(shutil.rmtree, self._tune_folder, ignore_errors=True)
                ending.callback(session.leave, session_dir)
                self._end_mirror(status)  # before Ray ends: its thread may collect what is left of Ray's handles
        if self.memory.exhausted:
            self.notes.append("the space has no further configurations: every one of them was tried")
        return Outcome(self.folder.path, self.memory.results(), interruption.asked, self.notes)

    def _end_mirror(self, status: str) -> None:
        """Bring MLflow up to date, and the study's run there to its end with `status`."""
        patience = INTERRUPTED_PATIENCE_SECONDS if status == "KILLED" else MIRROR_PATIENCE_SECONDS
        self.mirror.close([row.id for row in self.memory.results()], status=status, patience_seconds=patience)

    def _work(self, interruption: session.Interruption) -> None:
        """What is left to do: trials, then the closing."""
        from ablate.engine.closing import still_open

        if self._trials_left():
            self._measure_constrained()
            interruption.check()
            self._train(interruption)
            interruption.check()
        if still_open(self.memory).anything:
            self._close()
            interruption.check()

    @property
    def _tune_folder(self) -> Path:
        """Where Tune keeps its own files while it runs; nothing in them is ours."""
        return self.folder.path / ".tune"

    def _trials_left(self) -> bool:
        return bool(self.memory.unfinished()) or (
            self.memory.count() < self.study.search.trials and not self.memory.exhausted
        )

    def _train(self, interruption: session.Interruption) -> None:
        """All trials, through Tune."""
        import ray.train
        import ray.tune

        logging.getLogger("ray.tune").setLevel(logging.ERROR)  # it warns that its own result files are not there
        environment.skip_callback_tags()
        from ablate.engine.in_process import run_trial
        from ablate.engine.recorder import Recorder
        from ablate.engine.searcher import StudySearcher
        from ablate.engine.stopping import NoStopping, Stopping

        stopping, objective, epochs = self.study.search.stopping, self.study.objective, self.study.space.epochs
        scheduler = NoStopping() if stopping is None else Stopping(stopping.asha, objective, epochs)
        scheduler.replay(self.memory.curves())
        queue = self.memory.unfinished()
        longer = self.memory.lengthened()
        self.progress.say_continued(unfinished=len(queue) - longer, longer=longer)
        trial = self.study.resources
        recorder = Recorder(self.memory, scheduler.stopped, [self.progress, self.mirror], interruption.check)
        ray.tune.Tuner(
            ray.tune.with_resources(run_trial, {"cpu": trial.cpus, "gpu": trial.gpus}),
            tune_config=ray.tune.TuneConfig(
                search_alg=StudySearcher(self.memory, queue, self._specify),
                scheduler=scheduler,
                num_samples=-1,  # the searcher says when it is over
                max_concurrent_trials=self.slots,
                reuse_actors=True,
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=ray.tune.RunConfig(
                name=self.study.name,
                storage_path=str(self._tune_folder),
                verbose=0,
                callbacks=[recorder],
                failure_config=ray.tune.FailureConfig(max_failures=0),  # expected failures are caught in the trial
            ),
        ).fit()

    def _measure_constrained(self) -> None:
        """Where latency is constrained, measure every architecture before any trial: what is too slow then never trains."""
        if not any(name.startswith("cost/latency") for name in self.study.constraints):
            return
        from ablate.engine.closing import measure_space

        self.progress.say("measuring the latency of every architecture: it is constrained")
        measure_space(self.memory, self._specify)

    def _close(self) -> None:
        """Latency, and the test of the best trial."""
        import ray

        from ablate.engine.closing import close_study, still_open

        open_now = still_open(self.memory)
        self.progress.say("measuring latency alone, and reading the test split for the best trial")
        try:
            with self.mirror.paused():  # latency is measured with nothing else running
                close_study(self.memory, open_now, self._specify)
        except ray.exceptions.RayError as error:
            cause = str(error).strip().splitlines()[-1]
            self.notes.append(f"latency and test could not be read ({cause}); run the same command again")

    def _specify(self, asked: Asked) -> TrialSpec:
        """What a worker is told of one trial."""
        constraints = {name: (limit.min, limit.max) for name, limit in self.study.constraints.items()}
        return TrialSpec(
            id=asked.id,
            configuration=asked.configuration,
            data=self.data,
            metric=self.study.objective.metric,
            goal=self.study.objective.goal,
            seed=asked.seed,
            folder=str(self.folder.trial(asked.id)),
            cpus=self.study.resources.cpus,
            gpus=self.study.resources.gpus,
            constraints=constraints,
            known_costs=self.memory.latency().get(asked.configuration.architecture, {}),
        )


def _name(trial: Any) -> str:
    """Tune's name for a trial: our number."""
    return trial_id(trial.config["number"])
