"""Layers that read the row of a book: its token ids, its numbers, its category ids.

Shapes: B books, W width of a row, L tokens, E width of a token's embedding, F features.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ablate.catalogue.backbones.backbone import BookShape


class TextCnn(nn.Module):
    """Windows of `shortest` to `longest` tokens over the text, `width` features of each, their maximum over all places."""

    def __init__(
        self, book: BookShape, *, token_dim: int, width: int, shortest: int, longest: int, dropout: float
    ) -> None:
        super().__init__()
        self.tokens = book.tokens
        self.embed = nn.Embedding(book.vocabulary, token_dim, padding_idx=0)
        windows = range(shortest, min(max(shortest, longest), book.tokens) + 1)
        self.windows = nn.ModuleList(nn.Conv1d(token_dim, width, window) for window in windows)
        self.dropout = nn.Dropout(dropout)
        self.num_features = width * len(windows)

    def forward(self, books: Float[Tensor, "B W"]) -> Float[Tensor, "B F"]:
        """Zero padding takes part as in the paper: a window of nothing gives the bias."""
        text = self.embed(books[:, : self.tokens].long()).transpose(1, 2)
        # max, not amax, whose gradient looks at every place; and ReLU after it, which changes nothing but the time
        features = torch.cat([window(text).max(dim=2).values for window in self.windows], dim=1)
        kept: Tensor = self.dropout(torch.relu(features))
        return kept


class Metadata(nn.Module):
    """Numbers and an embedding of each category, through `depth` fully connected layers of `width` units."""

    def __init__(self, book: BookShape, *, width: int, depth: int, category_dim: int) -> None:
        super().__init__()
        self.begin, self.end = book.tokens, book.tokens + book.numbers
        self.embed = nn.ModuleList(nn.Embedding(size, category_dim) for size in book.categories)
        features = book.numbers + category_dim * len(book.categories)
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers += [nn.Linear(features, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True)]
            features = width
        self.layers = nn.Sequential(*layers)
        self.num_features = features

    def forward(self, books: Float[Tensor, "B W"]) -> Float[Tensor, "B F"]:
        ids = books[:, self.end :].long().unbind(dim=1)
        known = [embed(each) for embed, each in zip(self.embed, ids, strict=True)]
        features: Tensor = self.layers(torch.cat([books[:, self.begin : self.end], *known], dim=1))
        return features


class SideBySide(nn.Module):
    """The features of several parts, concatenated."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, books: Float[Tensor, "B W"]) -> Float[Tensor, "B F"]:
        return torch.cat([part(books) for part in self.parts], dim=1)


class MeanOfTokens(nn.Module):
    """A transformer's last layer, averaged over the tokens of a book that are no padding."""

    def __init__(self, transformer: nn.Module, tokens: int) -> None:
        super().__init__()
        self.transformer, self.tokens = transformer, tokens

    def forward(self, books: Float[Tensor, "B W"]) -> Float[Tensor, "B F"]:
        ids = books[:, : self.tokens].long()
        there = ids != 0
        # of four axes, as attention takes it: from two, transformers 5.24 asks for values, which a meta tensor does not have
        last = self.transformer(input_ids=ids, attention_mask=there[:, None, None, :]).last_hidden_state
        weight = there.to(last.dtype).unsqueeze(2)
        mean: Tensor = (last * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)  # a book without a word has no mean
        return mean
