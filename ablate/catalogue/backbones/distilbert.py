"""DistilBERT on the text of a book: a small one from scratch, or pretrained weights from a folder or the hub."""

from __future__ import annotations

from typing import Any

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, BookShape
from ablate.catalogue.backbones.transformer_weights import FROM_SCRATCH, own_folder
from ablate.errors import DataError


@BACKBONES.register(
    "distilbert",
    space={"layers": [2, 3], "heads": [2, 4]},
    bounds={"layers": (1, 48), "heads": (1, 64), "head_dim": (1, 256), "dropout": (0.0, 0.95)},
    source="Sanh et al. 2019 (arXiv:1910.01108), of transformers; mean over tokens, Reimers & Gurevych 2019 (arXiv:1908.10084)",
)
def distilbert(
    book: BookShape,
    *,
    layers: int = 2,
    heads: int = 4,
    head_dim: int = 32,
    dropout: float = 0.1,
    pretrained: str = FROM_SCRATCH,
) -> Backbone:
    """`layers` of `heads` x `head_dim` from scratch, or those of `pretrained` (a folder, a hub name); mean of all tokens.

    Pretrained weights need `tokenizer: ` of the same name under data.params; the other parameters are then the network's own.
    """
    from transformers import DistilBertConfig, DistilBertModel

    from ablate.catalogue.book_layers import MeanOfTokens

    if pretrained != FROM_SCRATCH:
        transformer = _pretrained(book, pretrained)
        return Backbone(MeanOfTokens(transformer, book.tokens), int(transformer.config.dim))
    dim = heads * head_dim
    config = DistilBertConfig(
        vocab_size=book.vocabulary,
        max_position_embeddings=book.tokens,
        n_layers=layers,
        n_heads=heads,
        dim=dim,
        hidden_dim=4 * dim,  # as in the paper, and in all of BERT's kin
        dropout=dropout,
        attention_dropout=dropout,
    )
    return Backbone(MeanOfTokens(DistilBertModel(config), book.tokens), dim)


def _pretrained(book: BookShape, name: str) -> Any:
    """The model `name` with its weights; on the meta device without. Raises DataError."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from transformers import DistilBertConfig, DistilBertModel

    place = own_folder(name) or name
    try:
        config = DistilBertConfig.from_pretrained(place)
        if (config.vocab_size, config.max_position_embeddings >= book.tokens) != (book.vocabulary, True):
            raise DataError(
                f"pretrained '{name}' has {config.vocab_size} word pieces and at most {config.max_position_embeddings} tokens, "
                f"the data set {book.vocabulary} and {book.tokens}\n"
                f"  write tokenizer: {name} under data.params, and tokens within its limit"
            )
        if torch.get_default_device().type == "meta":  # only counted: weights would be read for nothing
            return DistilBertModel(config)
        loaded: Any = DistilBertModel.from_pretrained(place, output_loading_info=True)
    # no such folder, no network; no DistilBERT in it; weights of other shapes; damaged files
    except (OSError, ValueError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        why = " ".join(str(error).split())
        raise DataError(
            f"pretrained '{name}' cannot be read ({why})\n"
            "  name a folder with config.json and model.safetensors, or without network download one elsewhere"
        ) from error
    model, report = loaded
    lacks = sorted(report["missing_keys"])  # transformers would draw these and say so in its log alone
    if lacks:
        raise DataError(
            f"pretrained '{name}' holds the weights of another network: {len(lacks)} of DistilBERT's are not there, "
            f"as {lacks[0]}\n"
            "  name a folder that DistilBertModel.save_pretrained has written"
        )
    return model
