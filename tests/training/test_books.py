"""Books from file to metrics: a small made-up shelf, and the real one where ABLATE_DATA names it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ablate.catalogue.backbones import BookShape
from ablate.study.configuration import Component
from ablate.summary.png import png
from ablate.summary.title_figures import title_neighbours_figure, title_pairs_figure
from ablate.training.closing import measure_architectures, read_test
from ablate.training.data import TrialData, load_data
from ablate.training.evaluate import evaluate
from ablate.training.loop import Trial, parts_of, train
from ablate.training.network import build_network
from ablate.training.portray import portray
from ablate.training.spec import DataSpec, TrialSpec
from tests.catalogue.datasets.books import write_goodbooks
from tests.training.trials import trial, untimed

TASTES, READERS, BOOKS = ("dragons", "crime", "love"), 60, 90
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Readers of one taste each, who like what is of their taste and dislike some of the rest."""
    draw = np.random.default_rng(0)
    books: list[dict[str, object]] = [
        {"book_id": b, "title": f"{TASTES[b % 3]} {b}", "authors": f"A{b}", "language_code": "eng", "books_count": b}
        for b in range(BOOKS)
    ]
    ratings: list[tuple[object, object, object]] = []
    for reader in range(READERS):
        for book in draw.permutation(BOOKS)[:40]:
            ratings.append((reader, book, int(draw.integers(4, 6) if book % 3 == reader % 3 else draw.integers(1, 4))))
    genres = {str(b): TASTES[b % 3] for b in range(BOOKS)}
    return write_goodbooks(tmp_path_factory.mktemp("shelf"), books, genres, ratings)


def spec_of(root: Path) -> DataSpec:
    params = (("tokens", 8), ("vocabulary", 256))
    return DataSpec("goodbooks", params, str(root), 0, "pairs", 0.2, 0.2, False, seed=0, test_seed=0)


def trial_of(root: Path, folder: Path, **choices: object) -> TrialSpec:
    choices = {
        "backbone": Component("text_cnn", {"width": 8, "token_dim": 8}),
        "loss": Component("triplet"),
        "optimizer": Component("adam", {"lr": 0.01}),
        "batch_classes": 8,
        "batch_per_class": 4,
        "image_size": 0,
        "epochs": 3,
        **choices,
    }
    spec = trial(folder, **choices)
    return replace(spec, data=spec_of(root), metric="val/auc", read_test=True)


@pytest.fixture
def data(shelf: Path) -> TrialData:
    return load_data(spec_of(shelf), CPU)


def test_rows_of_a_split_are_its_readers_likes_and_readers_are_disjoint(data: TrialData) -> None:
    readers = []
    for split in (data.train, data.val, data.test):
        assert split.ratings is not None
        likes = {(int(r), int(b)) for r, b, s in zip(*_columns(split.ratings), strict=True) if s >= 4}
        assert set(zip(split.labels.tolist(), split.rows.tolist(), strict=True)) == likes
        assert len(split.labels) == len(likes)
        readers.append(set(split.ratings.reader.tolist()))
    assert sum(map(len, readers)) == len(set.union(*readers)) == READERS


def _columns(ratings: object) -> tuple[list[int], list[int], list[int]]:
    reader, book, stars = (getattr(ratings, name).tolist() for name in ("reader", "book", "stars"))
    return reader, book, stars


def test_books_reach_the_network_as_they_were_decoded(data: TrialData) -> None:
    assert data.shape == BookShape(tokens=8, vocabulary=256, numbers=5, categories=(16, 64))
    indices = torch.tensor([0, 5, 3])
    assert torch.equal(data.batch(data.train, indices), data.train.images[data.train.rows[indices]])


def test_a_trial_learns_the_tastes_and_is_judged_on_readers_it_has_not_seen(shelf: Path, tmp_path: Path) -> None:
    reports: list[dict[str, float]] = []
    train(trial_of(shelf, tmp_path, epochs=4), reports.append)
    last = reports[-1]
    reported = {
        "auc",
        "pair_accuracy",
        "fpr",
        "fnr",
        "eer",
        "tpr_at_fpr_1e-3",
        "recall_at_10",
        "ndcg_at_10",
        "threshold",
    }
    for split in ("val", "test"):
        assert {name.removeprefix(f"{split}/") for name in last if name.startswith(f"{split}/")} == reported
    # a perfect network has 11/12: a third of the unread half of the negatives is of the reader's taste, and is as near
    assert last["val/auc"] > 0.85 and last["test/auc"] > 0.85
    assert last["test/recall_at_10"] > 3 * 10 / BOOKS, "each taste has a third of the books"


def test_a_backbone_that_cannot_see_the_taste_learns_none(shelf: Path, tmp_path: Path) -> None:
    """The other half of the claim above: nothing but the text and the genre tells, so the metrics do not flatter."""
    spec = trial_of(shelf, tmp_path)
    data = load_data(spec.data, CPU)
    torch.manual_seed(0)
    network = build_network(Component("metadata_mlp"), 8, data.shape).eval()
    constant = torch.nn.Parameter(torch.zeros_like(network.head.weight))
    network.head.weight = constant
    found = evaluate(network, data, data.val, protocol="pairs", seed=0)
    assert (found["auc"], found["recall_at_10"], found["ndcg_at_10"]) == (0.5, 0.0, 0.0)


def test_no_liked_book_is_a_negative_of_its_reader_in_a_batch(data: TrialData, shelf: Path, tmp_path: Path) -> None:
    stars = {(r, b): s for r, b, s in zip(*_columns(data.train.ratings), strict=True)}
    spec = trial_of(shelf, tmp_path)
    parts = parts_of(spec, data)
    batches = Trial(spec, data, parts, {}, 0.0).batches.epoch(1)
    seen = 0
    for indices in torch.from_numpy(batches):
        readers, books = data.train.labels[indices], data.train.rows[indices]
        spared = data.train.spared(indices)
        assert spared is not None
        for i, j in (readers[:, None] != readers).nonzero().tolist():
            a, b = (int(readers[i]), int(books[j])), (int(readers[j]), int(books[i]))
            assert bool(spared[i, j]) == (stars.get(a, 0) >= 3 or stars.get(b, 0) >= 3)
            seen += int(spared[i, j])
    assert seen > 100, "tastes overlap, so there is something to spare"


@pytest.mark.parametrize("name", ["text_cnn", "metadata_mlp", "hybrid", "distilbert"])
def test_latency_is_measured_on_books(shelf: Path, tmp_path: Path, name: str) -> None:
    spec = trial_of(shelf, tmp_path, backbone=Component(name))
    measured = measure_architectures({name: spec.configuration}, spec)
    assert measured[name]["cost/latency_ms_p50"] > 0


def test_the_test_is_read_again_from_the_checkpoint_with_the_same_numbers(shelf: Path, tmp_path: Path) -> None:
    reports: list[dict[str, float]] = []
    spec = trial_of(shelf, tmp_path, epochs=1)
    train(spec, reports.append)
    again = read_test(spec)
    assert again == {name: value for name, value in reports[-1].items() if name.startswith("test/")}


def test_the_same_trial_gives_the_same_numbers(shelf: Path, tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        reports: list[dict[str, float]] = []
        train(trial_of(shelf, tmp_path / name, epochs=1), reports.append)
        found.append(untimed(reports[-1]))
    assert found[0] == found[1]


@pytest.mark.slow  # decodes the real set, and trains on 86,000 likes
def test_the_real_set_is_learned_from_and_beats_chance_on_readers_never_seen(data_root: Path, tmp_path: Path) -> None:
    if not (data_root / "goodbooks").is_dir():
        pytest.skip("ABLATE_DATA has no goodbooks")
    spec = trial_of(data_root, tmp_path, backbone=Component("metadata_mlp"), epochs=1, batch_classes=64)
    spec = replace(spec, data=replace(spec.data, params=()))
    reports: list[dict[str, float]] = []
    train(spec, reports.append)
    assert reports[-1]["val/auc"] > 0.55 and reports[-1]["test/auc"] > 0.55


def test_books_are_shown_by_their_titles_and_alike_where_one_reader_likes_both(shelf: Path, tmp_path: Path) -> None:
    spec = trial_of(shelf, tmp_path, epochs=2)
    train(spec, lambda report: None)
    seen, val = portray(spec), load_data(spec.data, CPU).val
    assert val.names is not None and seen.neighbours is not None
    titles = {title: book for book, title in val.names.items()}
    likes: dict[int, set[int]] = {}
    for reader, book in zip(val.labels.tolist(), val.rows.tolist(), strict=True):
        likes.setdefault(reader, set()).add(book)

    def alike(one: str, other: str) -> bool:
        return any({titles[one], titles[other]} <= books for books in likes.values())

    for row, query in enumerate(seen.neighbours.query_names):
        assert query not in seen.neighbours.found_names[row]
        assert seen.neighbours.right[row].tolist() == [alike(query, name) for name in seen.neighbours.found_names[row]]
    shown = [(g.same, pair) for g in seen.pairs for pair in zip(g.first_names, g.second_names, strict=True)]
    assert len(shown) > 8 and all(alike(*pair) for same, pair in shown if same)
    assert seen.neighbours.queries is None and seen.pairs[0].first is None
    assert seen.roc is not None
    figure = title_neighbours_figure(seen.neighbours, title="trial")
    texts = [text.get_text() for axes in figure.axes for text in (axes.title, axes._left_title, *axes.texts)]  # type: ignore[attr-defined]
    assert seen.neighbours.query_names[0] in texts
    assert sum("✗" in text for text in texts) == int((~seen.neighbours.right).sum())
    for drawn in (figure, title_pairs_figure(seen.pairs, threshold=seen.roc.threshold, title="trial")):
        assert len(png(drawn)) > 10_000
