"""What trials share: workers the batch, trials a GPU by what each network takes of it."""

from __future__ import annotations

from ablate.study.load import parse_study
from tests.study.sound import faults_in

TEXT = """study: shares
data: {name: digits}
space:
  backbone: {mlp: {width: [16, 32]}}
  loss: triplet
  batch: {classes: 4}
resources: {gpus: auto}
"""


def test_the_share_of_a_gpu_is_a_whole_one_until_it_is_measured() -> None:
    study = parse_study(TEXT, "s.yaml")
    assert study.resources.gpu_share == 1.0
    assert study.meaning["resources"] == "1 CPU, a share of a GPU"
    assert study.resources.with_share(0.25).workers_per_gpu == 4


def test_networks_that_cannot_be_listed_cannot_be_measured_either() -> None:
    (fault,) = faults_in(TEXT.replace("[16, 32]", "{int: [16, 900]}"))
    assert fault.where == "f.yaml:7" and "auto measures every network" in fault.what
    assert "write a share, such as 0.25" in fault.mend
    arms = (
        "ablation: {design: one_at_a_time, factors: {embedding_dim: [8, 16]}, baseline: {embedding_dim: 8}, seeds: 2}\n"
    )
    parse_study(TEXT.replace("[16, 32]", "16") + arms, "a.yaml")
