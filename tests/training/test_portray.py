"""What pictures are drawn from, of trials that were really trained, against scikit-learn and plain loops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from ablate.errors import StoreError
from ablate.metrics.verification import Pairs
from ablate.training import portray as module
from ablate.training.data import SplitData, load_data
from ablate.training.evaluate import embed, pairs_of
from ablate.training.loop import train
from ablate.training.portrait import Images, PairGroup
from ablate.training.portray import NEAREST, QUERIES, portray
from ablate.training.spec import TrialSpec
from ablate.training.trained import trained_network
from tests.training.trials import DIGITS, trial


@pytest.fixture
def spec(tmp_path: Path) -> TrialSpec:
    """A trial of the closed protocol: ten classes to be seen."""
    spec = replace(trial(tmp_path, epochs=2), data=replace(DIGITS, protocol="closed", seed=4, test_seed=5))
    train(spec, lambda report: None)
    return spec


def embedded(spec: TrialSpec, split: str) -> tuple[SplitData, np.ndarray]:
    data = load_data(spec.data, torch.device("cpu"))
    items: SplitData = getattr(data, split)
    return items, embed(trained_network(spec, data).network, data, items).double().numpy()


def images_of(group: PairGroup) -> tuple[Images, Images]:
    assert group.first is not None and group.second is not None, "they are pairs of images"
    return group.first, group.second


@pytest.mark.parametrize("split", ["val", "test"])
def test_the_roc_curve_is_that_of_scikit_learn_over_the_pairs_that_judge_the_split(spec: TrialSpec, split: str) -> None:
    seen = portray(spec, split)
    items, embeddings = embedded(spec, split)
    pairs = pairs_of(items, {"val": 4, "test": 5}[split])
    same = pairs.same.numpy()
    cosines = (
        torch.from_numpy(embeddings).float()[pairs.first] * torch.from_numpy(embeddings).float()[pairs.second]
    ).sum(1)
    fpr, tpr, _ = roc_curve(same, cosines.numpy(), drop_intermediate=False)
    assert seen.roc is not None and seen.split == split
    np.testing.assert_allclose(seen.roc.fpr, fpr, atol=1e-12)
    np.testing.assert_allclose(seen.roc.tpr, tpr, atol=1e-12)
    assert seen.roc.auc == pytest.approx(roc_auc_score(same, cosines.numpy()), abs=1e-9)
    threshold = trained_network(spec, load_data(spec.data, torch.device("cpu"))).best["val/threshold"]
    accepted = cosines.double().numpy() >= threshold
    assert seen.roc.threshold == threshold
    assert seen.roc.at_threshold == pytest.approx((accepted[~same].mean(), accepted[same].mean()))


def test_pairs_are_counted_and_shown_with_the_verdict_of_a_loop(spec: TrialSpec) -> None:
    seen = portray(spec)
    items, embeddings = embedded(spec, "val")
    pairs, labels = pairs_of(items, 4), items.labels.numpy()
    assert seen.roc is not None
    counts = {(same, right): 0 for same in (True, False) for right in (True, False)}
    for first, second in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        same = bool(labels[first] == labels[second])
        called_same = float(embeddings[first] @ embeddings[second]) >= seen.roc.threshold
        counts[same, called_same == same] += 1
    for group in seen.pairs:
        assert group.count == pytest.approx(counts[group.same, group.right], abs=2)  # cosines of other rounding
        assert group.total == 5_000
        assert len(group.similarity) == min(group.count, module.PAIRS_SHOWN) > 0
        assert ((group.similarity >= seen.roc.threshold) == (group.same == group.right)).all()
        assert (np.diff(group.similarity) >= 0).all()


def test_a_pair_that_was_drawn_often_is_shown_once(spec: TrialSpec) -> None:
    items = load_data(spec.data, torch.device("cpu")).val
    few = torch.tensor([[0, 1], [1, 0], [0, 1], [2, 3], [0, 1]])
    pairs = Pairs(few[:, 0], few[:, 1], torch.ones(5, dtype=torch.bool))
    group = module._groups(items, pairs, torch.ones(5), threshold=0.5)[0]
    first, _ = images_of(group)
    assert (len(first), group.count, group.total) == (2, 5, 5), "two pairs, in either order; all are counted"
    np.testing.assert_array_equal(first, items.images[items.rows[[0, 2]]].numpy())


def test_the_images_of_a_pair_are_those_whose_cosine_is_told(spec: TrialSpec) -> None:
    seen = portray(spec)
    items, embeddings = embedded(spec, "val")
    images = items.images[items.rows].numpy()
    of_image = {image.tobytes(): embedding for image, embedding in zip(images, embeddings, strict=True)}
    shown = [(a, b, s) for g in seen.pairs for a, b, s in zip(*images_of(g), g.similarity, strict=True)]
    assert len(shown) > 16
    for first, second, cosine in shown:
        assert of_image[first.tobytes()] @ of_image[second.tobytes()] == pytest.approx(cosine, abs=1e-5)


def test_neighbours_are_right_where_their_class_is_the_query_s(spec: TrialSpec) -> None:
    seen = portray(spec).neighbours
    items, embeddings = embedded(spec, "val")
    images, labels = items.images[items.rows].numpy(), items.labels.numpy()
    place = {image.tobytes(): i for i, image in enumerate(images)}
    assert seen is not None and seen.num_items == len(labels) - 1
    assert seen.queries is not None and seen.found is not None
    assert seen.found.shape == (QUERIES, NEAREST, 8, 8, 1)
    for row, image in enumerate(seen.queries):
        query = place[image.tobytes()]
        ranked = sorted((i for i in range(len(labels)) if i != query), key=lambda i: -embeddings[query] @ embeddings[i])
        cosines = [embeddings[query] @ embeddings[i] for i in ranked[:NEAREST]]
        assert seen.similarity[row] == pytest.approx(cosines, abs=1e-5)
        for rank in range(NEAREST):
            found = place[seen.found[row, rank].tobytes()]
            assert seen.right[row, rank] == (labels[found] == labels[query])


def test_pairs_and_neighbours_name_the_class_of_each_image(spec: TrialSpec) -> None:
    seen = portray(spec)
    items, _ = embedded(spec, "val")
    images = items.images[items.rows].numpy()
    digit = {image.tobytes(): str(label) for image, label in zip(images, items.labels.tolist(), strict=True)}
    told = [
        (image, name)
        for group in seen.pairs
        for images, names in zip(images_of(group), (group.first_names, group.second_names), strict=True)
        for image, name in zip(images, names, strict=True)
    ]
    assert seen.neighbours is not None and seen.sample is not None
    assert seen.neighbours.queries is not None and seen.neighbours.found is not None
    told += zip(seen.neighbours.queries, seen.neighbours.query_names, strict=True)
    for images, names in zip(seen.neighbours.found, seen.neighbours.found_names, strict=True):
        told += zip(images, names, strict=True)
    assert len(told) > QUERIES * NEAREST
    assert [name for _, name in told] == [digit[image.tobytes()] for image, _ in told]
    assert seen.sample.names[3] == "3"


def test_a_class_without_a_name_is_told_by_its_number(spec: TrialSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data(spec.data, torch.device("cpu"))
    nameless = replace(data, val=replace(data.val, names=None))
    monkeypatch.setattr(module, "load_data", lambda *_: nameless)
    found = portray(spec).neighbours
    assert found is not None
    assert set(found.query_names) <= {f"class {digit}" for digit in range(10)}


def test_two_trials_are_seen_by_the_same_queries_and_the_same_sample(spec: TrialSpec, tmp_path: Path) -> None:
    other = replace(spec, folder=str(tmp_path / "other"), seed=9)
    train(other, lambda report: None)
    one, two = portray(spec), portray(other)
    assert (
        one.neighbours is not None and two.neighbours is not None and one.sample is not None and two.sample is not None
    )
    np.testing.assert_array_equal(one.neighbours.queries, two.neighbours.queries)
    np.testing.assert_array_equal(one.sample.labels, two.sample.labels)
    assert not np.allclose(one.sample.projections[0].points, two.sample.projections[0].points)


def test_a_trial_without_a_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"trial 0000 has no checkpoint in .*\n  weights are kept of complete trials"):
        portray(trial(tmp_path))
