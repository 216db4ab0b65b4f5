"""Matches and neighbours against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ablate.serve.similar import MOST, match, nearest


def embeddings(number: int) -> np.ndarray:
    drawn = np.random.default_rng(3).standard_normal((number, 5))
    rows: np.ndarray = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return rows


def test_a_match_has_the_cosine_and_the_distance_of_two_embeddings() -> None:
    one, other = embeddings(2)
    cosine = sum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    distance = math.sqrt(sum((float(a) - float(b)) ** 2 for a, b in zip(one, other, strict=True)))
    found = match(one, other, threshold=cosine)
    assert found.similarity == pytest.approx(cosine, abs=1e-12) and found.distance == pytest.approx(distance, abs=1e-12)
    assert match(one, other, threshold=cosine - 1e-9).same and not match(one, other, threshold=cosine + 1e-9).same


def test_a_picture_is_at_no_distance_of_itself() -> None:
    assert match(embeddings(1)[0], embeddings(1)[0], threshold=0.9).distance == 0.0


def test_the_nearest_are_those_of_a_loop_and_of_equals_the_first() -> None:
    query, *others = embeddings(40)
    gallery = np.stack([*others, others[4]])
    wanted = sorted(range(len(gallery)), key=lambda i: (-float(gallery[i] @ query), i))[:MOST]
    assert nearest(query, gallery).tolist() == wanted
    assert nearest(query, gallery[:3]).tolist() == sorted(range(3), key=lambda i: -float(gallery[i] @ query))
