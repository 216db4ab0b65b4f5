"""Fashion-MNIST: pictures of clothes in MNIST's format, and harder.

Source: Xiao, Rasul, Vollgraf 2017 (arXiv:1708.07747).
"""

from __future__ import annotations

from ablate.catalogue.datasets.dataset import DATASETS, Dataset
from ablate.catalogue.datasets.idx import IdxDataset

MD5S = {
    "train-images-idx3-ubyte": ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    "train-labels-idx1-ubyte": ("25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
    "t10k-images-idx3-ubyte": ("bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
    "t10k-labels-idx1-ubyte": ("bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
}
CLASSES = (
    *("T-shirt", "trousers", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
"""By number, in the order of the paper's table 2."""


@DATASETS.register("fashion_mnist", source="Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; MIT")
def fashion_mnist() -> Dataset:
    """60,000 + 10,000 pictures of clothes, 10 classes, grey 28x28."""
    return IdxDataset("fashion_mnist", "FashionMNIST", MD5S, CLASSES)
