"""Several workers divide every batch among them, equally: their embeddings are gathered in tensors of one shape."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from ablate.errors import Fault
from ablate.study.space import Space, values
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
