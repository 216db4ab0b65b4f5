"""Pretrained weights put into a network of torchvision: all but those of the classifier, which is not there.

Images of studies have mean 0 and deviation 1 over the training split, as pretrained networks expect of ImageNet's: no other
constants are used. Grey images get the sum of the first convolution's weights over the colours: the very numbers that the
network computes of a grey picture in three equal channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ablate.catalogue.backbones.weights import missing, weights_file
from ablate.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_NAMED = 2
"""Weights of each kind of fault that an error names."""


def load_weights(
    network: nn.Module, name: str, pretrained: bool | str, *, classifier: str, drawn: Iterable[str] = ()
) -> None:
    """Load the weights that `pretrained` names for the network `name`; nothing where it is false, or on the meta device.

    `classifier` begins the names that are left out; `drawn` are weights of `network` that stay as they are. Reads a local
    file, never the network. Raises DataError where the file is missing, no state dict, or one of another network.
    """
    path = weights_file(name, pretrained)
    if path is None or next(network.parameters()).is_meta:
        return
    if not path.is_file():
        raise missing(name, pretrained)
    found = {key: weight for key, weight in read_state_dict(path).items() if not key.startswith(classifier)}
    own = network.state_dict()
    for key in drawn:
        found[key] = own[key]
    first = _first_weight(network)
    if first in found and (own[first].shape[1], *found[first].shape[1:2]) == (1, 3):
        found[first] = found[first].sum(dim=1, keepdim=True)
    faults = _faults(own, found)
    if faults:
        raise DataError(
            f"backbone {name}: {path} holds the weights of another network: it {'; it '.join(faults)}\n"
            f"  name a state dict of torchvision's {name}, as torch.save(model.state_dict(), path) writes it"
        )
    network.load_state_dict(found)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of torch.save or safetensors. Raises DataError where it is neither, or holds something else."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    mend = "  name a file that torch.save(model.state_dict(), path) has written, or a .safetensors"
    try:
        safe = path.suffix == ".safetensors"
        found = load_file(path) if safe else torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, SafetensorError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} cannot be read as weights ({why})\n{mend}") from None
    if not isinstance(found, dict) or not all(isinstance(value, torch.Tensor) for value in found.values()):
        keys = ", ".join(map(str, list(found)[:3])) if isinstance(found, dict) else ""
        inside = f"a dictionary of {keys}" if keys else f"a {type(found).__name__}"
        raise DataError(f"{path} holds no state dict, but {inside}\n{mend}")
    return dict(found)


def _first_weight(network: nn.Module) -> str:
    from torch import nn

    return next(f"{name}.weight" for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d))


def _faults(own: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    """What keeps `found` from being the weights of `own`, in words; counters of old files may be missing."""
    lacks = [key for key in own if key not in found and not key.endswith("num_batches_tracked")]
    extra = [key for key in found if key not in own]
    other = [
        f"{key} ({_shape(found[key])}, not {_shape(own[key])})"
        for key in own
        if key in found and found[key].shape != own[key].shape
    ]
    kinds = {"lacks": lacks, "has what is not in it,": extra, "has of another shape": other}
    return [f"{what} {_some(names)}" for what, names in kinds.items() if names]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _shape(weight: Tensor) -> str:
    return "x".join(map(str, weight.shape)) or "a number"
