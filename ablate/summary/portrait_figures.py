"""Pictures of embeddings that need no images: the ROC curve of the pairs, and a sample on a plane."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablate.summary.colours import GREY, MARKERS, PALETTE
from ablate.summary.words import cut
from ablate.training.portrait import Projection, Roc, Sample

NAME_WIDTH = 24
"""Characters of a class in the legend."""


def roc_figure(roc: Roc, *, title: str) -> Figure:
    """True against false accepts, on a plain and a logarithmic scale, and both over the threshold."""
    figure = Figure(figsize=(12.5, 4.6), layout="constrained")
    plain, logarithmic, over = figure.subplots(1, 3)
    fpr, tpr = roc.at_threshold
    for axes in (plain, logarithmic):
        axes.plot(roc.fpr, roc.tpr, color=PALETTE[0], linewidth=2, label=f"AUC {roc.auc:.4f}")
        mark = f"threshold {roc.threshold:.3f}, from validation:\nTPR {tpr:.3f}, FPR {fpr:.4f}"
        axes.plot(fpr, tpr, "o", color=PALETTE[2], markersize=9, label=mark, clip_on=False)
        axes.set_xlabel("FPR: different pairs called the same")
        axes.set_ylabel("TPR: same pairs called the same")
        axes.set_ylim(-0.02, 1.02)
    plain.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1, label="chance")
    plain.set_xlim(-0.02, 1.02)
    plain.legend(loc="lower right", frameon=False, fontsize=9)
    least = 1 / max(2, round(roc.num_pairs / 2))  # one false accept
    logarithmic.set_xscale("log")
    logarithmic.set_xlim(least, 1)
    chance = np.geomspace(least, 1, 100)
    logarithmic.plot(chance, chance, "--", color=GREY, linewidth=1)
    inner = slice(1, None)  # the first threshold is infinity
    over.plot(roc.thresholds[inner], roc.tpr[inner], color=PALETTE[0], linewidth=2, label="TPR")
    over.plot(roc.thresholds[inner], roc.fpr[inner], "--", color=PALETTE[2], linewidth=2, label="FPR")
    over.axvline(roc.threshold, color=GREY, linewidth=1, linestyle=":", label="threshold from validation")
    over.set_xlabel("threshold (cosine similarity)")
    over.set_ylabel("share of pairs called the same")
    over.legend(loc="lower left", frameon=False, fontsize=9)  # both curves begin at the top; "best" is slow to be found
    for axes in (plain, logarithmic, over):
        axes.grid(alpha=0.3)
    figure.suptitle(f"{title}; {roc.num_pairs:,} pairs", fontsize=11)
    return figure


def embeddings_figure(sample: Sample, *, title: str) -> Figure:
    """The sample by each method, a colour and a mark for each class."""
    figure = Figure(figsize=(12.5, 6), layout="constrained")
    for axes, projection in zip(figure.subplots(1, len(sample.projections)), sample.projections, strict=True):
        _scatter(axes, projection, sample)
    classes = np.unique(sample.labels)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", frameon=False, title="class")
    what = f"{len(sample.labels):,} of {sample.num_items:,} items, {len(classes)} of {sample.num_classes:,} classes"
    figure.suptitle(f"{title}; {what}, drawn by seed {sample.seed}", fontsize=11)
    return figure


def _visible(name: str) -> str:
    """matplotlib leaves out of its legends what begins with "_"; a space without width before it does not show."""
    return f"\u200b{name}" if name.startswith("_") else name


def _scatter(axes: Axes, projection: Projection, sample: Sample) -> None:
    for place, label in enumerate(np.unique(sample.labels)):
        points = projection.points[sample.labels == label]
        name = cut(sample.names.get(int(label), str(label)), NAME_WIDTH)
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=22,
            color=PALETTE[place % len(PALETTE)],
            marker=MARKERS[place % len(MARKERS)],
            linewidths=0,
            alpha=0.75,
            label=_visible(name),
        )
    axes.set_title(f"{projection.method}: {projection.note}", fontsize=10)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
