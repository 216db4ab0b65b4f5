"""The tables of equal tuning: how far the ranking rests on the budget, and what each arm's search has chosen."""

from __future__ import annotations

from collections.abc import Sequence

from ablate.store.read import StudyResults
from ablate.summary.cells import Cells
from ablate.summary.stability import Budget
from ablate.summary.table import Table
from ablate.summary.words import short


def budget_table(budgets: Sequence[Budget]) -> Table:
    """Each arm's best against its tuning budget, and how far the ranking is the final one."""
    shown = [budget for budget in budgets if budget.trials in _steps(len(budgets))]
    arms = list(budgets[-1].best)
    rows = [
        [
            str(budget.trials),
            "-" if budget.tau is None else f"{budget.tau:+.2f}",
            *(f"{budget.best[arm]:.4f}" if arm in budget.best else "-" for arm in arms),
        ]
        for budget in shown
    ]
    note = "tau: Kendall's, between the arms' ranking after so many trials and that of the final ones; then each arm's best"
    return Table("tuning budget and rank stability", ["trials", "tau", *arms], rows, note)


def chosen_table(study: StudyResults, cells: Cells) -> Table | None:
    """What each arm's own search has chosen, of the parameters that it could choose; None without tuning."""
    design = cells.design
    rows = {arm: next(iter(found.values())) for arm, found in cells.rows.items() if found}
    tried: dict[str, set[str]] = {}
    for row in study.trials:
        if row.phase == "tune":
            for name, value in row.params.items():
                tried.setdefault(name, set()).add(str(value))
    names = [
        name for name, values in tried.items() if len(values) > 1 and name not in design.levels and name != "epochs"
    ]
    if not design.tuned or not rows or not names:
        return None
    chosen = [
        [arm, *(short(row.params[name]) if name in row.params else "-" for name in names)] for arm, row in rows.items()
    ]
    return Table("chosen by tuning", ["arm", *names], chosen, words=("arm",))


def _steps(most: int) -> set[int]:
    """1, 2, 3, 5, 8, 12, 18, ... and the last."""
    steps, step = {most}, 1
    while step < most:
        steps.add(step)
        step = max(step + 1, round(step * 1.5))
    return steps
