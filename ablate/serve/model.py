"""An exported model in use: uint8 pictures in, embeddings of length 1 out, whatever computes them.

Shapes: N pictures, B of a batch, S image size, C channels, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ablate.serve.description import Description, Preprocessing, read_description, weights_of

Floats = npt.NDArray[np.float32]
Run = Callable[[Floats], Floats]
"""Normalised pictures [B, C, S, S] -> embeddings [B, D]."""
BATCH = 64
"""Pictures embedded at once: memory stays small, and larger ones are not faster on a CPU."""


@dataclass(frozen=True, eq=False)
class Model:
    """A network and what it must be given."""

    description: Description
    run: Run

    def embed(self, pictures: npt.NDArray[np.uint8]) -> Floats:
        """[N, S, S, C] in bytes -> [N, D]; the dot product of two embeddings is their cosine similarity."""
        batches = (pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH))
        return np.concatenate([self.run(normalised(batch, self.description.preprocessing)) for batch in batches])


def open_model(folder: Path) -> Model:
    """The model in `folder`, ready to embed on the CPU; torch is imported only if it is not ONNX.

    Raises ModelError where the folder holds none that can be used, or where a library is missing.
    """
    description = read_description(folder)
    weights = weights_of(folder, description)
    return Model(description, _opener(description)(weights))


def normalised(pictures: npt.NDArray[np.uint8], preprocessing: Preprocessing) -> Floats:
    """[B, S, S, C] in bytes -> [B, C, S, S] as the network takes them."""
    mean, std = (np.array(each, dtype=np.float32) * 255 for each in (preprocessing.mean, preprocessing.std))
    pixels: Floats = (pictures.astype(np.float32) - mean) / std
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def _opener(description: Description) -> Callable[[Path], Run]:
    if description.kind == "onnx":
        from ablate.serve.onnx_model import open_onnx

        return open_onnx
    from ablate.serve import torch_model

    if description.kind == "torchscript":
        return torch_model.open_torchscript
    return lambda weights: torch_model.open_safetensors(weights, description)
