"""What every backbone of books owes to the network: features [B, F] of rows [B, W], of token ids, numbers and categories."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ablate.catalogue.backbones import BACKBONES, BookShape, takes_books
from ablate.catalogue.registry import Entry
from ablate.cost.examples import examples
from ablate.cost.flops import count_flops

BOOK = BookShape(tokens=12, vocabulary=50, numbers=3, categories=(4, 7))
SHAPES = [BOOK, BookShape(tokens=4, vocabulary=300, numbers=1, categories=(2,))]
OF_BOOKS = [entry for entry in BACKBONES if takes_books(entry)]
every_backbone = pytest.mark.parametrize("entry", OF_BOOKS, ids=[entry.name for entry in OF_BOOKS])
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=["12 tokens", "4 tokens"])


def books(shape: BookShape, num: int = 4) -> Tensor:
    torch.manual_seed(0)
    rows = examples(shape, num, torch.device("cpu"))
    rows[1, shape.tokens // 2 : shape.tokens] = 0  # a short text
    return rows


def test_the_four_are_there() -> None:
    assert {"metadata_mlp", "text_cnn", "distilbert", "hybrid"} <= {entry.name for entry in OF_BOOKS}


@every_backbone
@every_shape
def test_features_have_the_width_that_the_backbone_says(entry: Entry, shape: BookShape) -> None:
    module, num_features = entry.build(shape)
    for training in (True, False):
        with torch.no_grad():
            features = module.train(training)(books(shape))
        assert features.shape == (4, num_features) and features.isfinite().all()


@every_backbone
@every_shape
def test_flops_are_counted_without_computing_anything(entry: Entry, shape: BookShape) -> None:
    with torch.device("meta"):
        module = entry.build(shape).module
    assert count_flops(module, shape) > 0


@every_backbone
def test_every_weight_learns(entry: Entry) -> None:
    module, _ = entry.build(BOOK)
    module(books(BOOK)).square().sum().backward()
    still = [name for name, weight in module.named_parameters() if weight.grad is None]
    assert still == [], "these weights touch no feature: they would count as cost and never learn"


@every_backbone
def test_in_eval_a_book_has_the_same_features_whatever_is_beside_it(entry: Entry) -> None:
    module, _ = entry.build(BOOK)
    rows = books(BOOK)
    with torch.no_grad():
        together, alone = module.eval()(rows), module(rows[1:2])
    torch.testing.assert_close(together[1:2], alone, atol=1e-5, rtol=1e-4)


@every_backbone
def test_the_same_seed_gives_the_same_weights(entry: Entry) -> None:
    weights = []
    for _ in range(2):
        torch.manual_seed(3)
        weights.append(entry.build(BOOK).module.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@every_backbone
def test_features_depend_on_the_part_of_the_row_that_the_backbone_reads_and_on_no_other(entry: Entry) -> None:
    module = entry.build(BOOK).module.eval()
    row = books(BOOK)[:1]
    moved = {"text": row.clone(), "numbers": row.clone(), "categories": row.clone()}
    moved["text"][0, 0] = 1 + row[0, 0] % 49
    moved["numbers"][0, BOOK.tokens] += 1
    moved["categories"][0, -1] = (row[0, -1] + 1) % 7
    with torch.no_grad():
        changed = {part for part, other in moved.items() if not torch.equal(module(row), module(other))}
    reads = {"text_cnn": {"text"}, "distilbert": {"text"}, "metadata_mlp": {"numbers", "categories"}}
    assert changed == reads.get(entry.name, {"text", "numbers", "categories"})


def test_examples_are_books_that_a_data_set_could_hold() -> None:
    rows = examples(BOOK, 1000, torch.device("cpu"))
    tokens, categories = rows[:, : BOOK.tokens], rows[:, BOOK.tokens + BOOK.numbers :]
    assert rows.shape == (1000, BOOK.width) and rows.dtype == torch.float32
    assert set(tokens.flatten().tolist()) == set(range(1, 50)), "every id but that of padding"
    assert [int(column.max()) for column in categories.T] == [3, 6]
