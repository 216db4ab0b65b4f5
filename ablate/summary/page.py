"""The page: a summary as one HTML file that needs no network, with charts, a table that sorts and filters, and its origin.

Template, style and scripts lie in web/. Names and notes are what users wrote: the template escapes all of it, and a policy in
the page runs and styles by nothing but our own text.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from ablate.catalogue.entries import summary_of
from ablate.store.read import StudyResults
from ablate.study.yaml_lines import as_text
from ablate.summary.page_data import number_names, page_data
from ablate.summary.pareto import Front
from ablate.summary.pareto_tables import measured
from ablate.summary.spread import spread_of
from ablate.summary.table import Report
from ablate.summary.trade_off import rows_of, trade_off
from ablate.summary.words import head, number, short, varied
from ablate.types import Scalar, TrialResult, counted

SCRIPTS = ("svg.js", "marks.js", "pareto.js", "intervals.js", "curves.js", "parallel.js", "trials.js", "start.js")
"""In the order in which they use each other."""
TITLES = {
    "pareto": "Quality against cost",
    "costs": "Costs",
    "effects": "Effects",
    "curves": "Curves",
    "parallel": "Parameters",
    "importance": "Importance",
    "trials": "Trials",
    "tables": "Tables",
    "environment": "Environment",
    "reproduce": "Reproduce",
}
"""Section -> its name among the links at the top."""
MOST_CARDS = 8
MEANT = ("data", "data_digest", "seed", "resources", "constraints", "space.epochs")
"""Of a study's meaning, what a reader needs to repeat it."""


@dataclass(frozen=True)
class Cell:
    """Of the table of trials."""

    text: str
    value: float | None = None
    """What a number is sorted by; None for words."""


def as_html(study: StudyResults, front: Front, report: Report) -> str:
    """The page."""
    data, costs = page_data(study, front, report), _cards(study, front)
    charts = {name for name in ("effects", "curves", "parallel", "importance") if data[name]}
    charts |= {"pareto"} if data["pareto"]["points"] else set()
    there = charts | {"trials", "tables", "environment", "reproduce"} | ({"costs"} if costs else set())
    css, js = _web("report.css"), _web(*SCRIPTS)
    heads, rows = _trials(study)
    page: str = _template().render(
        study=study,
        kind=_kind(study),
        answer=report.answer,
        metric=report.data.get("metric", study.objective.metric),
        sections=[(id, title) for id, title in TITLES.items() if id in there],
        shown=there,
        cards=costs,
        heads=heads,
        trials=rows,
        tables=report.tables,
        origin=_origin(study),
        file=f"{study.study}.yaml",
        command=f"ablate run {study.study}.yaml",
        yaml=_yaml(study),
        data=data,
        css=css,
        js=js,
        css_digest=_digest(css),
        js_digest=_digest(js),
        version=version("ablate"),
    )
    return page


def _template() -> Any:
    import jinja2

    loader = jinja2.PackageLoader("ablate.summary", "web")
    environment = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html")


@cache
def _web(*names: str) -> Any:
    """Our own files, one after the other, which the template does not escape."""
    import markupsafe

    folder = files("ablate.summary").joinpath("web")
    return markupsafe.Markup("\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names))


def _digest(text: str) -> str:
    """What the page's policy knows a style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _kind(study: StudyResults) -> str:
    kind = "search" if study.design is None else f"ablation, {study.design.kind.replace('_', ' ')}"
    sought = ", ".join(f"{each.goal} {each.metric}" for each in study.weighed or (study.objective,))
    return f"{kind}: {counted(len(study.trials), 'trial')}, {sought}"


def _cards(study: StudyResults, front: Front) -> list[dict[str, Any]]:
    """A card for each on the front, the best first: what it reaches, and all that it costs."""
    traded, rows = trade_off(study, front), rows_of(study)
    costs = [name for name in number_names(study) if name.startswith("cost/")]
    cards = []
    for place in traded.front[:MOST_CARDS]:
        numbers = [
            (head(name), measured(spread, name), summary_of(name))
            for name, spread in zip(traded.names, place.spreads, strict=True)
        ]
        for name in costs:
            values = [row.cost[name] for row in rows[place.name] if name in row.cost]
            if values and name not in traded.names:
                numbers.append((head(name), measured(spread_of(values, name), name), summary_of(name)))
        cards.append({"name": place.name, "label": place.label, "knee": place.name == traded.knee, "numbers": numbers})
    return cards


def _trials(study: StudyResults) -> tuple[list[dict[str, str]], list[list[Cell]]]:
    """Heads and rows of the table of all trials."""
    params, numbers = varied(study.trials), number_names(study)
    words = ("trial", "state", *(("arm", "phase") if study.design is not None else ()), "seed", "epochs")
    heads = [{"name": name, "title": name, "meaning": ""} for name in words]
    heads += [{"name": name, "title": head(name), "meaning": summary_of(name) or name} for name in numbers]
    heads += [{"name": name, "title": name, "meaning": ""} for name in (*params, "reason")]
    return heads, [_cells(row, words, numbers, params) for row in study.trials]


def _cells(row: TrialResult, words: tuple[str, ...], numbers: list[str], params: list[str]) -> list[Cell]:
    own: dict[str, Scalar] = {"trial": row.id, "state": row.state, "arm": row.arm, "phase": row.phase}
    own |= {"seed": row.seed, "epochs": row.epochs}
    known = {**row.metrics, **row.cost}
    cells = [_cell(own[word]) for word in words]
    cells += [Cell(number(row, name), known.get(name)) for name in numbers]
    cells += [_cell(row.params[name]) if name in row.params else Cell("") for name in params]
    return [*cells, Cell(row.reason or "")]


def _cell(value: Scalar) -> Cell:
    return Cell(short(value), None if isinstance(value, bool | str) else float(value))


def _origin(study: StudyResults) -> list[tuple[str, str]]:
    """What a repetition must share with this study."""
    commit = study.environment.get("git.commit", "")
    changed = " (with changes)" if study.environment.get("git.changed") == "yes" else ""
    seeds = ", ".join(map(str, study.design.seeds)) if study.design is not None else ""
    facts = [("commit", commit + changed if commit else ""), ("seeds of each arm", seeds)]
    facts += [(name, study.meaning.get(name, "")) for name in MEANT]
    return [(name, text) for name, text in facts if text and text != "{}"]


def _yaml(study: StudyResults) -> str:
    """The study file with every change of the command line in it; empty where it is not known."""
    return as_text(study.resolved) if study.resolved else ""
