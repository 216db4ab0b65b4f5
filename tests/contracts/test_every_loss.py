"""What every loss owes to the training loop: a finite scalar with a gradient that leads somewhere, whatever the batch.

Shapes: B = P x K samples, D embedding width.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ablate.catalogue.losses import CHOOSES_ITSELF, HAS_WEIGHTS, LOSSES, NEEDS_LENGTH_1, Sizes
from ablate.catalogue.registry import Entry

P, K, D = 6, 4, 8

every_loss = pytest.mark.parametrize("entry", LOSSES, ids=LOSSES.names)


def made(entry: Entry) -> nn.Module:
    """The loss, for P classes and embeddings of width D; weights of its own are the same each time."""
    torch.manual_seed(0)
    loss: nn.Module = entry.build(*((Sizes(P, D),) if entry.name in HAS_WEIGHTS else ()))
    return loss


def batch(num_classes: int = P, per_class: int = K) -> tuple[nn.Parameter, Tensor]:
    """Points [B, D] anywhere, and their classes."""
    generator = torch.Generator().manual_seed(0)
    points = nn.Parameter(torch.randn(num_classes * per_class, D, generator=generator))
    return points, torch.arange(num_classes).repeat_interleave(per_class)


@every_loss
def test_the_loss_is_a_finite_scalar_with_a_finite_gradient_for_every_sample(entry: Entry) -> None:
    points, labels = batch()
    loss = made(entry)(normalize(points, dim=1), labels, None)
    loss.backward()
    assert loss.shape == () and loss.isfinite() and loss > 0
    assert points.grad is not None and points.grad.isfinite().all()
    assert (points.grad.norm(dim=1) > 0).all()


@every_loss
def test_a_few_steps_of_training_lower_the_loss_and_bring_classes_together(entry: Entry) -> None:
    points, labels = batch()
    criterion = made(entry)
    optimizer = torch.optim.Adam([points, *criterion.parameters()], lr=0.05)
    losses = []
    for _ in range(150):
        loss = criterion(normalize(points, dim=1), labels, None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0], f"from {losses[0]:.3g} to {losses[-1]:.3g}"
    if entry.name in HAS_WEIGHTS & CHOOSES_ITSELF.keys():
        return  # these bring images to their class, in 8 dimensions not yet to each other
    similarity = normalize(points.detach(), dim=1) @ normalize(points.detach(), dim=1).T
    similarity.fill_diagonal_(-2.0)
    assert (labels[similarity.argmax(dim=1)] == labels).all(), "a nearest neighbour is still of another class"


@every_loss
@pytest.mark.parametrize(("num_classes", "per_class"), [(1, 8), (P, 1), (1, 1)], ids=["one class", "no pairs", "one"])
def test_a_batch_without_valid_tuples_gives_a_finite_loss_that_can_be_followed_back(
    entry: Entry, num_classes: int, per_class: int
) -> None:
    points, labels = batch(num_classes, per_class)
    loss = made(entry)(normalize(points, dim=1), labels, None)
    loss.backward()
    assert loss.isfinite()
    assert points.grad is None or points.grad.isfinite().all()


@every_loss
@pytest.mark.parametrize("size", [3, 4], ids=["triplets", "pairs"])
def test_an_empty_choice_of_tuples_gives_a_finite_loss(entry: Entry, size: int) -> None:
    points, labels = batch()
    nothing = tuple(torch.empty(0, dtype=torch.long) for _ in range(size))
    loss = made(entry)(normalize(points, dim=1), labels, nothing)
    assert loss.isfinite()


@every_loss
def test_embeddings_that_have_collapsed_to_a_point_do_not_make_the_gradient_nan(entry: Entry) -> None:
    points = nn.Parameter(torch.ones(P * K, D))
    loss = made(entry)(normalize(points, dim=1), batch()[1], None)
    loss.backward()
    assert loss.isfinite() and points.grad is not None and points.grad.isfinite().all()


@every_loss
def test_has_weights_names_exactly_the_losses_that_learn_something_and_say_at_which_rate(entry: Entry) -> None:
    learns = len(list(made(entry).parameters())) > 0
    assert learns == (entry.name in HAS_WEIGHTS) == ("lr" in entry.parameters)


def test_the_rules_about_losses_name_nothing_that_is_not_there() -> None:
    assert set(LOSSES.names) >= HAS_WEIGHTS | NEEDS_LENGTH_1 | CHOOSES_ITSELF.keys()


@every_loss
@pytest.mark.parametrize("size", [3, 4], ids=["triplets", "pairs"])
def test_chooses_itself_names_exactly_the_losses_to_which_it_is_all_one_what_is_paired_with_what(
    entry: Entry, size: int
) -> None:
    """Each sample is in three tuples of both choices, which differ in the partners."""
    points, labels = batch()
    anchor, values = torch.arange(P * K), []
    for step in (1, 2):
        positive = anchor // K * K + (anchor + step) % K
        tuples = (anchor, positive, (anchor + step * K) % (P * K))
        assert (labels[positive] == labels).all() and (positive != anchor).all()
        loss = made(entry)(normalize(points, dim=1), labels, tuples if size == 3 else (*tuples[:2], anchor, tuples[2]))
        values.append(float(loss.detach()))
    assert (values[0] == values[1]) == (entry.name in CHOOSES_ITSELF)
