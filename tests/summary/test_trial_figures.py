"""The pictures of a trial that was really trained: that each shows what the numbers say, in the size it should have."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from ablate.store.read import StudyResults, read_folder
from ablate.summary.colours import WRONG
from ablate.summary.image_figures import neighbours_figure, pairs_figure
from ablate.summary.png import DPI, png
from ablate.summary.portrait_figures import embeddings_figure, roc_figure
from ablate.summary.trial_figures import trial_figures
from ablate.training.portrait import Neighbours, Portrait
from tests.training.studies import portrait_of, shared_cache, trained_search

SIZES = {"curves.png": (12, 9.2), "roc.png": (12.5, 4.6), "embeddings.png": (12.5, 6)}
"""Inches, of those whose size does not depend on what there is to show: 13 panels of curves."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StudyResults, Portrait]]:
    """A study, and its best trial as its weights see it."""
    patch, path = shared_cache(tmp_path_factory), tmp_path_factory.mktemp("study") / "made-up"
    memory = trained_search(path)
    yield read_folder(path), portrait_of(memory, "0000")
    patch.undo()


@pytest.fixture(scope="module")
def drawn(seen: tuple[StudyResults, Portrait]) -> dict[str, bytes]:
    """All pictures of that trial."""
    study, portrait = seen
    return trial_figures(study, "0000", portrait)


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def share_of(colour: str, figure: Figure) -> float:
    """How much of a picture has a colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((np.abs(pixels(png(figure)) - wanted).max(axis=2) <= 8).mean())


def texts(figure: Figure) -> list[str]:
    """Every text of a figure, its titles among them."""
    found = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]  # type: ignore[attr-defined]
    return [text for text in found if text]


def test_every_picture_is_drawn_in_its_size_and_shows_something(drawn: dict[str, bytes]) -> None:
    assert set(drawn) == {"curves.png", "roc.png", "pairs.png", "embeddings.png", "nearest.png"}
    for name, content in drawn.items():
        picture = pixels(content)
        assert picture.std() > 10, f"{name} shows nothing"
        assert 0.3 < (picture.min(axis=2) > 250).mean() < 0.99, f"{name} has no white between what it shows"
        if name in SIZES:
            width, height = SIZES[name]
            assert picture.shape == (int(height * DPI), int(width * DPI), 3), name


def test_nothing_touches_the_edge_of_a_picture(drawn: dict[str, bytes]) -> None:
    """Where text is cut off, it reaches the edge."""
    for name, content in drawn.items():
        picture = pixels(content)
        for edge in (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]):
            assert edge.min() > 250, name


def test_long_names_are_not_cut_off_by_the_edge(seen: tuple[StudyResults, Portrait]) -> None:
    study, portrait = seen
    trials = [replace(row, arm="loss=lifted_structure " * 20) for row in study.trials]
    long = replace(study, study="study-of-a-long-name" * 4, trials=trials)  # as long as a name may be
    for name, content in trial_figures(long, "0000", replace(portrait, pairs=(), sample=None)).items():
        picture = pixels(content)
        assert picture[:, :2].min() > 250 and picture[:, -2:].min() > 250, name


def test_without_a_portrait_the_curves_are_drawn_alone_and_without_a_report_nothing(
    seen: tuple[StudyResults, Portrait],
) -> None:
    study, _ = seen
    assert set(trial_figures(study, "0001", None)) == {"curves.png"}
    assert trial_figures(study, "0002", None) == {}


def test_what_a_portrait_lacks_is_not_drawn(seen: tuple[StudyResults, Portrait]) -> None:
    study, portrait = seen
    of_rows = replace(portrait, pairs=(), neighbours=None)
    assert set(trial_figures(study, "0000", of_rows)) == {"curves.png", "roc.png", "embeddings.png"}


def test_the_roc_curve_is_drawn_through_its_points_with_the_threshold_on_it(
    seen: tuple[StudyResults, Portrait],
) -> None:
    roc = seen[1].roc
    assert roc is not None
    figure = roc_figure(roc, title="trial")
    plain, _, over = figure.axes
    curve, mark = plain.lines[:2]
    np.testing.assert_allclose(np.asarray(curve.get_xydata()), np.stack([roc.fpr, roc.tpr], axis=1))
    assert np.asarray(mark.get_xydata()).tolist() == [list(roc.at_threshold)]
    assert curve.get_label() == f"AUC {roc.auc:.4f}"
    tpr, fpr, threshold = over.lines[:3]
    at = float(np.interp(roc.threshold, np.asarray(tpr.get_xdata())[::-1], np.asarray(tpr.get_ydata())[::-1]))
    assert at == pytest.approx(roc.at_threshold[1], abs=0.01)
    assert set(np.asarray(threshold.get_xdata())) == {roc.threshold} and fpr.get_label() == "FPR"


def test_pairs_are_told_with_similarity_distance_and_how_many_there_are(seen: tuple[StudyResults, Portrait]) -> None:
    portrait = seen[1]
    assert portrait.roc is not None
    told = texts(pairs_figure(portrait.pairs, threshold=portrait.roc.threshold, title="trial"))
    for group in portrait.pairs:
        verdict = "✓ right" if group.right else "✗ wrong"
        assert any(text.startswith(verdict) and f"({group.count:,} of 5,000)" in text for text in told)
        assert group.first is not None and group.second is not None
        for first, second, cosine in zip(group.first, group.second, group.similarity, strict=True):
            assert first.shape == second.shape
            distance = float(np.sqrt(max(0, 2 * (1 - cosine))))
            assert f"s {cosine:.2f}  d {distance:.2f}" in told


def test_groups_without_a_pair_say_so(seen: tuple[StudyResults, Portrait]) -> None:
    portrait = seen[1]
    none = np.zeros((0, 8, 8, 1), dtype=np.uint8)
    emptied = [
        replace(g, count=0, similarity=g.similarity[:0], first=none, second=none, first_names=(), second_names=())
        for g in portrait.pairs
    ]
    assert texts(pairs_figure(emptied, threshold=0.5, title="trial")).count("none") == 4


def test_wrong_neighbours_and_only_they_are_framed_in_red_and_crossed(seen: tuple[StudyResults, Portrait]) -> None:
    neighbours = seen[1].neighbours
    assert neighbours is not None
    few = _three(neighbours)

    def drawn(right: np.ndarray) -> tuple[float, int]:
        figure = neighbours_figure(replace(few, right=right), title="trial")
        return share_of(WRONG, figure), sum(text.startswith("✗") for text in texts(figure))

    all_right = np.ones_like(few.right)
    some = all_right.copy()
    some[0, 3] = some[2, 5] = False
    assert drawn(all_right) == (0.0, 0)
    red, crosses = drawn(some)
    assert crosses == 2 and 0.001 < red < 0.04


def _three(neighbours: Neighbours) -> Neighbours:
    """Its first queries: each image takes time to draw."""
    assert neighbours.queries is not None and neighbours.found is not None, "they are images"
    found, similarity = neighbours.found[:3], neighbours.similarity[:3]
    return replace(
        neighbours, queries=neighbours.queries[:3], found=found, similarity=similarity, right=neighbours.right[:3]
    )


def test_embeddings_show_every_item_of_the_sample_once_by_each_method(seen: tuple[StudyResults, Portrait]) -> None:
    sample = seen[1].sample
    assert sample is not None
    figure = embeddings_figure(sample, title="trial")
    for axes, projection in zip(figure.axes, sample.projections, strict=True):
        points = np.concatenate([np.asarray(marks.get_offsets()) for marks in axes.collections])
        assert sorted(map(tuple, points.tolist())) == sorted(map(tuple, projection.points.tolist()))
        assert [marks.get_label() for marks in axes.collections] == [str(c) for c in np.unique(sample.labels)]
    assert f"{len(sample.labels)} of {sample.num_items} items" in figure.get_suptitle()


def test_a_class_whose_name_begins_with_an_underscore_is_in_the_legend(seen: tuple[StudyResults, Portrait]) -> None:
    sample = seen[1].sample
    assert sample is not None
    names = {int(label): f"_class {label}" for label in np.unique(sample.labels)}
    (legend,) = embeddings_figure(replace(sample, names=names), title="trial").legends
    assert [text.get_text().strip("\u200b") for text in legend.get_texts()] == list(names.values())


def test_colour_images_are_drawn_in_their_colours(seen: tuple[StudyResults, Portrait]) -> None:
    neighbours = seen[1].neighbours
    assert neighbours is not None
    green = np.array([0, 200, 0], dtype=np.uint8)
    few = _three(neighbours)
    assert few.queries is not None and few.found is not None
    coloured = replace(
        few, queries=np.tile(green, (*few.queries.shape[:3], 1)), found=np.tile(green, (*few.found.shape[:4], 1))
    )
    assert share_of("#00c800", neighbours_figure(coloured, title="trial")) > 0.4


def test_classes_are_named_below_pairs_and_neighbours(seen: tuple[StudyResults, Portrait]) -> None:
    portrait = seen[1]
    assert portrait.neighbours is not None and portrait.roc is not None
    few = _three(portrait.neighbours)
    long = "a name $5 of many words that nobody could write below one small image"
    told = texts(neighbours_figure(replace(few, query_names=(long, *few.query_names[1:])), title="trial"))
    assert few.found_names[0][0] in told
    (cut_off,) = (text for text in told if text.startswith("a name $5"))
    assert cut_off.count("\n") == 1 and cut_off.endswith("…")
    told = texts(pairs_figure(portrait.pairs, threshold=portrait.roc.threshold, title="trial"))
    different = next(group for group in portrait.pairs if not group.same and group.count)
    assert f"{different.first_names[0]} | {different.second_names[0]}" in told
