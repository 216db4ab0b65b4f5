"""What trials share. Several workers divide every batch, equally: their embeddings are gathered in tensors of one shape.

Several trials share a GPU, by the memory that each architecture takes: all of them are measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from ablate.errors import Fault
from ablate.study.space import MOST_ARCHITECTURES, Space, values
from ablate.study.yaml_lines import Document


def check_shares(document: Document, workers: int, spaces: Iterable[Space], faults: list[Fault]) -> None:
    """Append a fault where a batch that a trial may have is not divisible among its workers."""
    batches = {
        (int(classes), int(per_class))
        for space in spaces
        for classes, per_class in product(values(space.batch_classes), values(space.batch_per_class))
    }
    for classes, per_class in sorted(batches):
        if classes * per_class % workers:
            what = (
                f"resources.workers: a batch of {classes} x {per_class} images is not divisible among {workers} workers"
            )
            mend = f"let space.batch.classes x space.batch.per_class be a multiple of {workers}"
            faults.append(Fault(document.where(("resources", "workers")), what, mend))
            return


def check_sharing(document: Document, gpus: float | str, spaces: Iterable[Space], faults: list[Fault]) -> None:
    """Append a fault where trials are to share GPUs by architecture, and there are more than can be measured."""
    if gpus == "auto" and any(space.architectures() is None for space in spaces):
        what = f"resources.gpus: auto measures every network, and there are more than {MOST_ARCHITECTURES}, or a range of reals"
        mend = "write a share, such as 0.25, or list fewer values of what makes the network"
        faults.append(Fault(document.where(("resources", "gpus")), what, mend))
