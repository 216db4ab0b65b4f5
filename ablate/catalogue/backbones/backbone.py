"""What a backbone is: a module from images [B, C, H, W], or books [B, W], to features [B, F], and F."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

from ablate.catalogue.registry import Entry, Registry

if TYPE_CHECKING:
    from torch import nn


class ImageShape(NamedTuple):
    """Of one image, as the network gets it."""

    channels: int
    """1 grey, 3 colour."""
    size: int
    """Height and width in pixels."""


class BookShape(NamedTuple):
    """Of one book, as the network gets it: a row of token ids, then numbers, then category ids, all as 32-bit floats."""

    tokens: int
    """How many token ids; 0 fills up what a short text leaves."""
    vocabulary: int
    """Token ids lie below it; at most 2**24, where floats stop to hold every whole number."""
    numbers: int
    """How many numbers, standardised over the books of the data set."""
    categories: tuple[int, ...]
    """How many values each category has; its ids lie below."""

    @property
    def width(self) -> int:
        """W, of the row."""
        return self.tokens + self.numbers + len(self.categories)


ItemShape = ImageShape | BookShape
"""What is embedded; a backbone's builder names the one it takes as the type of its first parameter."""


class Backbone(NamedTuple):
    """A feature extractor; the head that follows it makes the embedding."""

    module: nn.Module
    """[B, C, H, W], or [B, W] of books, -> [B, F]."""
    num_features: int
    """F."""


BACKBONES: Registry[Backbone] = Registry("backbone", "ablate.catalogue.backbones")


def takes_books(backbone: Entry) -> bool:
    """Whether it embeds books, not images."""
    first = next(iter(inspect.signature(backbone.build).parameters.values()))
    return first.annotation in (BookShape, BookShape.__name__)
