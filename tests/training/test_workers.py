"""Workers: several processes learn what one does from the same global batch, with real process groups (gloo, on the CPU)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ablate.study.configuration import Component
from ablate.training import checkpoint
from ablate.training.data import load_data
from ablate.training.evaluate import embed
from ablate.training.global_batch_norm import GlobalBatchNorm, _synchronised, make_global
from ablate.training.loop import parts_of, train
from ablate.training.spec import TrialSpec
from ablate.training.workers import ALONE, Draws, Workers
from tests.training.group import together
from tests.training.trials import CNN, TIMED, trial

pytestmark = pytest.mark.slow

EPOCHS = 3
MLP = Component("mlp", {"width": 16, "depth": 1, "batch_norm": False})
"""Without batch norm: the biases before one have no gradient but rounding, which Adam makes steps of, seen in evaluation."""
TRIALS: dict[str, dict[str, Any]] = {
    "contrastive on an mlp": {"backbone": MLP},
    "triplets by distance, batch norm": {
        "backbone": CNN,
        "loss": Component("triplet"),
        "sampler": Component("distance_weighted"),  # which draws at random
    },
    "a loss with weights, augmented": {
        "backbone": CNN,
        "loss": Component("proxy_anchor"),
        "augmentation": Component("affine"),
        "clip_norm": 0.5,
    },
    "info_nce, semi-hard, plateau": {
        "backbone": MLP,
        "loss": Component("info_nce"),
        "sampler": Component("semi_hard"),
        "schedule": Component("plateau", {"patience": 0, "factor": 0.5}),
    },
}


def spec_of(name: str, folder: Path) -> TrialSpec:
    return trial(folder / name.replace(" ", "-"), epochs=EPOCHS, **TRIALS[name])


def curve(spec: TrialSpec, workers: Workers = ALONE) -> list[dict[str, float]]:
    reports: list[dict[str, float]] = []
    train(spec, reports.append, workers)
    return reports


class Stopped(Exception):
    """What a listener raises to end a trial."""


def halves(spec: TrialSpec, workers: Workers) -> list[dict[str, float]]:
    """The curve of a trial that is stopped by its listener at the second epoch, and then continued."""
    first: list[dict[str, float]] = []

    def listen(report: dict[str, float]) -> None:
        if report["epoch"] == 2:
            raise Stopped
        first.append(report)

    with pytest.raises(Stopped):
        train(spec, listen, workers)
    return first + curve(spec, workers)


def work(workers: Workers, folder: Path) -> dict[str, Any]:
    """All that the tests look at, in one process group: starting one takes seconds."""
    found: dict[str, Any] = {name: curve(spec_of(name, folder), workers) for name in TRIALS}
    whole = replace(spec_of("contrastive on an mlp", folder / "whole"), checkpoint_seconds=0.0)
    broken = replace(spec_of("contrastive on an mlp", folder / "broken"), checkpoint_seconds=0.0)
    found["uninterrupted"], found["continued"] = curve(whole, workers), halves(broken, workers)
    data = load_data(whole.data, torch.device("cpu"))
    network = parts_of(replace(whole, seed=5), data).network
    torch.manual_seed(0)
    for parameter in network.parameters():
        parameter.data.normal_()
    odd = replace(data.val, rows=data.val.rows[:361], labels=data.val.labels[:361])
    found["odd"] = embed(network, data, odd, workers), embed(network, data, odd)
    few = replace(data.val, rows=data.val.rows[:1], labels=data.val.labels[:1])
    found["few"] = embed(network, data, few, workers), embed(network, data, few)
    found["norm"] = normed(workers)
    draws = Draws(workers, seed=1, epoch=1)
    own = torch.rand(4)
    with draws.together():
        common = torch.rand(4)
    found["draws"] = own, torch.rand(4), common
    found["reduced"] = workers.largest(workers.rank), workers.total(1.5), workers.total([None, 1.0][workers.rank])
    found["agreed"] = workers.agree({"epoch": 3 + workers.rank, "x": 0.1 * workers.rank})
    return found


def normed(workers: Workers) -> tuple[torch.Tensor, ...]:
    """Output, gradients and statistics of a batch norm over 4 x 3 x 5 numbers of which each worker has its share."""
    torch.manual_seed(0)
    network, values = nn.Sequential(nn.BatchNorm1d(3)), torch.randn(4, 3, 5) * 3 + 1
    wanted = torch.randn(4, 3, 5)
    called = workers.prepared(network)
    own = values[workers.share(4)].requires_grad_()
    out = called(own)
    loss = ((workers.gather(out.flatten(1)) - wanted.flatten(1)) ** 2).sum()
    torch.autograd.backward([loss])
    norm, gradients = network[0], [parameter.grad for parameter in network.parameters()]
    return out.detach(), own.grad, *gradients, norm.running_mean, norm.running_var, norm.num_batches_tracked


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two workers found."""
    return together(work, tmp_path_factory.mktemp("two"), size=2)


@pytest.mark.parametrize("name", TRIALS)
def test_two_workers_learn_what_one_learns(name: str, two: list[dict[str, Any]], tmp_path: Path) -> None:
    """Issue: the same loss curve within 1e-4, in fp32."""
    alone = curve(spec_of(name, tmp_path))
    for mine, theirs in zip(alone, two[0][name], strict=True):
        assert theirs["train/loss"] == pytest.approx(mine["train/loss"], abs=1e-4)
        assert theirs["val/auc"] == pytest.approx(mine["val/auc"], abs=2e-4)
    assert alone[0]["train/loss"] != pytest.approx(alone[-1]["train/loss"], abs=1e-3), "nothing was learned"


@pytest.mark.parametrize("name", TRIALS)
def test_all_workers_report_the_same(name: str, two: list[dict[str, Any]]) -> None:
    assert two[0][name] == two[1][name]


def test_a_trial_of_workers_goes_on_where_it_stopped(two: list[dict[str, Any]]) -> None:
    whole, continued = ([untimed(report) for report in two[0][key]] for key in ("uninterrupted", "continued"))
    assert [report["epoch"] for report in continued] == [1, 2, 3]
    assert continued == whole


def untimed(report: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in report.items() if not name.startswith(TIMED)}


def test_every_item_is_embedded_once_and_in_order(two: list[dict[str, Any]]) -> None:
    for found in two:
        for key in ("odd", "few"):
            shared, alone = found[key]
            torch.testing.assert_close(shared, alone)


def test_batch_norm_is_that_of_the_whole_batch(two: list[dict[str, Any]]) -> None:
    out, by_input, *rest = normed(ALONE)
    shares = [found["norm"] for found in two]
    torch.testing.assert_close(torch.cat([share[0] for share in shares]), out)
    # of W times the loss: DistributedDataParallel takes the mean over workers of what belongs to the parameters only
    torch.testing.assert_close(torch.cat([share[1] for share in shares]) / 2, by_input)
    for share in shares:
        for mine, theirs in zip(rest, share[2:], strict=True):
            torch.testing.assert_close(theirs, mine)


def test_a_network_keeps_its_weights_when_its_batch_norms_become_global() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()))
    images, before = torch.randn(2, 1, 4, 4), dict(network.named_parameters())
    wanted = network.eval()(images)
    make_global(network)
    assert sum(isinstance(part, GlobalBatchNorm) for part in network.modules()) == 1
    assert all(parameter is before[name] for name, parameter in network.named_parameters())
    torch.testing.assert_close(network(images), wanted)


@pytest.mark.parametrize("layer", ["BatchNormAct2d", "PReLU"])
@pytest.mark.parametrize("convert", [make_global, lambda network: setattr(network, "0", _synchronised(network[0]))])
def test_a_batch_norm_that_ends_in_an_activation_keeps_it(layer: str, convert: Callable[[nn.Module], None]) -> None:
    """timm's; torch's own conversion, which GPUs take, leaves the activation out."""
    norm_act = pytest.importorskip("timm.layers.norm_act", reason="the extra ablate[timm] is not installed")
    norm = norm_act.BatchNormAct2d(2, act_layer=nn.PReLU if layer == "PReLU" else nn.ReLU, inplace=False)
    norm.running_var.fill_(0.3)
    network = nn.Sequential(norm).eval()
    images, before = torch.randn(2, 2, 4, 4), set(network.state_dict())
    wanted = network(images)
    convert(network)
    assert type(network[0]) is not type(norm) and set(network.state_dict()) == before
    torch.testing.assert_close(network(images), wanted)


def test_a_batch_norm_of_which_nothing_is_known_is_refused_by_its_name() -> None:
    class OtherNorm(nn.BatchNorm2d):
        """Does who knows what afterwards."""

    with pytest.raises(ValueError, match=r"(?s)OtherNorm cannot be shared by workers.*resources.workers: 1"):
        make_global(nn.Sequential(OtherNorm(2)))


def test_only_what_is_drawn_together_is_equal(two: list[dict[str, Any]]) -> None:
    (own, later, common), (own_1, later_1, common_1) = (found["draws"] for found in two)
    assert torch.equal(common, common_1)
    assert not torch.equal(own, own_1) and not torch.equal(later, later_1)


def test_numbers_of_all_workers(two: list[dict[str, Any]]) -> None:
    for found in two:
        assert found["reduced"] == (1, 3.0, None)
        assert found["agreed"] == {"epoch": 3, "x": 0.0}
        assert isinstance(found["agreed"]["epoch"], int)


def test_only_the_first_worker_writes_checkpoints(tmp_path: Path) -> None:
    spec = trial(tmp_path / "0000", epochs=1)
    data = load_data(spec.data, torch.device("cpu"))
    from ablate.training.loop import Trial

    second = Trial(spec, data, parts_of(spec, data), {}, 0.0)
    second.workers = Workers(rank=1)
    second.progress.epoch = 1
    second.save_if_due()
    assert checkpoint.load(Path(spec.folder)) is None
