"""The archive of finished trials: what was trained once with this code, data, configuration and seed is not trained again.

Files: <out>/.finished/<key>/{source.json, metrics.jsonl, checkpoint-*}, hard links to those of the study that trained it: they
take no room beside it and outlive it. The folder may be deleted at any time: trials are then trained again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ablate
from ablate.catalogue.backbones.weights import rests_on
from ablate.store.asked import Asked
from ablate.store.folder import StudyFolder, write_whole
from ablate.study.study import Study

TRAINING_PATH = ("catalogue", "cost", "metrics", "study/configuration.py", "study/splits.py", "training")
"""Sources below `ablate/` that a trial's numbers depend on; a change in any of them, a comment too, starts anew."""
LIBRARIES = ("numpy", "pillow", "pytorch-metric-learning", "tokenizers", "torch", "torchvision", "transformers")
"""Those that they depend on, too."""


@dataclass(frozen=True)
class Archive:
    """Finished trials below `root`."""

    root: Path
    context: str
    """What a trial's numbers depend on beside its configuration, its seed and the code: data, objective, resources, as text."""

    def keep(self, asked: Asked, folder: Path, source: str) -> None:
        """Remember a complete trial, whose files are in `folder`; `source` says to people which it is."""
        place = self._place(asked)
        if place.exists():
            return
        partial = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
        shutil.copytree(folder, partial, copy_function=_link)
        write_whole(partial / "source.json", json.dumps({"source": source}))
        try:
            partial.rename(place)
        except OSError:  # another study finished the same trial meanwhile
            shutil.rmtree(partial)

    def restore(self, asked: Asked, folder: Path) -> str | None:
        """Put the files of an equal trial into `folder` and say which trial it was; None where there is none."""
        place = self._place(asked)
        try:
            source = str(json.loads((place / "source.json").read_text())["source"])
        except (OSError, ValueError, KeyError):
            return None  # nobody has trained it, or what is kept of it is damaged
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place, folder, copy_function=_link, ignore=shutil.ignore_patterns("source.json"))
        return source

    def _place(self, asked: Asked) -> Path:
        backbone = asked.configuration.backbone
        facts = {
            "code": code_version(),
            "backbone": rests_on(backbone.name, backbone.params),
            "context": self.context,
            "configuration": asked.configuration.to_dict(),
            "seed": asked.seed,
            "tested": asked.phase == "final",  # only these have read the test split
        }
        return self.root / hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def archive_beside(folder: StudyFolder, study: Study, *, data: Mapping[str, Any], digest: str) -> Archive:
    """What the studies beside `folder` have finished, as far as its numbers could be those of `study`.

    `data` are the fields of its data specification, `digest` tells images and split.
    """
    facts = {name: value for name, value in data.items() if name not in ("root", "seed", "image_size")}
    held = study.resources
    workers = [held.workers] if held.workers > 1 else []
    resources = [held.cpus, held.gpus, study.usd_per_hour, *workers]
    objective = [study.objective.metric, study.objective.goal]
    limits = study.meaning["constraints"]  # a trial that was complete without them may break them
    described = context(data=facts, digest=digest, objective=objective, resources=resources, constraints=limits)
    return Archive(folder.path.parent / ".finished", described)


def context(**facts: Any) -> str:
    """What else the numbers of a study's trials depend on, in a stable order."""
    return json.dumps(facts, sort_keys=True)


@lru_cache(maxsize=1)
def code_version() -> str:
    """Of the sources that train a trial and judge it, and of the libraries below them: 16 hex digits."""
    package = Path(str(ablate.__file__)).parent
    digest = hashlib.sha256("".join(f"{name} {version(name)}\n" for name in LIBRARIES).encode())
    for part in TRAINING_PATH:
        place = package / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _link(source: str, target: str) -> str:
    """A second name for the same file; a copy where the file system has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
