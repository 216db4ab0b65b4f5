"""Files of weights that a backbone begins with: where each lies, what to do where it is missing, and the digest of it.

`pretrained: true` means the file that torchvision publishes, in the folder where torch.hub keeps it; a text is the path of
a file of one's own, of a transformer that of a folder or a name on a hub (`transformer_weights.py`). Nothing here imports
torch: the command line asks for digests.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from ablate.catalogue.backbones import timm_names
from ablate.catalogue.backbones.transformer_weights import FROM_SCRATCH, transformer_files
from ablate.errors import DataError
from ablate.types import Scalar

PUBLISHED = {
    "efficientnet_b0": "efficientnet_b0_rwightman-7f5810bc.pth",
    "mobilenet_v3_large": "mobilenet_v3_large-5c1a4163.pth",
    "mobilenet_v3_small": "mobilenet_v3_small-047dcff4.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet50": "resnet50-11ad3fa6.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg16_bn": "vgg16_bn-6c64b313.pth",
}
"""Network -> file of torchvision's default weights; the name ends with the first digits of its SHA-256."""
ADDRESS = "https://download.pytorch.org/models"
"""Where torchvision publishes them."""
TRANSFORMERS = frozenset({"distilbert"})
"""Backbones of which `pretrained` names a folder, not a file."""


def weights_file(network: str, pretrained: Scalar) -> Path | None:
    """The file, there or not, that `pretrained` names for a network of torchvision or timm; None where it names none."""
    if pretrained is False:
        return None
    if isinstance(pretrained, str):
        return Path(pretrained).expanduser().absolute()
    if timm_names.is_timm(network):
        from ablate.catalogue.backbones.timm_weights import published_file

        return published_file(network)
    return hub_folder() / PUBLISHED[network]


def hub_folder() -> Path:
    """Where torch.hub keeps weights: `$TORCH_HOME/hub/checkpoints`, by default below ~/.cache/torch."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser().absolute() / "hub" / "checkpoints"


def missing(network: str, pretrained: Scalar, failure: str | None = None) -> DataError:
    """What to say where the file is not there; `failure` is why it could not be downloaded."""
    path = weights_file(network, pretrained)
    begin = f"backbone {network}: the pretrained weights {path} are not there"
    tried = f"\n  the download failed: {failure}" if failure is not None else ""
    if isinstance(pretrained, str):
        mend = "write the path of a state dict in `pretrained`, absolute or from where ablate is started"
    elif timm_names.is_timm(network):
        from ablate.catalogue.backbones.timm_weights import address

        mend = f"download {address(network)} elsewhere and name it, as in `pretrained: weights/model.safetensors`"
    else:
        mend = f"put {ADDRESS}/{PUBLISHED[network]} there, or set TORCH_HOME; no network is needed then"
    return DataError(f"{begin}{tried}\n  {mend}")


def network_of(backbone: str, params: Mapping[str, Scalar]) -> str | None:
    """The network whose weights a backbone with these parameters can begin with; None where nobody has any."""
    if params.get("batch_norm") is True and f"{backbone}_bn" in PUBLISHED:
        return f"{backbone}_bn"
    return backbone if backbone in PUBLISHED or timm_names.is_timm(backbone) else None


def begins_with_weights(backbone: str, params: Mapping[str, Scalar]) -> bool:
    """Whether a backbone with these parameters begins with weights that somebody has trained."""
    if backbone in TRANSFORMERS:
        return params.get("pretrained", FROM_SCRATCH) != FROM_SCRATCH
    return network_of(backbone, params) is not None and params.get("pretrained", False) is not False


def rests_on(backbone: str, params: Mapping[str, Scalar]) -> dict[str, str]:
    """What the numbers of a backbone depend on beside its name, its parameters and our code: files and libraries."""
    found = {"timm": version("timm")} if timm_names.is_timm(backbone) else {}
    digest = weights_digest(backbone, params)
    return found if digest is None else {**found, "weights": digest}


def weights_digest(backbone: str, params: Mapping[str, Scalar]) -> str | None:
    """SHA-256 of what the backbone begins with, 16 hex digits; None where it begins with no weights, or they are not there."""
    files = _files(backbone, params)
    try:
        digests = [_digest(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    except OSError:
        return None
    if len(digests) < 2:
        return digests[0] if digests else None
    told = "".join(f"{path.name} {digest}\n" for path, digest in zip(files, digests, strict=True))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _files(backbone: str, params: Mapping[str, Scalar]) -> list[Path]:
    """The files, there or not, that the backbone begins with."""
    if not begins_with_weights(backbone, params):
        return []
    if backbone in TRANSFORMERS:
        return transformer_files(str(params["pretrained"]))
    network = network_of(backbone, params)
    path = None if network is None else weights_file(network, params["pretrained"])
    return [] if path is None else [path]


@lru_cache(maxsize=64)  # asked for each trial; VGG's half a gigabyte takes a second
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
