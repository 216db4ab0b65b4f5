"""All trials of a study through Ray Tune: our searcher hands them out, our scheduler stops them, our recorder keeps them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.engine import environment
from ablate.engine.holding import Holding, placed
from ablate.store.asked import Asked, trial_id
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.store.queue import Queue
from ablate.study.spending import Resources
from ablate.training.spec import TrialSpec
from ablate.types import TrialResult

if TYPE_CHECKING:
    from ablate.engine.recorder import Watcher


def tune_folder(folder: StudyFolder) -> Path:
    """Where Tune keeps its own files while it runs; nothing in them is ours."""
    return folder.path / ".tune"


def train_trials(
    memory: Memory,
    queue: Queue,
    specify: Callable[[Asked], TrialSpec],
    watchers: Sequence[Watcher],
    *,
    slots: int,
    check: Callable[[], None],
    losses: Counter[int],
    holding: Holding,
    met: Callable[[], None] = lambda: None,
) -> None:
    """Train what `queue` hands out, `slots` at once; `check` raises once the user has interrupted.

    `met` is called whenever it has been seen how far other drivers of the study have come.

    `holding` says what each of them holds. A trial that loses its node is handed out again, or is left unfinished where Tune
    has been told that it was the last.
    """

    logging.getLogger("ray.tune").setLevel(logging.ERROR)  # it warns that its own result files are not there
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)  # it calls trials incomplete that we have told of
    environment.skip_callback_tags()
    environment.outlive_low_memory()
    from ray.tune import TuneError

    from ablate.engine.recorder import Recorder
    from ablate.engine.searcher import StudySearcher
    from ablate.engine.stopping import GroupedStopping

    check()
    study = memory.study
    scheduler = GroupedStopping(study.asha, study.objectives, study.tuning_epochs)
    scheduler.replay(memory.curves(), memory.groups())

    def found(asked: Asked, row: TrialResult) -> None:
        """A trial that is there already counts at the rungs as if it had been trained just now."""
        scheduler.replay({asked.number: memory.curve(asked.number)}, {asked.number: asked.group})
        recorder.found(row)

    def meet() -> None:
        """Trials of other drivers count at the rungs, too."""
        if news := memory.others.news():
            scheduler.replay({number: memory.curve(number) for number in news}, memory.groups())
        met()

    searcher = StudySearcher(memory, queue, specify, holding, found, meet)
    recorder = Recorder(memory, scheduler.stopped, list(watchers), check, searcher.take_back, losses, holding)
    try:
        _tuner(memory, searcher, scheduler, recorder, slots=slots).fit()
    except TuneError as error:
        raise _raised(error) from None


def _raised(error: BaseException) -> BaseException:
    """What the recorder has raised, of which Tune (2.60) makes a text: a full disk, a database that no longer answers."""
    from ray.tune import TuneError

    while isinstance(error, TuneError) and error.__context__ is not None:
        error = error.__context__
    return error


def _tuner(memory: Memory, searcher: Any, scheduler: Any, recorder: Any, *, slots: int) -> Any:
    """Tune, told what it must not do by itself."""
    import ray.train
    import ray.tune

    study = memory.study
    return ray.tune.Tuner(
        _trainable(study.resources, tune_folder(memory.folder)),
        tune_config=ray.tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=-1,  # the searcher says when it is over
            max_concurrent_trials=slots,
            reuse_actors=True,
            trial_name_creator=_name,
            trial_dirname_creator=_name,
        ),
        run_config=ray.tune.RunConfig(
            name=study.name,
            storage_path=str(tune_folder(memory.folder)),
            verbose=0,
            callbacks=[recorder],
            checkpoint_config=ray.tune.CheckpointConfig(checkpoint_at_end=False),  # the trial writes its own
            failure_config=ray.tune.FailureConfig(max_failures=0),  # expected failures are caught in the trial
        ),
    )


def _trainable(resources: Resources, storage: Path) -> Any:
    """What Tune runs for each trial, and what it holds for it."""
    import ray.tune

    if resources.workers == 1:
        from ablate.engine.in_process import run_trial

        return ray.tune.with_resources(run_trial, placed)
    from ablate.engine.distributed import TOKEN, DistributedTrial

    trial = ray.tune.with_parameters(DistributedTrial, storage=str(storage))
    return ray.tune.with_resources(trial, ray.tune.PlacementGroupFactory([TOKEN]))


def _name(trial: Any) -> str:
    """Tune's name for a trial: our number."""
    return trial_id(trial.config["number"])
