"""Any model of timm, by its name there: `timm:resnet10t`. Needs the extra `ablate[timm]`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.catalogue.backbones.backbone import BACKBONES, Backbone, ImageShape
from ablate.catalogue.backbones.timm_names import INSTALL, PREFIX, timm_names
from ablate.catalogue.backbones.weights import missing, weights_file
from ablate.errors import DataError

if TYPE_CHECKING:
    from torch import nn


@BACKBONES.register_family(
    PREFIX, known=timm_names, install=INSTALL, source="Wightman 2019, timm (PyTorch Image Models)"
)
def timm_model(name: str) -> Callable[..., Backbone]:
    """Any model of timm by its name there, without its classifier; small images get no stem of their own."""

    def build(image: ImageShape, *, pretrained: bool | str = False) -> Backbone:
        weights = weights_file(f"{PREFIX}{name}", pretrained)
        num_features = _num_features(name, image)
        if weights is None or _on_meta():
            return Backbone(_create(name, image, num_classes=0), num_features)
        if not weights.is_file():
            raise missing(f"{PREFIX}{name}", pretrained)
        return Backbone(_with_weights(name, image, weights), num_features)

    build.__doc__ = f"{name} as timm builds it, without its classifier; small images get no stem of their own."
    return build


def _create(name: str, image: ImageShape, **arguments: Any) -> nn.Module:
    """The model for images of this shape; those that are made for one size are told which."""
    import timm

    known = timm.get_pretrained_cfg(name)
    sized: dict[str, Any] = {"img_size": image.size} if known is not None and known.fixed_input_size else {}
    model: nn.Module = timm.create_model(name, in_chans=image.channels, **sized, **arguments)
    return model


def _num_features(name: str, image: ImageShape) -> int:
    """Width of the features, from a pass on the meta device. Raises DataError where the model takes no images of this size."""
    import torch

    try:
        with torch.device("meta"), torch.no_grad():
            model = _create(name, image, num_classes=0).eval()
            features = model(torch.empty(1, image.channels, image.size, image.size))
        _, width = features.shape
    except Exception as error:  # noqa: BLE001  timm's models have no common error for this
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"backbone {PREFIX}{name} takes no images of {image.size} pixels with {image.channels} channels ({why})\n"
            "  set a larger image_size, or one that the model's name says, or take another model"
        ) from None
    return int(width)


def _with_weights(name: str, image: ImageShape, weights: Path) -> nn.Module:
    """The model with the weights of a file, which are those of the whole model with the classifier it was published with.

    Grey images get the sum of the first convolution's weights over the colours, positions of another image size are
    interpolated: both by timm. Raises DataError where the file holds something else.
    """
    try:
        model = _create(name, image, pretrained=True, pretrained_cfg_overlay={"file": str(weights)})
    except Exception as error:  # noqa: BLE001  whatever timm's readers and filters make of a strange file
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"backbone {PREFIX}{name}: {weights} does not hold its weights ({why})\n"
            f"  name a state dict of timm's {name} with its classifier, .pth or .safetensors"
        ) from None
    reset: Any = model.reset_classifier
    reset(0)
    return model


def _on_meta() -> bool:
    """Whether nothing is computed now, so that no weights are needed."""
    import torch

    return torch.get_default_device().type == "meta"
