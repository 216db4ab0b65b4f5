"""A configuration: every choice of one trial made, as the training path reads it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ablate.types import Scalar

SLOTS = ("backbone", "loss", "sampler", "optimizer", "schedule", "augmentation")
"""The parts of a Siamese network's training that the catalogue fills; in YAML, keys of `space`."""

PRECISIONS = ("auto", "fp32", "bf16")
"""What layers compute in; auto: bf16 on a GPU, fp32 on a CPU. Weights, losses and embeddings are fp32 in any case."""

VIEWS = {"one": 1, "mirror": 2, "turns": 8}
"""How an image is embedded when judged and served -> passes through the network: as it is, with its mirror image, or in all
quarter turns of both. Training sees one."""

OFF: dict[str, Scalar] = {"clip_norm": 0.0, "schedule.warmup": 0.0, "precision": "auto", "views": "one"}
"""Knobs that came after the first studies, at the value that does nothing: the same choice as not to have them."""


@dataclass(frozen=True)
class Component:
    """A name of the catalogue and the parameters to build it with."""

    name: str
    params: Mapping[str, Scalar] = field(default_factory=dict)


class Architecture(NamedTuple):
    """What makes a network, and what it costs to run it."""

    backbone: Component
    embedding_dim: int
    image_size: int
    """0 where items are no images."""
    precision: str = "auto"
    views: str = "one"

    @property
    def name(self) -> str:
        """For people and as a key: `mlp width=128 image_size=28 dim=16`."""
        params = (f"{name}={value}" for name, value in self.backbone.params.items())
        pixels = [f"image_size={self.image_size}"] if self.image_size else []
        precision = [self.precision] if self.precision != OFF["precision"] else []
        views = [f"views={self.views}"] if self.views != OFF["views"] else []
        return " ".join([self.backbone.name, *params, *pixels, f"dim={self.embedding_dim}", *precision, *views])


@dataclass(frozen=True)
class Configuration:
    """One point of a study's space."""

    backbone: Component
    loss: Component
    sampler: Component
    optimizer: Component
    schedule: Component
    augmentation: Component
    embedding_dim: int
    """D, width of the embedding of one view."""
    batch_classes: int
    """P, classes in a batch."""
    batch_per_class: int
    """K, images of each class in a batch."""
    epochs: int
    """Passes over the training split."""
    normalize: bool
    """Whether embeddings are scaled to length 1 while training; they are compared by cosine similarity in any case."""
    image_size: int
    """Height and width in pixels; 0 where items are no images, and then it is not shown."""
    clip_norm: float = 0.0
    """Most that the norm of the gradient may be, of the network's weights and of the loss's own; 0: as it is."""
    precision: str = "auto"
    """One of PRECISIONS."""
    views: str = "one"
    """One of VIEWS; of images alone, and not shown where items are none."""

    @property
    def params(self) -> dict[str, Scalar]:
        """Flat, under the names that MLflow and the summary show: {"loss": "triplet", "loss.margin": 0.2}."""
        flat: dict[str, Scalar] = {}
        for slot in SLOTS:
            component: Component = getattr(self, slot)
            flat[slot] = component.name
            flat |= {f"{slot}.{name}": value for name, value in component.params.items()}
        return flat | {
            "embedding_dim": self.embedding_dim,
            "batch.classes": self.batch_classes,
            "batch.per_class": self.batch_per_class,
            "epochs": self.epochs,
            "normalize": self.normalize,
            **({"image_size": self.image_size} if self.image_size else {}),
            "clip_norm": self.clip_norm,
            "precision": self.precision,
            **({"views": self.views} if self.image_size else {}),
        }

    @property
    def architecture(self) -> str:
        """Trials with the same architecture have networks that cost the same: `mlp width=128 image_size=28 dim=16`."""
        return Architecture(self.backbone, self.embedding_dim, self.image_size, self.precision, self.views).name

    @property
    def digest(self) -> str:
        """Twelve hex digits that are equal for equal choices. How long they are trained is not a choice of the trial."""
        choices = {name: value for name, value in self.params.items() if name != "epochs" and OFF.get(name) != value}
        return hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, for JSON; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Configuration:
        """The configuration that `to_dict` wrote."""
        components = {slot: Component(**data[slot]) for slot in SLOTS}
        return cls(**{**data, **components})
