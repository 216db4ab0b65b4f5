"""Kim's convolutional network on the text of a book: windows of several lengths, the maximum of each over the text."""

from __future__ import annotations

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, BookShape


@BACKBONES.register(
    "text_cnn",
    space={"width": [64, 128], "token_dim": [64, 128]},
    bounds={
        "width": (1, 4096),
        "token_dim": (1, 4096),
        "shortest": (1, 16),
        "longest": (1, 16),
        "dropout": (0.0, 0.95),
    },
    source="Kim 2014 (arXiv:1408.5882); embeddings are learned, and windows begin at one word piece",
)
def text_cnn(
    book: BookShape,
    *,
    width: int = 64,
    token_dim: int = 64,
    shortest: int = 1,
    longest: int = 3,
    dropout: float = 0.2,
) -> Backbone:
    """Windows of `shortest` to `longest` word pieces, `width` features of each, their maximum over the text."""
    from ablate.catalogue.book_layers import TextCnn

    module = TextCnn(book, token_dim=token_dim, width=width, shortest=shortest, longest=longest, dropout=dropout)
    return Backbone(module, module.num_features)
