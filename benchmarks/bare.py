"""The cost of training itself: ablate's training loop over a list of trials in one process, with nothing around it.

    python benchmarks/bare.py SPECS.json FOLDER     (the other benchmarks start it)

Prints, as JSON, for each trial `seconds` (all of it) and `train_seconds` (its steps). A first trial that is not counted pays
for what a process pays once: imports, the data, torch's compiler.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path


def main() -> None:
    """Reads the specs, trains them one after the other."""
    from ablate.training.loop import train
    from ablate.training.spec import TrialSpec

    specs = [TrialSpec.from_dict(spec) for spec in json.loads(Path(sys.argv[1]).read_text())]
    folder = Path(sys.argv[2])
    warm = replace(specs[0].configuration, epochs=1)
    train(replace(specs[0], configuration=warm, folder=str(folder / "warm")), lambda report: None)
    rows = []
    for number, spec in enumerate(specs):
        reports: list[dict[str, float]] = []
        begin = time.perf_counter()
        train(replace(spec, folder=str(folder / str(number))), reports.append)
        rows.append({"seconds": time.perf_counter() - begin, "train_seconds": reports[-1]["cost/train_seconds"]})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
