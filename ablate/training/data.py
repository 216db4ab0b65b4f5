"""The images of a trial: its splits, resident on the device where they fit, and turned into batches there.

On the CPU the images stay in the memory-mapped cache: processes that train side by side share one copy of them.
Books are rows of numbers in place of images; a split's rows are what its readers liked, and a reader is a class.
Shapes: A images of a part of the data set, N of a split, B of a batch, C channels, H height, W width.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from ablate.catalogue.augmentations import Pixels
from ablate.catalogue.backbones import ImageShape, ItemShape
from ablate.catalogue.datasets import DATASETS, Part, item_shape
from ablate.catalogue.datasets.official_pairs import OfficialPairs
from ablate.metrics.ratings import Ratings
from ablate.study.splits import Split
from ablate.training.prepare import open_data
from ablate.training.spec import DataSpec

RESIDENT_SHARE = 0.4
"""Of the GPU memory that is free: more would leave too little for the network."""
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class SplitData:
    """Images and labels of one split."""

    images: Shaped[Tensor, "A *item"]
    """Those of the whole part, shared with its other splits; on the device where they fit, else memory-mapped.

    [A, H, W, C] in bytes; of books [A, W] in floats.
    """
    rows: Int[Tensor, "N"]
    """Which of `images` are in the split; beside them. A book is there once for each reader who liked it."""
    labels: Int[Tensor, "N"]
    """On the device."""
    pairs: OfficialPairs | None = None
    """Those that judge it, where they are given."""
    ratings: Ratings | None = None
    """Of books, all ratings of the split's readers; on the device."""
    names: Mapping[int, str] | None = None
    """Label -> what people call the class; of books, one of `images` -> title. None where nobody knows."""

    def spared(self, indices: Int[Tensor, "B"]) -> Bool[Tensor, "B B"] | None:
        """Which pairs of a batch are no negatives though their labels differ; None where labels tell all."""
        if self.ratings is None:
            return None
        return self.ratings.spared(self.labels[indices], self.rows[indices.to(self.rows.device)].to(self.labels.device))

    def judged(self) -> SplitData:
        """What is embedded to judge the split: its images, or of books every one there is, in their order."""
        if self.ratings is None:
            return self
        every = torch.arange(len(self.images), device=self.rows.device)
        return SplitData(self.images, every, every.to(self.labels.device))


@dataclass(frozen=True, eq=False)
class TrialData:
    """What a trial trains on and is judged by."""

    train: SplitData
    val: SplitData
    test: SplitData
    shape: ItemShape
    scale: Float[Tensor, "C"]
    """`pixel * scale + shift` has mean 0 and deviation 1 over the training split; books stay as they are: 1 and 0."""
    shift: Float[Tensor, "C"]
    device: torch.device
    episodes: tuple[int, int] | None
    """Ways and shots of protocol one_shot."""

    @property
    def pixels(self) -> Pixels:
        """Where black and white lie among normalised pixels."""
        return Pixels(self.shift, self.scale * 255 + self.shift)

    def batch(self, split: SplitData, indices: Int[Tensor, "B"]) -> Float[Tensor, "B *item"]:
        """Normalised images [B, C, H, W] in channels_last order, or books [B, W], on the device."""
        # index_select copies whole images: 7 us for 128 of 28x28, plain indexing 117 (torch 2.15, one thread)
        images = split.images.index_select(0, split.rows[indices.to(split.rows.device)])
        pixels = images.to(self.device).float().mul_(self.scale).add_(self.shift)
        if pixels.ndim == 2:
            return pixels
        return pixels.permute(0, 3, 1, 2)  # stored as H W C, so this view is channels_last already


@lru_cache(maxsize=1)  # the trials of a study share their data; those of another study or image size replace them
def load_data(spec: DataSpec, device: torch.device) -> TrialData:
    """The data of a trial on `device`; the next trial with the same spec in this process gets the same tensors."""
    decoded, splits = open_data(spec)
    used = {split.part: decoded.parts[split.part].images for split in (splits.train, splits.val, splits.test)}
    resident = device.type == "cpu" or _fits(sum(images.nbytes for images in used.values()), device)
    store = device if resident else torch.device("cpu")
    images = {part: _tensor(array).to(store) for part, array in used.items()}

    def open_split(split: Split) -> SplitData:
        part = decoded.parts[split.part]
        if part.ratings is not None:
            return _likes(split, part, images[split.part], device)
        rows, labels = torch.from_numpy(split.indices), torch.from_numpy(part.labels[split.indices])
        return SplitData(images[split.part], rows.to(store), labels.to(device), split.pairs, names=part.names)

    train = open_split(splits.train)
    if spec.mirror_classes:
        train = _each_also(train, [lambda images: images.flip(2)])
    if spec.rotate_classes:  # Santoro et al. 2016, arXiv:1605.06065
        train = _each_also(train, [partial(torch.rot90, k=turns, dims=(1, 2)) for turns in (1, 2, 3)])
    scale, shift = _normalisation(used[splits.train.part], splits.train.indices)
    return TrialData(
        train=train,
        val=open_split(splits.val),
        test=open_split(splits.test),
        shape=_shape(spec, channels=len(scale)),
        scale=scale.to(device),
        shift=shift.to(device),
        device=device,
        episodes=(spec.ways, spec.shots) if spec.protocol == "one_shot" else None,
    )


def _shape(spec: DataSpec, *, channels: int) -> ItemShape:
    shape = item_shape(DATASETS[spec.name].build(**dict(spec.params)), spec.image_size)
    return shape._replace(channels=channels) if isinstance(shape, ImageShape) else shape


def _likes(split: Split, part: Part, books: Float[Tensor, "A W"], device: torch.device) -> SplitData:
    """The rows of a split of readers: each book that one of them liked."""
    assert part.ratings is not None, "a split of readers needs ratings"
    reader = torch.from_numpy(part.labels[split.indices]).to(device)
    book, stars = torch.from_numpy(part.ratings[split.indices]).to(device).unbind(dim=1)
    ratings = Ratings(reader, book.contiguous(), stars.contiguous(), len(books))
    return SplitData(
        books, book[ratings.liked].to(books.device), reader[ratings.liked], ratings=ratings, names=part.names
    )


def _fits(nbytes: int, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return nbytes < RESIDENT_SHARE * free


def _tensor(images: npt.NDArray[np.uint8] | npt.NDArray[np.float32]) -> Shaped[Tensor, "A *item"]:
    with warnings.catch_warnings():
        # a memory-mapped array is read-only and torch warns of it; batches are copies, nothing writes to it
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(images)


def _each_also(split: SplitData, changes: Sequence[Callable[[Tensor], Tensor]]) -> SplitData:
    """The split's classes, and once more each of them after each of the changes, as classes of their own.

    A copy of its own in each process: turning in every batch would take 0.2 ms of each step.
    """
    images, copies = split.images[split.rows], len(changes) + 1
    changed = torch.cat([images, *(change(images) for change in changes)])
    labels = torch.cat([split.labels * copies + copy for copy in range(copies)])
    return SplitData(changed, torch.arange(len(changed), device=changed.device), labels)


def _normalisation(
    images: npt.NDArray[np.uint8] | npt.NDArray[np.float32], rows: npt.NDArray[np.int64]
) -> tuple[Float[Tensor, "C"], Float[Tensor, "C"]]:
    """Scale and shift per channel, from the histogram of grey values: exact, and no copy in floats."""
    if images.ndim == 2:
        return torch.ones(1), torch.zeros(1)  # of books; their numbers were standardised when they were decoded
    grey, counts = np.arange(256), np.zeros((images.shape[3], 256))
    for chunk in np.split(rows, range(_CHUNK, len(rows), _CHUNK)):  # numpy's bincount makes each byte eight
        pixels = images[chunk]
        counts += [np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(len(counts))]
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ grey
    deviation = np.sqrt((share * (grey - mean[:, None]) ** 2).sum(axis=1))
    scale = 1 / np.maximum(deviation, 1e-3)  # a data set of one grey has no spread
    return torch.from_numpy(scale).float(), torch.from_numpy(-mean * scale).float()
