"""The loop: a trial that was interrupted ends as if it had not been; one that fails says why before it reports."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.catalogue.augmentations import AUGMENTATIONS
from ablate.catalogue.costs import COSTS
from ablate.catalogue.optimizers import OPTIMIZERS
from ablate.catalogue.schedules import SCHEDULES
from ablate.study.configuration import Component
from ablate.training import checkpoint, evaluate, loop
from ablate.training.build import Parts
from ablate.training.data import SplitData, TrialData
from ablate.training.failures import Diverged, Infeasible
from ablate.training.loop import train
from ablate.training.spec import TrialSpec
from ablate.training.tuples import Tuples, choose_tuples
from ablate.types import Scalar
from tests.training.trials import CNN, DIGITS, trial, untimed

EPOCHS = 4
PARAMS: dict[str, dict[str, Scalar]] = {
    "constant": {"warmup": 1.5},
    "cosine": {"warmup": 0.5},
    "plateau": {"patience": 0, "factor": 0.5},
    "step": {"every": 2},
}
"""So that each schedule moves the rate within EPOCHS."""


class Stopped(Exception):
    """What a listener raises to end a trial."""


def reports_of(spec: TrialSpec, *, stop_at: int | None = None) -> list[dict[str, float]]:
    """What `train` reports; the listener ends the trial at epoch `stop_at`."""
    reports: list[dict[str, float]] = []

    def listen(report: dict[str, float]) -> None:
        if report["epoch"] == stop_at:
            raise Stopped
        reports.append(report)

    try:
        train(spec, listen)
    except Stopped:
        assert stop_at is not None
    return reports


def saved(folder: str) -> dict[str, Any]:
    """All that a checkpoint holds except times, flat enough to compare."""
    found = checkpoint.load(Path(folder))
    assert found is not None
    progress = {name: value for name, value in asdict(found.progress).items() if name in ("epoch", "best")}
    state = found.state["optimizer"]["state"]
    moments = {f"{number}.{name}": tensor for number, kept in state.items() for name, tensor in kept.items()}
    schedule = {name: value for name, value in found.state["schedule"].items() if not name.startswith("_")}
    groups = found.state["optimizer"]["param_groups"]
    return {"progress": progress, "schedule": schedule, "groups": groups} | {
        "tensors": {**found.weights, **{f"best.{n}": t for n, t in found.best_weights.items()}, **moments}
    }


@pytest.mark.parametrize(
    ("optimizer", "schedule", "sampler", "augmentation"),
    [
        *product(OPTIMIZERS.names, SCHEDULES.names, ["random"], ["none"]),
        ("adam", "constant", "distance_weighted", "none"),  # draws from torch's global generator
        *product(["adam"], ["constant"], ["random"], [name for name in AUGMENTATIONS.names if name != "none"]),
    ],
)
def test_a_resumed_trial_equals_an_uninterrupted_one_bit_for_bit(
    tmp_path: Path, optimizer: str, schedule: str, sampler: str, augmentation: str
) -> None:
    params = PARAMS.get(schedule, {})
    spec = replace(
        trial(
            tmp_path / "whole",
            backbone=CNN,
            sampler=Component(sampler),
            optimizer=Component(optimizer, {"momentum": 0.9} if optimizer == "rmsprop" else {}),
            schedule=Component(schedule, params),
            augmentation=Component(augmentation),
            epochs=EPOCHS,
        ),
        checkpoint_seconds=0.0,
    )
    whole = reports_of(spec)
    pieces = replace(spec, folder=str(tmp_path / "pieces"))
    assert len(reports_of(pieces, stop_at=2)) == 1
    torch.rand(11)  # whatever happens in between
    assert [report["epoch"] for report in reports_of(pieces, stop_at=4)] == [2, 3]
    (last,) = reports_of(pieces)
    assert untimed(last) == untimed(whole[-1])
    before, after = saved(spec.folder), saved(pieces.folder)
    tensors, resumed = before.pop("tensors"), after.pop("tensors")
    assert before == after
    assert tensors.keys() == resumed.keys()
    assert any("running_var" in name for name in tensors)
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in tensors.items())


def test_a_finished_trial_trains_no_further_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    reports_of(trial(tmp_path))
    assert reports_of(trial(tmp_path)) == []
    assert saved(str(tmp_path))["progress"]["epoch"] == 1


def test_more_epochs_continue_a_finished_trial_as_if_they_had_been_asked_for(tmp_path: Path) -> None:
    reports_of(trial(tmp_path / "grown", epochs=1))
    (grown,) = reports_of(trial(tmp_path / "grown", epochs=2))
    assert untimed(grown) == untimed(reports_of(trial(tmp_path / "whole", epochs=2))[-1])


def test_checkpoints_between_epochs_are_no_more_frequent_than_the_spec_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []
    monkeypatch.setattr(checkpoint, "save", lambda folder, saved: epochs.append(saved.progress.epoch))
    reports_of(replace(trial(tmp_path, epochs=3), checkpoint_seconds=0.0))
    reports_of(replace(trial(tmp_path, epochs=3), checkpoint_seconds=60.0))
    assert epochs == [1, 2, 3, 3]


def test_the_best_epoch_and_its_weights_are_kept(tmp_path: Path) -> None:
    spec = trial(tmp_path, optimizer=Component("sgd", {"lr": 2.0}), epochs=4)  # 2: up and down
    for goal, best in (("maximize", max), ("minimize", min)):
        reports = reports_of(replace(spec, goal=goal, folder=str(tmp_path / goal)))
        values = [report["val/map_at_r"] for report in reports]
        expected = values.index(best(values)) + 1
        kept = saved(str(tmp_path / goal))
        assert kept["progress"]["best"]["epoch"] == reports[-1]["best/epoch"] == expected
        assert kept["progress"]["best"]["val/map_at_r"] == best(values)
        same = all(torch.equal(kept["tensors"][f"network.{n}"], kept["tensors"][f"best.{n}"]) for n in ["head.weight"])
        assert same == (expected == 4)


@pytest.mark.parametrize(
    ("sampler", "normalize"),
    [*product(["random", "hard", "semi_hard"], [True, False]), ("distance_weighted", True)],
)
def test_a_loss_that_is_no_number_ends_the_trial_before_it_reports(
    tmp_path: Path, sampler: str, normalize: bool
) -> None:
    wild = Component("sgd", {"lr": 1e30})
    spec = trial(tmp_path, optimizer=wild, sampler=Component(sampler), normalize=normalize)
    reports: list[dict[str, float]] = []
    with pytest.raises(Diverged, match=r"(became nan|not finite) in epoch 1; a smaller learning rate may help"):
        train(spec, reports.append)
    assert reports == []
    assert not tmp_path.exists() or list(tmp_path.iterdir()) == []


def test_a_component_that_fails_on_sound_embeddings_is_not_called_diverged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug of the miner")

    monkeypatch.setattr(loop, "choose_tuples", broken)
    with pytest.raises(RuntimeError, match="a bug of the miner"):
        train(trial(tmp_path), lambda report: None)


def test_a_constraint_that_is_broken_before_training_ends_the_trial_before_an_epoch(tmp_path: Path) -> None:
    params = reports_of(trial(tmp_path / "free"))[0]["cost/params"]
    allowed = replace(trial(tmp_path / "allowed"), constraints={"cost/params": (params, params)})
    assert len(reports_of(allowed)) == 1
    for bounds, text in (((None, params - 1), "allows at most"), ((params + 1, None), "asks for at least")):
        with pytest.raises(Infeasible, match=rf"cost/params is .*{text}"):
            train(replace(allowed, constraints={"cost/params": bounds}), lambda report: None)
    slow = replace(allowed, constraints={"cost/latency_ms_p50": (None, 1.0)}, known_costs={"cost/latency_ms_p50": 2.0})
    with pytest.raises(Infeasible, match="cost/latency_ms_p50 is 2, the study allows at most 1"):
        train(slow, lambda report: None)


@pytest.mark.parametrize(("name", "high"), [("cost/train_seconds", 1e-6), ("cost/peak_host_mib", 1.0)])
def test_a_trial_that_has_spent_too_much_ends_after_the_epoch_that_shows_it(
    tmp_path: Path, name: str, high: float
) -> None:
    reports: list[dict[str, int | float]] = []
    spec = replace(trial(tmp_path, epochs=3), constraints={name: (None, high)})
    with pytest.raises(Infeasible, match=rf"{name} is .*the study allows at most {high:g}"):
        train(spec, reports.append)
    assert [report["epoch"] for report in reports] == [1]


def test_a_limit_on_what_cannot_be_measured_here_is_not_taken_for_kept(tmp_path: Path) -> None:
    reports: list[dict[str, int | float]] = []
    timed = replace(trial(tmp_path / "timed"), constraints={"cost/latency_int8_ms_p50": (None, 1e9)})
    with pytest.raises(Infeasible, match="cost/latency_int8_ms_p50, which the study limits, cannot be measured here"):
        train(timed, reports.append)
    assert reports == [], "that is known before it trains"
    trained = replace(trial(tmp_path / "trained", epochs=3), constraints={"cost/gpu_energy_joules": (None, 1e9)})
    with pytest.raises(Infeasible, match="cost/gpu_energy_joules, which the study limits, cannot be measured here"):
        train(trained, reports.append)
    assert [report["epoch"] for report in reports] == [1]


def test_what_may_still_rise_or_fall_ends_no_trial_early(tmp_path: Path) -> None:
    constraints = {"cost/train_seconds": (1e9, None), "cost/samples_per_second": (1e12, None)}
    spec = replace(trial(tmp_path, epochs=2), constraints=constraints)
    assert len(reports_of(spec)) == 2


def test_every_cost_that_a_trial_reports_is_in_the_catalogue(tmp_path: Path) -> None:
    costs = {name for name in reports_of(trial(tmp_path))[0] if name.startswith("cost/")}
    assert costs <= set(COSTS)
    assert {name for name, cost in COSTS.items() if cost.known == "counted"} <= costs
    assert {"cost/gpu_seconds", "cost/samples_per_second", "cost/data_share", "cost/peak_host_mib"} <= costs
    assert "cost/usd" not in costs, "nobody has said what an hour costs"


@pytest.mark.parametrize("asked", [True, False])
def test_the_test_split_is_read_once_after_the_last_epoch_also_by_a_trial_that_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    seen: list[str] = []

    def watched_evaluate(network: Any, data: TrialData, split: SplitData, **more: Any) -> Any:
        seen.append("test" if split is data.test else "val")
        return evaluate.evaluate(network, data, split, **more)

    def watched_read(*words: Any, **more: Any) -> Any:
        seen.append("test")
        return evaluate.read_test(*words, **more)

    monkeypatch.setattr(loop, "evaluate", watched_evaluate)
    monkeypatch.setattr(loop, "read_test", watched_read)
    spec = replace(trial(tmp_path, epochs=3), read_test=asked, checkpoint_seconds=0.0)
    reports = [*reports_of(spec, stop_at=2), *reports_of(spec)]
    assert [report["epoch"] for report in reports] == [1, 2, 3]
    assert seen == ["val"] * 4 + ["test"] * asked, "the second epoch was interrupted, and is judged again"
    assert ["test/recall_at_1" in report for report in reports] == [False, False, asked]


def test_the_schedule_moves_the_rate_after_each_epoch(tmp_path: Path) -> None:
    schedule = Component("step", {"every": 1, "factor": 0.5})
    spec = trial(tmp_path, optimizer=Component("adam", {"lr": 0.008}), schedule=schedule, epochs=3)
    assert [report["train/lr"] for report in reports_of(spec)] == pytest.approx([0.008, 0.004, 0.002])


def test_pairs_are_formed_anew_in_each_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the images that a batch joins; random, and chosen by a miner."""
    real, batches = TrialData.batch, list[list[int]]()

    def watch(data: TrialData, split: SplitData, indices: torch.Tensor) -> torch.Tensor:
        if split is data.train:
            batches.append(indices.tolist())
        return real(data, split, indices)

    formed: list[set[tuple[int, int]]] = []

    def note(parts: Parts, embeddings: torch.Tensor, labels: torch.Tensor, spared: None) -> Tuples | None:
        tuples, batch = choose_tuples(parts, embeddings, labels), batches[-1]
        if tuples is None:
            pairs = {
                (a, b) for i, a in enumerate(batch) for j, b in enumerate(batch) if labels[i] == labels[j] and i != j
            }
        else:
            pairs = {(batch[a], batch[p]) for a, p in zip(tuples[0].tolist(), tuples[1].tolist(), strict=True)}
        formed.append(pairs)
        return tuples

    monkeypatch.setattr(TrialData, "batch", watch)
    monkeypatch.setattr(loop, "choose_tuples", note)
    for sampler in ("random", "hard", "easy_positive"):
        formed.clear()
        still = Component("sgd", {"lr": 1e-12})  # what a miner prefers stays as it is
        reports_of(trial(tmp_path / sampler, sampler=Component(sampler), optimizer=still, epochs=2))
        steps = len(formed) // 2
        first, second = set[tuple[int, int]]().union(*formed[:steps]), set[tuple[int, int]]().union(*formed[steps:])
        assert len(first) > 500
        assert len(first & second) < 0.5 * len(first), sampler


def test_another_loss_or_backbone_sees_the_same_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []
    real = TrialData.batch

    def watch(data: TrialData, split: SplitData, indices: torch.Tensor) -> torch.Tensor:
        if split is data.train:
            seen[-1].extend(indices.tolist())
        return real(data, split, indices)

    monkeypatch.setattr(TrialData, "batch", watch)
    others: list[dict[str, Component]] = [
        {},
        {"loss": Component("info_nce")},
        {"sampler": Component("distance_weighted")},
        {"backbone": CNN},
        {"augmentation": Component("erasing")},
    ]
    for number, choices in enumerate(others):
        seen.append([])
        reports_of(trial(tmp_path / str(number), epochs=2, **choices))
    assert len(seen) == len(others)
    assert len(seen[0]) > 1000
    assert all(order == seen[0] for order in seen)


def test_learning_beats_an_untrained_network_on_new_images_of_known_classes(tmp_path: Path) -> None:
    closed = replace(DIGITS, protocol="closed")
    spec = replace(trial(tmp_path / "trained", loss=Component("info_nce"), epochs=4), data=closed)
    still = trial(tmp_path / "still", loss=Component("info_nce"), optimizer=Component("sgd", {"lr": 1e-12}))
    trained, untrained = reports_of(spec)[-1], reports_of(replace(still, data=closed))[-1]
    assert trained["train/loss"] < 0.8 * untrained["train/loss"]
    assert trained["val/map_at_r"] > untrained["val/map_at_r"] + 0.1


@pytest.mark.parametrize("sampler", ["random", "hard", "semi_hard"])
def test_a_network_that_trains_without_normalisation_is_judged_by_cosine_similarity(
    tmp_path: Path, sampler: str
) -> None:
    spec = trial(tmp_path, loss=Component("triplet"), sampler=Component(sampler), normalize=False, epochs=3)
    reports = reports_of(spec)
    assert all(-1 <= report["val/threshold"] <= 1 + 1e-6 for report in reports)
    raw, unit = reports[0], reports_of(replace(trial(tmp_path / "unit", loss=Component("triplet"))))[0]
    assert raw["train/loss"] != unit["train/loss"]
