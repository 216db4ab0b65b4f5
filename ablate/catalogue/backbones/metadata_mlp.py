"""A fully connected network on what is known of a book beside its text: the floor that any reading of it must beat."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, BookShape


@BACKBONES.register(
    "metadata_mlp",
    space={"width": [64, 128, 256], "depth": {"int": [1, 3]}},
    bounds={"width": (1, 65536), "depth": (1, 100), "category_dim": (1, 1024)},
    source="Cheng et al. 2016 (arXiv:1606.07792), the deep part; batch norm, Ioffe & Szegedy 2015",
)
def metadata_mlp(book: BookShape, *, width: int = 128, depth: int = 2, category_dim: int = 8) -> Backbone:
    """Numbers and embedded categories alone, through `depth` layers of `width` units; the text is not read."""
    from ablate.catalogue.book_layers import Metadata

    module = Metadata(book, width=width, depth=depth, category_dim=category_dim)
    return Backbone(module, module.num_features)
