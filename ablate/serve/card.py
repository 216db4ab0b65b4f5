"""The card of a model, README.md in its folder: what it is for, what it was trained on, how good it is, what it costs.

Source: Mitchell et al. 2019, "Model cards for model reporting" (arXiv:1810.03993).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ablate.catalogue.backbones import BACKBONES
from ablate.catalogue.costs import COSTS
from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.metrics import METRICS, OFFICIAL
from ablate.serve.description import WEIGHTS, Description
from ablate.types import Scalar


@dataclass(frozen=True)
class Source:
    """What a study tells of the trial that is exported."""

    study: str
    question: str
    data_params: Mapping[str, Scalar]
    """Of the data set."""
    params: Mapping[str, Scalar]
    """The trial's configuration under dotted names."""
    seed: int
    metrics: Mapping[str, float]
    """`val/...` of the best epoch, `test/...` where the test split was read."""
    cost: Mapping[str, float]
    """`cost/...`."""
    measured: str
    """Where costs were measured, in words."""


def card(description: Description, source: Source, difference: float) -> str:
    """The card as Markdown; `difference` is the largest that the check of the exported network found."""
    origin = description.origin
    parts = [
        f"# {source.study}, trial {origin.trial}",
        _what(description),
        "## How to use it",
        _use(description, difference),
        "## What it is for",
        _purpose(description),
        "## What it was trained on",
        _training(description, source),
        "## How good it is",
        _figures(description),
        "## What it costs",
        _costs(source),
        "## How it was trained",
        _table(["parameter", "value"], [[name, str(value)] for name, value in source.params.items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _what(description: Description) -> str:
    network, size = description.network, description.preprocessing.image_size
    return (
        f"A Siamese network: {network.backbone} makes of a {_colour(description)} picture of {size}x{size} pixels a vector of "
        f"{network.width} numbers and of length 1; the nearer two vectors, the more alike the pictures. Exported by "
        f"ablate {description.ablate} from the study `{description.origin.study}`, the weights of epoch "
        f"{description.origin.epoch}, which was the best on validation."
    )


def _use(description: Description, difference: float) -> str:
    before = description.preprocessing
    mean, std = (", ".join(f"{value:.6g}" for value in each) for each in (before.mean, before.std))
    inverted = " Black and white are then exchanged." if before.inverted else ""
    kept = (
        ""
        if before.centre == 1
        else f"the middle {100 * before.centre:.3g} % of height and width are kept, and of these "
    )
    commands = ["verify FOLDER a.png b.png", "embed FOLDER pictures/ --output embeddings.parquet"]
    return "\n\n".join(
        [
            "```\n" + "\n".join(f"ablate {command}" for command in commands) + "\n```",
            f"Elsewhere: `{WEIGHTS[description.kind]}` takes batches [B, {before.channels}, {before.image_size}, "
            f"{before.image_size}] of 32-bit floats. Of a picture {kept}the middle square is scaled to {before.image_size} "
            f"pixels (bilinear, wider when shrinking); {_channel_rule(before.channels)}; transparent parts lie on "
            f"white.{inverted} Then `(value / 255 - mean) / std` with mean {mean} and std {std}.",
            f"Two pictures are called the same from a cosine similarity of {description.threshold:.4f} (a distance up to "
            f"{description.distance_threshold:.4f}): the threshold that judged most validation pairs rightly.",
            f"The exported network was compared with the trained one on validation images, in 32-bit floats: the numbers of "
            f"an embedding differ by up to {difference:.1g}.",
        ]
    )


def _purpose(description: Description) -> str:
    name = description.origin.dataset
    return (
        f"To tell whether two pictures show the same thing, and to find pictures alike, among pictures like those of `{name}`, "
        "cut and lit in the same way. The figures below hold for such pictures only: on others, measure before you rely on it, "
        "and choose the threshold anew. It was not made to decide about people; where pictures show some, ask what a wrong "
        "match would do to them."
    )


def _training(description: Description, source: Source) -> str:
    name, protocol = description.origin.dataset, description.origin.protocol
    dataset = DATASETS[name]
    params = "".join(f", {key}: {value}" for key, value in source.data_params.items())
    classes = (
        "training, validation and test have the same classes, and no picture in common"
        if protocol == "closed"
        else "no class is in two of training, validation and test"
    )
    return _table(
        ["", ""],
        [
            ["question", source.question],
            ["data set", f"{name}{params}: {dataset.summary}"],
            ["source and terms", dataset.source],
            ["protocol", f"{protocol}: {classes}"],
            ["seed", str(source.seed)],
            ["backbone", BACKBONES[description.network.backbone].source],
        ],
    )


def _figures(description: Description) -> str:
    metrics = description.origin.metrics
    names = dict.fromkeys(name.partition("/")[2] for name in metrics if not name.endswith("/threshold"))
    rows = []
    for name in names:
        of_splits = [metrics.get(f"{split}/{name}") for split in ("val", "test")]
        known = METRICS.get(name) or OFFICIAL.get(name)
        values = ["-" if value is None else f"{value:.4f}" for value in of_splits]
        rows.append([name, *values, known.summary if known else ""])
    test = any(name.startswith("test/") for name in metrics)
    note = (
        "Validation chose the epoch, and perhaps the configuration: its figures flatter. The test did neither."
        if test
        else "The study has not read the test split for this trial. Validation chose the epoch, and perhaps the configuration: "
        "its figures flatter."
    )
    return _table(["metric", "validation", "test", "meaning"], rows) + "\n\n" + note


def _costs(source: Source) -> str:
    rows = [
        [name, f"{source.cost[name]:,.6g}", cost.summary]
        for name, cost in COSTS.items()
        if math.isfinite(source.cost.get(name, math.nan))
    ]
    return _table(["cost", "value", "meaning"], rows) + f"\n\nMeasured {source.measured}."


def _colour(description: Description) -> str:
    return "grey" if description.preprocessing.channels == 1 else "colour"


def _channel_rule(channels: int) -> str:
    return "colour becomes luma" if channels == 1 else "grey is spread over the three channels"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "/") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
