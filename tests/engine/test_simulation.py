"""The simulation of benchmarks/replay.py: it spends epochs as trials do, and stops whom our rungs and Ray's stop."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from simulation import Grid, Ours, Searcher, Stock, simulate

from ablate.study.load import parse_study
from ablate.study.schema import Asha
from ablate.study.study import Objective, Study
from ablate.study.tuning import Tuning

EPOCHS = 9
STUDY = """
study: grid
data: {name: digits, protocol: closed}
space:
  backbone: {mlp: {width: [16, 32, 64, 128], depth: 1}}
  embedding_dim: [8, 16]
  loss: {contrastive: {margin: 0.8}, info_nce: {temperature: [0.05, 0.2]}}
  batch: {classes: 10, per_class: 4}
  epochs: 9
search: {trials: 24}
"""
ASHA = Asha(grace_epochs=1, reduction_factor=3)


@pytest.fixture
def study() -> Study:
    return parse_study(STUDY, "f.yaml")


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    """24 configurations: wider ones learn more and cost more."""
    rows = [
        {
            "backbone.width": width,
            "loss": "info_nce" if temperature else "contrastive",
            "loss.temperature": temperature,
            "embedding_dim": dim,
            "epoch": epoch,
            "val/recall_at_1": (width / 256 + dim / 100 + (0.05 if temperature == "0.05" else 0)) * (0.8 + epoch / 45),
            "cost/flops": width * 1000 + dim,
            "cost/train_seconds": epoch * width / 16,
        }
        for width in (16, 32, 64, 128)
        for temperature in ("", "0.05", "0.2")
        for dim in (8, 16)
        for epoch in range(1, EPOCHS + 1)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path = tmp_path / "grid.csv.gz"
    path.write_bytes(gzip.compress(text.getvalue().encode()))
    return Grid(path)


def ours(study: Study, count: int, *, algorithm: str, asha: Asha | None = ASHA, seed: int = 0, slots: int = 1) -> Ours:
    """Our search of the first `count` objectives."""
    return Ours(study, Tuning(study.space, algorithm, 24, asha, seed), both(study)[:count], slots=slots)


def both(study: Study) -> tuple[Objective, ...]:
    return (study.objective, Objective("cost/flops", "minimize"))


def test_without_stopping_every_trial_spends_all_its_epochs(study: Study, grid: Grid) -> None:
    found = simulate(ours(study, 1, algorithm="random", asha=None), grid, budget=10**6, slots=1)
    assert (found.trials, found.spent) == (24, grid.epochs) == (24, 24 * EPOCHS)
    assert [spent for spent, _ in found.complete] == list(range(EPOCHS, 24 * EPOCHS + 1, EPOCHS))


@pytest.mark.parametrize("slots", [1, 4])
@pytest.mark.parametrize("algorithm", ["random", "tpe", "nsga2"])
def test_a_search_with_rungs_tries_more_and_keeps_to_its_budget(
    study: Study, grid: Grid, algorithm: str, slots: int
) -> None:
    searcher = ours(study, 2 if algorithm == "nsga2" else 1, algorithm=algorithm, seed=1, slots=slots)
    found = simulate(searcher, grid, budget=40, slots=slots)
    assert found.spent == 40
    assert len(found.complete) < 40 // EPOCHS < found.trials


@pytest.mark.filterwarnings("ignore:Define-by-run function:UserWarning")  # Ray finds a busy machine too slow
def test_rays_pairing_runs_on_the_same_grid(study: Study, grid: Grid) -> None:
    searcher: Searcher = Stock(study.space, study.objective, asha=ASHA, seed=0)
    found = simulate(searcher, grid, budget=90, slots=4)
    assert found.spent == 90 and found.trials > 90 // EPOCHS and found.complete


def test_equal_seeds_search_equally(study: Study, grid: Grid) -> None:
    once, again = (
        simulate(ours(study, 2, algorithm="tpe", seed=3, slots=4), grid, budget=80, slots=4) for _ in range(2)
    )
    assert once == again
