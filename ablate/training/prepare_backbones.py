"""Prepare the backbones of a study: fetch the weights they begin with, once, and build what could turn out not to fit.

Torch is imported only where there is something to build: a study without `pretrained` and timm starts without.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from ablate.catalogue.backbones import BACKBONES, ItemShape
from ablate.catalogue.backbones.timm_names import is_timm
from ablate.catalogue.backbones.weights import (
    ADDRESS,
    PUBLISHED,
    TRANSFORMERS,
    begins_with_weights,
    missing,
    network_of,
    weights_file,
)
from ablate.catalogue.datasets import DATASETS, item_shape
from ablate.study.configuration import Component
from ablate.study.space import Space, values
from ablate.study.study import Study

PATIENCE_SECONDS = 20.0
"""For an answer of the network: behind some firewalls none ever comes."""


def prepare_backbones(study: Study) -> None:
    """Download what weights are missing, and build every backbone that begins with weights or comes from timm.

    Raises DataError where a file cannot be had, holds something else, or where a model takes no images of this size: every
    trial with it would fail.
    """
    dataset = DATASETS[study.data.name].build(**study.data.params)
    seen: set[tuple[str, str, int]] = set()
    for space in study.spaces:
        for backbone, size in product(_foreign(space), space.image_sizes):
            key = (backbone.name, str(sorted(backbone.params.items())), size)
            if key not in seen:
                seen.add(key)
                _prepare(backbone, item_shape(dataset, size))


def _foreign(space: Space) -> Iterator[Component]:
    """Backbones of timm, and those that begin with weights, whatever their parameters."""
    for name, domains in space.slots["backbone"].items():
        if name not in TRANSFORMERS and network_of(name, {}) is None:
            continue
        # with weights, all else of a transformer is as these were trained, and such as dropout could not be listed
        told = {"pretrained": domains["pretrained"]} if name in TRANSFORMERS else domains
        for combination in product(*(values(domain) for domain in told.values())):
            params = dict(zip(told, combination, strict=True))
            if begins_with_weights(name, params) or is_timm(name):
                yield Component(name, params)


def _prepare(backbone: Component, item: ItemShape) -> None:
    if backbone.name not in TRANSFORMERS:  # transformers brings its own files, when they are read
        _bring(backbone)
    BACKBONES[backbone.name].build(item, **backbone.params)


def _bring(backbone: Component) -> None:
    pretrained = backbone.params["pretrained"]
    network = network_of(backbone.name, backbone.params)
    assert network is not None, f"{backbone.name} has no weights to begin with"
    path = weights_file(network, pretrained)
    if path is not None and not path.is_file():
        if isinstance(pretrained, str):
            raise missing(network, pretrained)
        fetch(network, path)


def fetch(network: str, path: Path) -> None:
    """Download the published weights of `network`, whole or not at all. Raises DataError where that fails."""
    from filelock import FileLock

    earlier = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / f".{network.replace(':', '-')}.lock") as lock:  # two studies may start at once
            try:
                _download(network, path)
            finally:
                Path(lock.lock_file).unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:  # no network, a folder that is read-only; a wrong digest
        raise missing(network, True, " ".join(str(error).split())) from None
    finally:
        socket.setdefaulttimeout(earlier)


def _download(network: str, path: Path) -> None:
    if is_timm(network):
        from ablate.catalogue.backbones.timm_weights import download

        download(network)
    elif not path.is_file():  # another study may have brought it meanwhile
        from torch.hub import download_url_to_file

        digest = path.stem.rsplit("-", 1)[-1]
        download_url_to_file(f"{ADDRESS}/{PUBLISHED[network]}", str(path), digest, progress=False)
