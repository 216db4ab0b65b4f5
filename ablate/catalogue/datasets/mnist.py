"""MNIST: handwritten digits; everybody's first data set, and nearly solved.

Source: LeCun, Bottou, Bengio, Haffner 1998 (Gradient-based learning applied to document recognition).
"""

from __future__ import annotations

from ablate.catalogue.datasets.dataset import DATASETS, Dataset
from ablate.catalogue.datasets.idx import IdxDataset

MD5S = {
    "train-images-idx3-ubyte": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
}


@DATASETS.register("mnist", source="LeCun et al. 1998; no terms stated, widely taken as CC BY-SA 3.0")
def mnist() -> Dataset:
    """60,000 + 10,000 handwritten digits, 10 classes, grey 28x28."""
    return IdxDataset("mnist", "MNIST", MD5S)
