"""A sound study file, to be made unsound in one place or two."""

from __future__ import annotations

import pytest

from ablate.errors import Fault, StudyError
from ablate.study.load import parse_study

TEXT = """study: faces
question: Which one?
data: {name: digits, protocol: closed}
objective: {metric: val/auc}
space:
  backbone: mlp
  embedding_dim: 16
  loss: {triplet: {margin: 0.2}}
  optimizer: {adam: {lr: 1e-4}}
  batch: {classes: 10, per_class: 4}
  epochs: 10
search: {trials: 5, stopping: {asha: {grace_epochs: 2}}}
resources: {cpus: 1}
constraints: {cost/flops: {max: 5}}
seed: 1
"""


def faults_in(text: str) -> list[Fault]:
    with pytest.raises(StudyError) as caught:
        parse_study(text, "f.yaml")
    return caught.value.faults


def edited(*edits: tuple[str, str]) -> str:
    text = TEXT
    for old, new in edits:
        assert text.count(old) == 1, f"{old} is not once in the text"
        text = text.replace(old, new)
    return text
