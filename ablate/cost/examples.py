"""Examples: random inputs that a network can be run on, to count or to time what it does.

Shapes: B examples, C channels, S size of an image, W width of a book's row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ablate.catalogue.backbones import ImageShape, ItemShape


def examples(shape: ItemShape, batch: int, device: torch.device) -> Tensor:
    """Images [B, C, S, S] in channels_last order, or books [B, W] without padding, so that no token costs nothing."""
    if isinstance(shape, ImageShape):
        images = torch.rand(batch, shape.channels, shape.size, shape.size, device=device)
        return images.to(memory_format=torch.channels_last)
    tokens = torch.randint(1, shape.vocabulary, (batch, shape.tokens), device=device)
    numbers = torch.randn(batch, shape.numbers, device=device)
    categories = [torch.randint(size, (batch, 1), device=device) for size in shape.categories]
    return torch.cat([tokens.float(), numbers, *(ids.float() for ids in categories)], dim=1)
