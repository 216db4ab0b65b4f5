"""Export a trial's network: written beside its place, opened again, compared with the network on real images, renamed.

Shapes: N images compared.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch

from ablate.catalogue.backbones import ImageShape
from ablate.catalogue.datasets import DATASETS, INVERTED, holds_books
from ablate.errors import ModelError
from ablate.serve.card import Source, card
from ablate.serve.description import CARD, FILE, FORMAT, WEIGHTS, Description, digest_of
from ablate.serve.model import Model, open_model
from ablate.serve.weights import check_kind, write_weights
from ablate.study.configuration import Component
from ablate.training.closing import measure_architectures
from ablate.training.data import SplitData, TrialData, load_data
from ablate.training.evaluate import embed
from ablate.training.fresh import fresh_start
from ablate.training.network import SiameseNetwork
from ablate.training.prepare import open_data
from ablate.training.spec import TrialSpec
from ablate.training.trained import Trained, trained_network
from ablate.types import counted

TOLERANCE = 1e-4
"""Most that one number of an embedding, which has length 1, may differ."""
COMPARED = 300
"""Validation images: batches of 64, and a last one of another size."""


@dataclass(frozen=True)
class Exported:
    """What the check found."""

    num_images: int
    difference: float
    """The largest of any number of an embedding."""


def export(spec: TrialSpec, source: Source, *, kind: str, folder: Path) -> Exported:
    """Write the network of a trial's best epoch into `folder`, which is made: there is a model that was checked, or nothing.

    It computes in 32-bit floats, whatever it was trained in. Raises ModelError where `folder` is taken, where items are no
    images, or where the exported network embeds otherwise; StoreError where weights are missing.
    """
    check_kind(kind)
    _check_free(folder)
    if holds_books(DATASETS[spec.data.name]):
        raise ModelError(
            f"the items of {spec.data.name} are books, not pictures\n"
            "  a book becomes numbers by its data set's vocabulary and means, which a model does not hold: name another study"
        )
    device = fresh_start(seed=spec.seed, cpus=spec.cpus, gpus=0.0)
    data = load_data(spec.data, device)
    served = replace(spec, configuration=replace(spec.configuration, backbone=_alone(spec), precision="fp32"))
    trained = trained_network(served, data)
    source = _with_latency(spec, source)
    partial = _beside(folder)
    try:
        partial.chmod(0o755)  # mkdtemp's is the owner's alone
        weights = partial / WEIGHTS[kind]
        example = data.batch(data.val, torch.arange(2)).contiguous()
        write_weights(trained.network, example, weights, kind=kind)
        description = _describe(served, trained, data, source, kind=kind, sha256=digest_of(weights))
        (partial / FILE).write_text(description.model_dump_json(indent=1) + "\n", encoding="utf-8")
        exported = compare(open_model(partial), trained.network, data)
        (partial / CARD).write_text(card(description, source, exported.difference), encoding="utf-8")
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # there only where something was refused
    return exported


def compare(model: Model, network: SiameseNetwork, data: TrialData) -> Exported:
    """Embed validation images by both, in batches and the first alone. Raises ModelError where they differ."""
    rows = data.val.rows[torch.linspace(0, len(data.val.rows) - 1, min(COMPARED, len(data.val.rows))).long()]
    some = SplitData(data.val.images, rows, torch.zeros(len(rows), dtype=torch.int64))
    wanted = embed(network, data, some).numpy()
    images = data.val.images[rows].numpy()
    found = np.concatenate([model.embed(images), model.embed(images[:1])])
    difference = float(np.abs(found - np.concatenate([wanted, wanted[:1]])).max())
    if not difference <= TOLERANCE:  # also where it is NaN
        raise ModelError(
            f"the {model.description.kind} model embeds otherwise than the network: by up to {difference:.2g} in "
            f"{len(rows)} validation images, {TOLERANCE:g} may be\n"
            "  nothing was written; export it in another format"
        )
    return Exported(len(rows), difference)


def _beside(folder: Path) -> Path:
    """A new folder next to `folder`, to be renamed."""
    try:
        return Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ModelError(
            f"--output {folder} cannot be written ({why})\n  name a folder that you may write to"
        ) from None


def _check_free(folder: Path) -> None:
    if folder.exists():
        raise ModelError(f"--output {folder} is there already\n  name a folder that is not, or delete this one")
    if not folder.parent.is_dir():
        raise ModelError(f"--output {folder}: {folder.parent} is no folder\n  make it first, or name another")


def _alone(spec: TrialSpec) -> Component:
    """The backbone, without the file of weights that it began with: its own replace them."""
    backbone = spec.configuration.backbone
    return Component(backbone.name, {name: value for name, value in backbone.params.items() if name != "pretrained"})


def _with_latency(spec: TrialSpec, source: Source) -> Source:
    """What the study knows, with the latency, measured here where the study ended without."""
    if any(name.startswith("cost/latency") for name in source.cost):
        return source
    name, configuration = spec.configuration.architecture, spec.configuration
    latency = measure_architectures({name: configuration}, replace(spec, gpus=0.0))[name]
    where = f"{source.measured}; latency at export, on {counted(spec.cpus, 'CPU')}, beside what else ran there"
    return replace(source, cost={**source.cost, **latency}, measured=where)


def _describe(
    spec: TrialSpec, trained: Trained, data: TrialData, source: Source, *, kind: str, sha256: str
) -> Description:
    assert isinstance(data.shape, ImageShape), "books were refused"
    backbone, mean, std = spec.configuration.backbone, -data.shift / data.scale / 255, 1 / data.scale / 255
    return Description.model_validate(
        {
            "format": FORMAT,
            "ablate": version("ablate"),
            "kind": kind,
            "sha256": sha256,
            "network": {
                "backbone": backbone.name,
                "params": dict(backbone.params),
                "embedding_dim": spec.configuration.embedding_dim,
                "views": spec.configuration.views,
            },
            "preprocessing": {
                "image_size": data.shape.size,
                "centre": open_data(spec.data)[0].parts["train"].centre,
                "channels": data.shape.channels,
                "mean": mean.tolist(),
                "std": std.tolist(),
                "inverted": spec.data.name in INVERTED,
            },
            "threshold": trained.best["val/threshold"],  # every protocol has one: pairs are drawn where none are given
            "origin": {
                "study": source.study,
                "trial": spec.id,
                "dataset": spec.data.name,
                "protocol": spec.data.protocol,
                "epoch": int(trained.best["epoch"]),
                "metrics": {name: value for name, value in source.metrics.items() if math.isfinite(value)},
                "cost": {name: value for name, value in source.cost.items() if math.isfinite(value)},
            },
        }
    )
