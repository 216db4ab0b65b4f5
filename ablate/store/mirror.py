"""The mirror in MLflow, written by one background thread of the driver.

The driver hands over rows, which never change, and the thread writes them when it can. MLflow being slow or down delays the
mirror and nothing else: what is not written yet stays marked, at the latest for the next run of the study.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager

from ablate.store.asked import trial_id
from ablate.store.drivers import Driver
from ablate.store.folder import StudyFolder
from ablate.store.mlflow_runs import MlflowRuns
from ablate.store.tracking import cause, outlook, stays
from ablate.study.study import Study
from ablate.types import TrialResult

LEAST_WAIT, MOST_WAIT = 0.5, 30.0
"""Seconds between two passes: the first while all goes well, doubled up to the second while MLflow does not answer."""
HEAD_START = 5.0
"""Seconds after the first report before mlflow is imported: it takes three, of which the driver's own work waits for most."""
PAUSE_PATIENCE = 20.0
"""Seconds that `paused` waits for a call to MLflow to end, its import among them; a longer one waits for the network and
disturbs nobody."""


class Mirror:
    """A watcher (see `engine.recorder.Watcher`). `row` and `begun` ask the memory for a trial: only the driver's thread may."""

    def __init__(
        self,
        folder: StudyFolder,
        study: Study,
        *,
        tracking_uri: str,
        digest: str,
        split: Callable[[int], Mapping[str, object]],
        row: Callable[[str], TrialResult],
        begun: Callable[[str], int],
        complain: Callable[[str], None],
        driver: Driver,
    ) -> None:
        self.runs = MlflowRuns(
            folder, study, tracking_uri=tracking_uri, digest=digest, split=split, tell=complain, driver=driver
        )
        self.row, self.begun, self.complain = row, begun, complain
        self.running: dict[str, TrialResult] = {}
        self.marked: dict[str, TrialResult] = {}
        self.begins: dict[str, int] = {}
        """When each marked trial began, in milliseconds."""
        self.lock = threading.Lock()
        self.working = threading.Lock()
        self.wake = threading.Event()
        self.closing: tuple[str, set[str], Mapping[str, str | bytes]] | None = None
        """How the parent run is to end, which trials the study shows, and the texts to attach."""
        self.fault = ""
        self.ended_well = False
        self.thread = threading.Thread(target=self._work, name="mlflow-mirror", daemon=True)

    def started(self, number: int) -> None:
        id = trial_id(number)
        self.running[id] = self.row(id)
        self._mark(self.running[id])

    def reported(self, number: int, report: dict[str, float]) -> None:
        self._mark(self.running[trial_id(number)])
        self._begin()

    def taken_back(self, number: int, how: str) -> None:
        """Nothing: its run stays open."""

    def ended(self, result: TrialResult) -> None:
        self.running.pop(result.id, None)
        self._mark(result)
        self._begin()

    def _begin(self) -> None:
        if not self.thread.is_alive():
            self.thread.start()

    def close(
        self,
        ids: list[str],
        *,
        status: str,
        patience_seconds: float,
        files: Callable[[], Mapping[str, str | bytes]] | None = None,
        anew: bool = False,
        elsewhere: Container[str] = (),
    ) -> None:
        """Bring all of `ids` up to date, end the parent run with `status` and what `files` gives attached, and stop.

        Those `elsewhere` are other drivers' to write. Where nothing has changed `files` is not asked, unless they are to be
        attached `anew`. Gives up after some patience.
        """
        for row in map(self.row, ids):
            if row.id not in elsewhere and not self.runs.is_current(row):
                self._mark(row)
        if not anew and not self.marked and not self.thread.is_alive() and self.runs.status == status:
            return  # nothing has changed since the last run of the study
        self.closing = (status, set(ids), files() if files is not None else {})
        if not self.thread.is_alive():
            self.thread.start()
        self.wake.set()
        self.thread.join(patience_seconds)
        if not self.ended_well:
            self.complain(self._excuse(interrupted=status == "KILLED"))

    def _excuse(self, *, interrupted: bool) -> str:
        where, why = f"MLflow at {self.runs.tracking_uri}", self.fault or "it is slow"
        if interrupted and not self.fault:
            return f"{where} lacks the last of it: the next run of this study writes the rest"
        return f"{where} is not up to date ({why}); {outlook(self.runs.tracking_uri, self.fault)}"

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No trial is written meanwhile."""
        held = self.working.acquire(timeout=PAUSE_PATIENCE)
        try:
            yield
        finally:
            if held:
                self.working.release()

    def _mark(self, row: TrialResult) -> None:
        """This trial changed."""
        with self.lock:
            self.begins.setdefault(row.id, self.begun(row.id))
            self.marked[row.id] = row

    def _work(self) -> None:
        """The background thread: passes until closed and done."""
        wait = LEAST_WAIT
        self.wake.wait(HEAD_START)
        self.wake.clear()
        while True:
            closing = self.closing
            try:
                self._pass()
                if closing:
                    self.runs.end(*closing)
                    self.ended_well = True
                    return
                wait, self.fault = LEAST_WAIT, ""
            except Exception as error:  # noqa: BLE001  whatever a server does must not end the study; it is told at the end
                self.fault = cause(error)
                self.runs.disconnect()
                if closing and stays(self.runs.tracking_uri, self.fault):
                    return
                wait = min(MOST_WAIT, wait * 2)
            self.wake.wait(wait)
            self.wake.clear()

    def _pass(self) -> None:
        """Bring every marked trial up to date."""
        with self.working:
            self.runs.connect()
        with self.lock:
            batch, self.marked = list(self.marked.values()), {}
        for position, row in enumerate(batch):
            try:
                with self.working:
                    self.runs.update(row, begin_ms=self.begins[row.id])
            except Exception:
                with self.lock:
                    self.marked = {
                        row.id: row for row in batch[position:]
                    } | self.marked  # newer rows replace older ones
                raise
        if batch:
            self.runs.save()
