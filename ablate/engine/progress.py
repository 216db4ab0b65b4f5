"""Progress on stderr: a live display in a terminal, plain lines elsewhere.

Shows trials by state, the best so far, images trained per second, and the time that is left.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ablate.store.asked import trial_id
from ablate.study.study import Study
from ablate.types import TrialResult, counted

REDRAW_SECONDS = 0.5


class Progress:
    """A watcher (see `recorder.Watcher`) that shows what it sees."""

    def __init__(self, study: Study, total: int, *, done: list[TrialResult], quiet: bool, slots: int) -> None:
        self.study, self.total, self.quiet, self.slots = study, total, quiet, slots
        self.states = Counter(row.state for row in done if row.state != "running")
        self.best: TrialResult | None = None
        for row in done:
            self._note_best(row)
        self.elsewhere = 0
        """Trials that other drivers have ended since this one began."""
        self.running: dict[int, dict[str, float]] = {}
        self.begin = time.monotonic()
        self.epochs_here = 0
        self.ended_here = 0
        self.drawn = 0.0
        self.console = Console(stderr=True)
        live = sys.stderr.isatty() and not quiet
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if live else None

    def __enter__(self) -> Progress:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *ending: object) -> None:
        if self.live:
            self.live.stop()

    def say(self, line: str) -> None:
        """One plain line, above the display if there is one."""
        if not self.quiet:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def say_continued(self, *, unfinished: int, longer: int) -> None:
        """What of an earlier run is taken up: trials that it did not see end, and complete ones that are made longer."""
        if longer:
            self.say(
                f"{counted(longer, 'trial')} {'goes' if longer == 1 else 'go'} on to epoch {self.study.space.epochs}"
            )
        if unfinished:
            last = "its last checkpoint" if unfinished == 1 else "their last checkpoints"
            self.say(f"continuing {counted(unfinished, 'unfinished trial')} from {last}")

    def started(self, number: int) -> None:
        self.running[number] = {}
        self._draw()

    def reported(self, number: int, report: dict[str, float]) -> None:
        self.epochs_here += 1
        self.running[number] = report
        self._draw()

    def taken_back(self, number: int, how: str) -> None:
        self.running.pop(number, None)
        self.say(f"trial {trial_id(number)} goes on {how}")
        self._draw()

    def ended(self, result: TrialResult) -> None:
        self.running.pop(int(result.id), None)
        self.states[result.state] += 1
        self.ended_here += 1
        self._note_best(result)
        if result.state == "failed":
            self.say(f"trial {result.id} failed: {result.reason}")
        if not self.live:
            self.say(self._line(result))
        self._draw()

    @property
    def ended_in_all(self) -> int:
        return sum(self.states.values()) + self.elsewhere

    def _note_best(self, row: TrialResult) -> None:
        metric = self.study.objective.metric
        if row.state != "complete":
            return
        if self.best is None or self.study.objective.better(row.metrics[metric], self.best.metrics[metric]):
            self.best = row

    def _line(self, row: TrialResult) -> str:
        numbers = {**row.metrics, **row.cost}
        names = [each.metric for each in self.study.objectives if each.metric in numbers]
        value = "  ".join(f"{name} {numbers[name]:.4{'g' if name in row.cost else 'f'}}" for name in names)
        why = f"  {row.reason}" if row.infeasible else ""
        epochs = "epoch " if row.epochs == 1 else "epochs"
        return (
            f"[{self.ended_in_all}/{self.total}] {row.id} {row.state:8} {row.epochs:3d} {epochs}  {value}  {row.arm}"
            f"{why}  ({self._left()})"
        )

    def _left(self) -> str:
        """The time that the remaining trials take at the pace so far; of the first trials it would be far off."""
        open_trials = self.total - self.ended_in_all
        if open_trials <= 0:
            return "last trials ending" if self.running else "all trials ended"
        if self.ended_here < 2 * self.slots:
            return "time left: not known yet"
        seconds = (time.monotonic() - self.begin) / self.ended_here * open_trials
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"

    def _draw(self) -> None:
        if self.live and time.monotonic() - self.drawn >= REDRAW_SECONDS:
            self.drawn = time.monotonic()
            self.live.update(self._picture(), refresh=True)

    def _picture(self) -> Group:
        states = "  ".join(f"{self.states[s]} {s}" for s in ("complete", "pruned", "failed") if self.states[s])
        pace = self.epochs_here / max(time.monotonic() - self.begin, 1e-9)
        head = Text(
            f"{self.study.name}  {self.ended_in_all}/{self.total} trials"
            f"  {states}  {len(self.running)} running  {pace:.1f} epochs/s  {self._left()}"
        )
        metric = self.study.objective.metric
        rows = [head]
        if self.best:
            rows.append(Text(f"best  {self.best.id}  {metric} {self.best.metrics[metric]:.4f}  {self.best.arm}"))
        table = Table(box=None, pad_edge=False)
        for title in ("trial", "epoch", metric, "train/loss", "images/s"):
            table.add_column(title, justify="right")
        for number, report in sorted(self.running.items()):
            table.add_row(
                trial_id(number),
                f"{report.get('epoch', 0):.0f}/{self.study.space.epochs}",
                *(f"{report[name]:.4f}" if name in report else "-" for name in (metric, "train/loss")),
                f"{report['time/images_per_second']:.0f}" if report else "-",
            )
        return Group(*rows, table)
