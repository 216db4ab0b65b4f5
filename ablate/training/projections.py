"""A plane to look at embeddings on: PCA keeps distances as far as two axes can, t-SNE keeps who is near whom.

Source: van der Maaten and Hinton 2008, "Visualizing data using t-SNE"; both are scikit-learn's.
Shapes: N items of a split, M of the sample, D embedding width.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int

from ablate.training.portrait import Projection, Sample

MOST_CLASSES = 10
"""Colours that people can tell apart."""
MOST_ITEMS = 600
"""t-SNE takes 2 s for them, on one core."""
ENOUGH_OF_A_CLASS = 10
"""Items from which one sees where a class lies."""
LEAST_ITEMS = 4
"""Below, there is nothing to see."""
PERPLEXITY = 30.0
LEAST_SPREAD = 1e-6
"""Deviation below which embeddings are one point, and both methods divide by zero."""


def project(embeddings: Float[np.ndarray, "N D"], labels: Int[np.ndarray, "N"], *, seed: int) -> Sample | None:
    """A sample of both, the same for equal labels and seed; None where its embeddings are one point, or too few."""
    chosen = draw_sample(labels, seed=seed)
    sample = embeddings[chosen].astype(np.float64)
    if len(sample) < LEAST_ITEMS or sample.std(axis=0).max() < LEAST_SPREAD:
        return None
    projections = (_pca(sample), _tsne(sample, seed=seed))
    return Sample(labels[chosen], len(labels), len(np.unique(labels)), seed, projections)


def draw_sample(labels: Int[np.ndarray, "N"], *, seed: int) -> Int[np.ndarray, "M"]:
    """Positions of items of at most MOST_CLASSES classes, equally many of each as far as it has them.

    A class with fewer than ENOUGH_OF_A_CLASS comes after those with more: most people of LFW have one picture or two.
    """
    draw = np.random.default_rng(seed)
    known, counts = np.unique(labels, return_counts=True)
    shuffled = draw.permutation(len(known))
    largest = shuffled[np.argsort(-np.minimum(counts[shuffled], ENOUGH_OF_A_CLASS), kind="stable")]
    classes = np.sort(known[largest[:MOST_CLASSES]])
    each = MOST_ITEMS // len(classes)
    return np.concatenate([np.sort(draw.permutation(np.flatnonzero(labels == one))[:each]) for one in classes])


def _pca(sample: npt.NDArray[np.float64]) -> Projection:
    from sklearn.decomposition import PCA

    pca = PCA(n_components=2, svd_solver="full").fit(sample)
    share = float(pca.explained_variance_ratio_.sum())
    return Projection("PCA", pca.transform(sample), f"two axes hold {share:.0%} of the variance")


def _tsne(sample: npt.NDArray[np.float64], *, seed: int) -> Projection:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(PERPLEXITY, (len(sample) - 1) / 3)  # the effective number of neighbours: there must be as many
    tsne = TSNE(n_components=2, perplexity=perplexity, init="pca", random_state=seed)
    with threadpool_limits(
        1
    ):  # threads that wait for each other took 29 s where one took 4, on a machine that had other work
        points = tsne.fit_transform(sample)
    return Projection("t-SNE", points, f"perplexity {perplexity:.3g}, begun from PCA")
