"""Text and metadata of a book together: text_cnn and metadata_mlp side by side."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, BookShape


@BACKBONES.register(
    "hybrid",
    space={"width": [64, 128], "metadata_width": [32, 64]},
    bounds={"width": (1, 4096), "token_dim": (1, 4096), "dropout": (0.0, 0.95), "metadata_width": (1, 65536)},
    source="text_cnn (Kim 2014) beside metadata_mlp, concatenated: late fusion, as in Cheng et al. 2016 (arXiv:1606.07792)",
)
def hybrid(
    book: BookShape, *, width: int = 64, token_dim: int = 64, dropout: float = 0.2, metadata_width: int = 64
) -> Backbone:
    """Features of text_cnn (windows of 1 to 3) and of metadata_mlp (one layer of `metadata_width`), concatenated."""
    from ablate.catalogue.book_layers import Metadata, SideBySide, TextCnn

    text = TextCnn(book, token_dim=token_dim, width=width, shortest=1, longest=3, dropout=dropout)
    metadata = Metadata(book, width=metadata_width, depth=1, category_dim=8)
    return Backbone(SideBySide(text, metadata), text.num_features + metadata.num_features)
