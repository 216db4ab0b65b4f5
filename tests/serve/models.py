"""A study on digits, really trained, its validation images as picture files, and the command line in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from typer.testing import CliRunner

from ablate.cli import app
from ablate.store.folder import StudyFolder
from ablate.store.memory import Memory
from ablate.training.data import SplitData, load_data
from ablate.training.evaluate import embed
from ablate.training.spec import TrialSpec
from ablate.training.trained import trained_network
from tests.store import studies
from tests.training.studies import spec_of

NUM_PICTURES = 40


def run(*words: object) -> str:
    """What a command prints; it must end well."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def best_spec(runs: Path) -> TrialSpec:
    """What the worker of the study's best trial was told."""
    memory = Memory(StudyFolder(runs / "made-up"), studies.study("space.epochs=2", "search.trials=4"))
    return replace(spec_of(memory, memory.asked("0000")), cpus=1)


def validation(spec: TrialSpec) -> tuple[np.ndarray, np.ndarray, float]:
    """NUM_PICTURES images of the validation split, their embeddings by the trial's own network, its threshold."""
    data = load_data(spec.data, torch.device("cpu"))
    trained = trained_network(spec, data)
    rows = data.val.rows[:NUM_PICTURES]
    some = SplitData(data.val.images, rows, torch.zeros(len(rows), dtype=torch.int64))
    embeddings = embed(trained.network, data, some).numpy()
    return data.val.images[rows].numpy(), embeddings, trained.best["val/threshold"]


def write_pictures(images: np.ndarray, folder: Path) -> list[Path]:
    """PNG files in the order of their names."""
    folder.mkdir(parents=True)
    paths = [folder / f"{number:03d}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image[..., 0]).save(path)
    return paths
