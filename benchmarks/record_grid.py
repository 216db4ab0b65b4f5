"""Record the grid that benchmarks/replay.py simulates searches on: `ablate run`, then one compressed table.

Stopped and started again it goes on where it was. The table has a row per configuration and epoch: the parameters that differ,
what validation said, and what it had cost so far.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

from ablate.catalogue.datasets import DATASETS
from ablate.store import curves
from ablate.store.folder import StudyFolder
from ablate.store.read import read_folder
from ablate.study.load import load_study
from ablate.summary.words import varied

STUDY = Path(__file__).with_name("replay.yaml")
TABLE = Path(__file__).with_name("replay.csv.gz")
PER_CLASS = 600
"""Pictures: enough to tell networks apart, and few enough for 216 of them."""
NUMBERS = (
    "val/recall_at_1",
    "val/map_at_r",
    "val/auc",
    "cost/params",
    "cost/flops",
    "cost/latency_ms_p50",
    "cost/train_seconds",
)


def make_pictures(data: Path, folder: Path) -> None:
    """The first PER_CLASS pictures of each class of Fashion-MNIST's train part, as PNG files in a folder of its own."""
    from PIL import Image

    part = DATASETS["fashion_mnist"].build().decode(data, 28)["train"]
    for label in range(10):
        place = folder / "fashion" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        for number in (part.labels == label).nonzero()[0][:PER_CLASS]:
            Image.fromarray(part.images[number].squeeze()).save(place / f"{number:05d}.png")


def record(out: Path, data: Path, cpus: int) -> None:
    """Train what is not trained yet."""
    words = ["run", str(STUDY), "--out", str(out), "--data", str(data), "--cpus", str(cpus)]
    code = "from ablate.cli import main; main()"
    subprocess.run([sys.executable, "-c", code, *words], check=True)


def rows_of(folder: Path) -> list[dict[str, str]]:
    """A row per configuration and epoch, in the order of the configurations."""
    study = read_folder(folder)
    unfinished = [row.id for row in study.trials if row.state != "complete"]
    assert not unfinished, f"trials {', '.join(unfinished)} are not complete: run this again"
    names, rows = varied(study.trials), []
    for trial in sorted(study.trials, key=lambda row: [str(row.params.get(name, "")) for name in names]):
        params = {name: str(trial.params.get(name, "")) for name in names}
        for report in curves.read(StudyFolder(folder.absolute()).trial(trial.id)):
            numbers = {**trial.cost, **report}
            rows.append({**params, "epoch": str(report["epoch"]), **{name: f"{numbers[name]:.6g}" for name in NUMBERS}})
    return rows


def write(rows: list[dict[str, str]], path: Path) -> None:
    """As gzip without a time, so that equal rows are equal files."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def main() -> None:
    """Records, and says how large the table is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ABLATE_DATA"), help="folder of the data sets")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="where the study lies")
    parser.add_argument("--cpus", type=int, default=1, help="trials at once")
    given = parser.parse_args()
    if given.data is None:
        parser.error("give --data DIR or ABLATE_DATA: the folder with Fashion-MNIST")
    make_pictures(given.data, given.out / "replay-data")
    record(given.out, given.out / "replay-data", given.cpus)
    rows = rows_of(given.out / load_study(STUDY).name)
    write(rows, TABLE)
    print(f"{TABLE}: {len(rows):,} rows, {TABLE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
