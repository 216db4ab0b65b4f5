"""model.json: which network an exported model is, what a picture must become before it sees it, and where it is from.

A model is a folder: model.json, its weights (model.safetensors, model.onnx or model.pt) and README.md, its card.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ablate.errors import ModelError
from ablate.study.configuration import VIEWS
from ablate.study.strict import Strict
from ablate.types import Scalar

FORMAT = 3
"""Of model.json; a reader refuses a later one."""
FILE = "model.json"
CARD = "README.md"
WEIGHTS = {"safetensors": "model.safetensors", "onnx": "model.onnx", "torchscript": "model.pt"}
"""Kind of model -> file of its weights."""


@dataclass(frozen=True)
class Errors:
    """How often a threshold errs."""

    split: str
    """test, or val: the very pairs that the threshold was chosen on, which flatter."""
    fpr: float
    """Share of different pairs that it calls the same."""
    fnr: float
    """Share of same pairs that it calls different."""

    def __str__(self) -> str:
        whose = "the test's pairs" if self.split == "test" else "validation's pairs, which chose the threshold,"
        fpr, fnr = (f"{100 * rate:.3g} %" for rate in (self.fpr, self.fnr))
        return f"of {whose} {fpr} of the different are called the same, {fnr} of the same are called different"


class Network(Strict):
    """What computes the embedding, in 32-bit floats."""

    backbone: str
    params: dict[str, Scalar]
    """Of the backbone; weights that it began with are not named: its own are in the model."""
    embedding_dim: int = Field(ge=1)
    """D, width of the embedding of one view."""
    views: Literal["one", "mirror", "turns"] = "one"
    """Of a picture, whose embeddings stand side by side: format 1 knew one."""

    @property
    def width(self) -> int:
        """Numbers of a whole embedding."""
        return self.embedding_dim * VIEWS[self.views]


class Preprocessing(Strict):
    """From a picture file to what the network takes: (value / 255 - mean) / std, of each channel."""

    image_size: int = Field(ge=1)
    """Height and width in pixels, of the middle square of a picture."""
    centre: float = Field(default=1.0, gt=0, le=1)
    """Share of height and width that is kept around the middle first: format 2 knew none."""
    channels: Literal[1, 3]
    """1: colour becomes luma; 3: grey is spread over all three."""
    mean: list[float]
    """Of the training split, one of each channel, black being 0 and white 1."""
    std: list[float]
    inverted: bool
    """Whether black and white are exchanged first."""


class Origin(Strict):
    """Where the model comes from."""

    study: str
    trial: str
    dataset: str
    protocol: str
    epoch: int
    """Whose weights these are: the best on validation."""
    metrics: dict[str, float]
    """`val/...` of that epoch; `test/...` where the study has read the test split."""
    cost: dict[str, float]
    """`cost/...`."""


class Description(Strict):
    """All of model.json."""

    format: int
    ablate: str
    """Version that exported it."""
    kind: Literal["safetensors", "onnx", "torchscript"]
    sha256: str
    """Of the file of weights."""
    network: Network
    preprocessing: Preprocessing
    threshold: float
    """Cosine similarity from which two pictures are called the same; chosen on validation pairs."""
    origin: Origin

    @property
    def errors(self) -> Errors | None:
        """How often the threshold errs: on the test's pairs, else on validation's; None where the study did not count it.

        A test in folds (LFW's View 2) has thresholds of its own, so that its errors are not those of this one.
        """
        metrics = self.origin.metrics
        for split in ("test", "val"):
            counted = f"{split}/fpr" in metrics and f"{split}/fnr" in metrics
            if counted and metrics.get(f"{split}/threshold") == self.threshold:
                return Errors(split, metrics[f"{split}/fpr"], metrics[f"{split}/fnr"])
        return None

    @property
    def distance_threshold(self) -> float:
        """The same as a distance of embeddings, which have length 1."""
        return math.sqrt(max(0.0, 2 - 2 * self.threshold))


def read_description(folder: Path) -> Description:
    """What `folder` holds. Raises ModelError where that is no model, a later one, or a damaged one."""
    path = folder / FILE
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        why = f"holds no {FILE}" if folder.is_dir() else "is a file" if folder.exists() else "is not there"
        raise ModelError(f"{folder} is no exported model: it {why}\n  {_EXPORT}") from None
    except ValueError as error:
        raise ModelError(f"{path} is no JSON ({error})\n  {_AGAIN}") from None
    version = content.get("format") if isinstance(content, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise ModelError(
            f"{path} has format {version}, and this version of ablate reads up to {FORMAT}\n"
            "  update ablate, or export the model with this version"
        )
    try:
        return Description.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "all of it"
        raise ModelError(f"{path} describes no model: {place}: {first['msg'].lower()}\n  {_AGAIN}") from None


def weights_of(folder: Path, description: Description) -> Path:
    """The file of weights, whole. Raises ModelError."""
    path = folder / WEIGHTS[description.kind]
    try:
        found = digest_of(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({(error.strerror or str(error)).lower()})\n  {_AGAIN}") from None
    if found != description.sha256:
        raise ModelError(f"{path} is not the file that {FILE} tells of: it was changed, or cut off\n  {_AGAIN}")
    return path


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_EXPORT = "make one: ablate export STUDY --format safetensors --output FOLDER"
_AGAIN = "export or copy the model again"
