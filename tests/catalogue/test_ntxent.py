"""The fast NT-Xent against pytorch-metric-learning's own."""

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss
from pytorch_metric_learning.miners import TripletMarginMiner

from ablate.catalogue.ntxent import LinearNTXentLoss


def batch(num_classes: int, per_class: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(num_classes)
    embeddings = torch.randn(num_classes * per_class, 16, generator=generator)
    return torch.nn.functional.normalize(embeddings, dim=1), torch.arange(num_classes).repeat_interleave(per_class)


@pytest.mark.parametrize(("num_classes", "per_class"), [(2, 2), (5, 4), (8, 3), (3, 1), (1, 4)])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_loss_and_gradient_equal_the_librarys(num_classes: int, per_class: int, temperature: float) -> None:
    embeddings, labels = batch(num_classes, per_class)
    ours, theirs = (embeddings.clone().requires_grad_() for _ in range(2))
    fast = LinearNTXentLoss(temperature=temperature)(ours, labels)
    slow = NTXentLoss(temperature=temperature)(theirs, labels)
    fast.backward()
    slow.backward()
    torch.testing.assert_close(fast, slow)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-4)


def test_an_anchor_whose_negatives_were_not_mined_adds_no_loss_and_no_nan() -> None:
    embeddings, labels = batch(4, 3)
    embeddings.requires_grad_()
    positives_only_of_0 = (torch.tensor([0, 3]), torch.tensor([1, 4]), torch.tensor([3]), torch.tensor([0]))
    loss = LinearNTXentLoss(temperature=0.1)(embeddings, labels, positives_only_of_0)
    loss.backward()
    torch.testing.assert_close(loss, NTXentLoss(temperature=0.1)(embeddings, labels, positives_only_of_0))
    assert embeddings.grad is not None and embeddings.grad.isfinite().all()


def test_mined_triplets_give_the_librarys_loss() -> None:
    embeddings, labels = batch(6, 4)
    triplets = TripletMarginMiner(margin=0.2)(embeddings, labels)
    torch.testing.assert_close(
        LinearNTXentLoss(temperature=0.1)(embeddings, labels, triplets),
        NTXentLoss(temperature=0.1)(embeddings, labels, triplets),
    )
