"""Episodes, triplet order and the official runs, as a trial reports them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ablate.catalogue.datasets.omniglot_runs import OmniglotRuns
from ablate.metrics.one_shot import one_shot_accuracy, sample_episodes
from ablate.training.closing import read_test
from ablate.training.data import SplitData, TrialData, load_data
from ablate.training.evaluate import embed, evaluate
from ablate.training.loop import train
from ablate.training.network import SiameseNetwork, build_network
from ablate.training.official_runs import official_notes, open_official_runs
from ablate.training.one_shot import NUM_QUERIES, episode_metrics, official_metrics
from ablate.training.prepare import open_data, prepare_data
from ablate.training.spec import DataSpec
from tests.catalogue.datasets.test_omniglot_runs import draw_runs, zipped
from tests.study.test_one_shot import study
from tests.training.trials import CNN, DIGITS, trial

EPISODES = replace(DIGITS, protocol="one_shot", ways=2, shots=3)
OMNIGLOT = replace(EPISODES, name="omniglot", image_size=28)


@pytest.fixture
def data() -> TrialData:
    return load_data(EPISODES, torch.device("cpu"))


@pytest.fixture
def network(data: TrialData) -> SiameseNetwork:
    torch.manual_seed(0)
    return build_network(CNN, 8, data.shape)


def judged(network: SiameseNetwork, data: TrialData, *, seed: int = 0) -> dict[str, float]:
    return evaluate(network, data, data.val, protocol="one_shot", seed=seed)


def test_episodes_of_the_protocol_are_many_enough_and_judge_the_whole_split(
    data: TrialData, network: SiameseNetwork
) -> None:
    accuracy = judged(network, data)["one_shot_accuracy"]
    embeddings = embed(network, data, data.val)
    others = [sample_episodes(data.val.labels, ways=2, shots=3, num_episodes=NUM_QUERIES // 2, seed=s) for s in (7, 8)]
    # two draws of 20,000 queries differ by their standard error, 0.35 points at worst
    for episodes in others:
        assert accuracy == pytest.approx(one_shot_accuracy(embeddings, episodes), abs=0.02)
    assert 0.5 < accuracy < 1


def test_every_epoch_is_judged_by_the_same_episodes_and_another_seed_by_others(
    data: TrialData, network: SiameseNetwork
) -> None:
    first = judged(network, data)
    again = judged(network, load_data(EPISODES, torch.device("cpu")))
    assert first == again
    other = judged(network, data, seed=1)
    for name in ("one_shot_accuracy", "triplet_accuracy"):
        assert other[name] != first[name]


def test_a_network_that_gives_every_image_the_same_embedding_scores_chance(
    data: TrialData, network: SiameseNetwork
) -> None:
    nn.init.zeros_(network.head.weight)
    metrics = judged(network, data)
    assert metrics["one_shot_accuracy"] == pytest.approx(1 / 2, abs=1e-12)
    assert metrics["triplet_accuracy"] == 0.5


def test_other_protocols_have_no_episodes(network: SiameseNetwork) -> None:
    retrieval = load_data(DIGITS, torch.device("cpu"))
    metrics = evaluate(network, retrieval, retrieval.val, protocol="retrieval", seed=0)
    assert "one_shot_accuracy" not in metrics and 0.5 < metrics["triplet_accuracy"] < 1
    assert episode_metrics(embed(network, retrieval, retrieval.val), retrieval.val, retrieval.episodes, 0) == {}


def test_a_trial_reports_episodes_and_its_test_has_them_too(tmp_path: Path) -> None:
    spec = replace(trial(tmp_path), data=EPISODES, metric="val/one_shot_accuracy", read_test=True)
    reports: list[dict[str, float]] = []
    train(spec, reports.append)
    assert reports[-1]["val/one_shot_accuracy"] > 0.5 and reports[-1]["test/one_shot_accuracy"] > 0.5
    assert read_test(spec)["test/one_shot_accuracy"] == reports[-1]["test/one_shot_accuracy"]
    assert "test/official_accuracy" not in reports[-1]


def drawn(root: Path) -> DataSpec:
    """Omniglot's official runs, drawn by lines; its other files are not there."""
    draw_runs(root)
    return replace(OMNIGLOT, root=str(root))


def test_embeddings_that_know_the_classes_score_one_and_constant_ones_a_twentieth(
    tmp_path: Path, data: TrialData
) -> None:
    spec = drawn(tmp_path)
    assert official_metrics(data, spec, lambda split: torch.eye(400)[split.labels]) == {"official_accuracy": 1.0}
    assert official_metrics(data, spec, lambda split: torch.ones(800, 3))["official_accuracy"] == pytest.approx(1 / 20)
    # each class takes the place of the next one of its run: all are wrong
    next_one = torch.arange(400).view(20, 20).roll(1, dims=1).flatten()

    def shifted(split: SplitData) -> Tensor:
        return torch.cat([torch.eye(400)[next_one], torch.eye(400)])

    assert official_metrics(data, spec, shifted) == {"official_accuracy": 0.0}


def test_a_label_tells_which_example_is_of_the_items_character(tmp_path: Path, data: TrialData) -> None:
    """The drawn labels run backwards: item n is of class 21 - n, and looks like class n."""
    found = official_metrics(data, drawn(tmp_path), lambda split: split.images.flatten(1).float())
    assert found == {"official_accuracy": 0.0}


def test_nearest_pixels_of_the_real_runs_score_as_published(data: TrialData) -> None:
    root = Path(os.environ.get("ABLATE_DATA", "/nonexistent"))
    if OmniglotRuns().missing(root) is not None:
        pytest.skip("set ABLATE_DATA to a folder with Omniglot's all_runs.zip")
    spec = replace(OMNIGLOT, root=str(root), image_size=105)
    found = official_metrics(data, spec, lambda split: split.images.flatten(1).float())["official_accuracy"]
    parts = OmniglotRuns().decode(root, 105)
    examples, items = (parts[part].images.reshape(20, 20, -1) / 255.0 for part in ("support", "query"))
    right = 0
    for run in range(20):
        for number in range(20):
            ink = items[run, number]
            cosines = [float(ink @ e / np.sqrt(ink.sum() * e.sum())) for e in examples[run]]
            right += cosines.index(max(cosines)) == number
    assert found == pytest.approx(right / 400, abs=1e-9)
    assert found == pytest.approx(0.217, abs=0.001), "1-nearest neighbour of Koch et al. 2015, table 2"


def test_a_trial_reads_the_official_runs_once_with_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits stand for Omniglot's other images; the runs are drawn."""
    monkeypatch.setattr("ablate.training.official_runs.RUNS", {"digits": OmniglotRuns})
    draw_runs(tmp_path)
    spec = replace(trial(tmp_path / "trial"), data=replace(EPISODES, root=str(tmp_path)), read_test=True)
    reports: list[dict[str, float]] = []
    train(replace(spec, configuration=replace(spec.configuration, epochs=2)), reports.append)
    assert ["test/official_accuracy" in report for report in reports] == [False, True]
    assert 0 <= reports[-1]["test/official_accuracy"] <= 1
    assert "val/official_accuracy" not in reports[-1]


def test_without_the_file_the_figure_is_left_out_and_the_note_says_where_it_belongs(
    tmp_path: Path, data: TrialData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", no_network)
    spec = replace(OMNIGLOT, root=str(tmp_path))
    assert open_official_runs(spec, download=True) is None
    assert official_metrics(data, spec, lambda split: torch.ones(800, 3)) == {}
    (note,) = official_notes(spec)
    assert f"put the official all_runs.zip at {tmp_path}/omniglot-py/all_runs.zip" in note
    assert list(tmp_path.iterdir()) == [], "a download that fails leaves nothing behind"


def test_the_file_is_downloaded_where_that_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    source = draw_runs(tmp_path / "source")
    runs = zipped(source)

    def download(url: str, root: Path, filename: str, md5: str) -> None:
        asked.append((url, md5))
        root.mkdir(parents=True, exist_ok=True)
        shutil.copy(source.with_suffix(".zip"), root / filename)

    monkeypatch.setattr("ablate.training.official_runs.RUNS", {"omniglot": lambda: runs})
    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    spec = replace(OMNIGLOT, root=str(tmp_path / "data"))
    found = open_official_runs(spec, download=True)
    assert found is not None and len(found.parts["query"].images) == 400
    ((url, md5),) = asked
    assert url.endswith("brendenlake/omniglot/master/python/one-shot-classification/all_runs.zip")
    assert md5 == "e8996daecdf12afeeb4a53a179f06b19", "that of the original"
    assert official_notes(spec) == []


def test_only_protocol_one_shot_of_omniglot_has_official_runs(tmp_path: Path) -> None:
    spec = drawn(tmp_path)
    assert open_official_runs(spec) is not None
    for other in (replace(spec, protocol="retrieval"), replace(spec, name="digits")):
        assert open_official_runs(other) is None and official_notes(other) == []


def test_the_digest_of_a_study_covers_the_official_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablate.training.official_runs.RUNS", {"digits": OmniglotRuns})
    read = study("{name: digits, protocol: one_shot, ways: 2}")
    monkeypatch.setattr("torchvision.datasets.utils.download_url", lambda *_: None)
    without = prepare_data(read, tmp_path)[1]
    folder = draw_runs(tmp_path)
    spec, first = prepare_data(read, tmp_path)
    shutil.copy(folder / "run01/test/item01.png", folder / "run01/test/item02.png")
    second = prepare_data(read, tmp_path)[1]
    assert len({without, first, second}) == 3 and {len(d) for d in (without, first, second)} == {33}
    assert prepare_data(read, tmp_path)[1] == second
    assert open_data(spec)[1].digest in without


def test_no_trial_asks_the_network_for_what_the_driver_did_not_get(tmp_path: Path, data: TrialData) -> None:
    spec = replace(OMNIGLOT, root=str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torchvision.datasets.utils.download_url", lambda *_: pytest.fail("a trial downloads"))
        assert official_metrics(data, spec, lambda split: torch.ones(800, 3)) == {}
