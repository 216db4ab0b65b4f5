"""The pictures of a trial as PNG files: its curves, and what its best weights make of a split."""

from __future__ import annotations

from matplotlib.figure import Figure

from ablate.store import curves
from ablate.store.folder import StudyFolder
from ablate.store.read import StudyResults
from ablate.summary.curve_figures import trial_curves
from ablate.summary.image_figures import neighbours_figure, pairs_figure
from ablate.summary.png import png
from ablate.summary.portrait_figures import embeddings_figure, roc_figure
from ablate.summary.title_figures import title_neighbours_figure, title_pairs_figure
from ablate.summary.words import cut
from ablate.training.portrait import Portrait

SPLITS = {"val": "validation", "test": "test"}
NAME_WIDTH = 110
"""Characters that fit the narrowest picture."""


def trial_figures(study: StudyResults, id: str, portrait: Portrait | None) -> dict[str, bytes]:
    """File name -> PNG; without a portrait the curves alone, and of those without a report nothing."""
    assert study.folder is not None, "curves lie in the study's folder"
    row = next(row for row in study.trials if row.id == id)
    name = cut(f"{study.study}, trial {id} ({row.arm})", NAME_WIDTH)
    reports = curves.read(StudyFolder(study.folder).trial(id))
    drawn: dict[str, Figure] = {}
    if reports:
        drawn["curves.png"] = trial_curves(reports, metric=study.objective.metric, title=name)
    if portrait is not None:
        drawn |= _portrait_figures(portrait, name)
    return {file: png(figure) for file, figure in drawn.items()}


def _portrait_figures(portrait: Portrait, name: str) -> dict[str, Figure]:
    title = f"{name}\n{SPLITS[portrait.split]} split of {portrait.dataset}, epoch {portrait.epoch}"
    drawn = {}
    if portrait.roc is not None:
        drawn["roc.png"] = roc_figure(portrait.roc, title=title)
        if portrait.pairs:
            pairs = title_pairs_figure if portrait.pairs[0].first is None else pairs_figure
            drawn["pairs.png"] = pairs(portrait.pairs, threshold=portrait.roc.threshold, title=title)
    if portrait.sample is not None:
        drawn["embeddings.png"] = embeddings_figure(portrait.sample, title=title)
    if portrait.neighbours is not None:
        nearest = title_neighbours_figure if portrait.neighbours.queries is None else neighbours_figure
        drawn["nearest.png"] = nearest(portrait.neighbours, title=title)
    return drawn
