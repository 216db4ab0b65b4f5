"""Models in ONNX: run by onnxruntime, without torch. Needs the extra `ablate[onnx]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablate.errors import ModelError

if TYPE_CHECKING:
    from ablate.serve.model import Floats, Run

INPUT, OUTPUT = "images", "embeddings"
"""What the model calls what it takes and gives."""
INSTALL = "pip install 'ablate[onnx]'"


def open_onnx(weights: Path) -> Run:
    """The model in a file, on the CPU. Raises ModelError where onnxruntime is not installed."""
    try:
        import onnxruntime
    except ImportError:
        raise ModelError(f"{weights}: onnxruntime, which runs it, is not installed\n  {INSTALL}") from None
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])

    def run(images: Floats) -> Floats:
        embeddings: Floats = session.run([OUTPUT], {INPUT: images})[0]
        return embeddings

    return run
