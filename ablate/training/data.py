"""The images of a trial: its splits, resident on the device where they fit, and turned into batches there.

Shapes: N images of a split, B of a batch, C channels, H height, W width.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from ablate.catalogue.backbones import ImageShape
from ablate.training.prepare import data_digest, open_data
from ablate.training.spec import DataSpec

RESIDENT_SHARE = 0.4
"""Of the GPU memory that is free: more would leave too little for the network."""


@dataclass(frozen=True)
class SplitData:
    """Images and labels of one split."""

    images: UInt8[Tensor, "N H W C"]
    """On the device where they fit, else in the memory-mapped cache."""
    labels: Int[Tensor, "N"]
    """On the device."""


@dataclass(frozen=True)
class TrialData:
    """What a trial trains on and is judged by."""

    train: SplitData
    val: SplitData
    test: SplitData
    shape: ImageShape
    mean: Float[Tensor, "C"]
    """Of the training split's pixels, in 0..1."""
    std: Float[Tensor, "C"]
    digest: str
    """Of the data and their split."""
    device: torch.device

    def batch(self, split: SplitData, indices: Int[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
        """Normalised images in channels_last order, on the device."""
        images = split.images[indices.to(split.images.device)].to(self.device, non_blocking=True)
        pixels = (images.float() / 255 - self.mean) / self.std
        return pixels.permute(0, 3, 1, 2)  # stored as H W C, so this view is channels_last already


@lru_cache(maxsize=1)  # the trials of a study share their data; another study's replace them
def load_data(spec: DataSpec, device: torch.device) -> TrialData:
    """The data of a trial on `device`; the next trial with the same spec in this process gets the same tensors."""
    decoded, splits = open_data(spec)
    arrays = {}
    for name in ("train", "val", "test"):
        split = getattr(splits, name)
        part = decoded.parts[split.part]
        arrays[name] = (part.images[split.indices], part.labels[split.indices])
    if spec.rotate_classes:
        arrays["train"] = _rotate_classes(*arrays["train"])
    pixels = arrays["train"][0]
    mean, std = _moments(pixels)
    resident = device.type == "cpu" or _fits(sum(images.nbytes for images, _ in arrays.values()), device)
    ready = {name: _to_device(images, labels, device, resident) for name, (images, labels) in arrays.items()}
    return TrialData(
        **ready,
        shape=ImageShape(channels=pixels.shape[3], size=spec.image_size),
        mean=mean.to(device),
        std=std.to(device),
        digest=data_digest(decoded, splits),
        device=device,
    )


def _rotate_classes(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Each class four times, turned by 0, 90, 180 and 270 degrees (Santoro et al. 2016, arXiv:1605.06065)."""
    turned = np.concatenate([np.rot90(images, turns, axes=(1, 2)) for turns in range(4)])
    return turned, np.concatenate([labels * 4 + turns for turns in range(4)])


def _moments(images: npt.NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per channel, from the histogram of grey values: exact, and no copy in floats."""
    grey = np.arange(256) / 255
    counts = np.stack([np.bincount(images[..., c].ravel(), minlength=256) for c in range(images.shape[3])])
    share = counts / counts.sum(axis=1, keepdims=True)
    mean = share @ grey
    std = np.sqrt(np.maximum(share @ grey**2 - mean**2, 1e-12))  # 1e-12: a data set of one grey has no spread
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()


def _fits(nbytes: int, device: torch.device) -> bool:
    free, _ = torch.cuda.mem_get_info(device)
    return nbytes < RESIDENT_SHARE * free


def _to_device(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], device: torch.device, resident: bool
) -> SplitData:
    with warnings.catch_warnings():
        # a memory-mapped array is read-only and torch warns of it; batches are copies, nothing writes to it
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        pixels = torch.from_numpy(np.ascontiguousarray(images))
    return SplitData(
        pixels.to(device) if resident else pixels, torch.from_numpy(np.ascontiguousarray(labels)).to(device)
    )
