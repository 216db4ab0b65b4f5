"""Where timm's published weights lie: in the Hugging Face cache, or in torch.hub's for the few that are not on that hub."""

from __future__ import annotations

from pathlib import Path

from ablate.catalogue.backbones.timm_names import PREFIX
from ablate.errors import DataError

FILE = "model.safetensors"
"""What timm's repositories on the hub call their weights."""


def published_file(backbone: str) -> Path:
    """The file that `pretrained: true` means, there or not. Raises DataError where the model has no published weights."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.constants import HF_HUB_CACHE

    place = _place(backbone)
    if place.startswith("http"):
        from ablate.catalogue.backbones.weights import hub_folder

        return hub_folder() / place.rsplit("/", 1)[-1]
    found = try_to_load_from_cache(place, FILE)
    return Path(found) if isinstance(found, str) else Path(HF_HUB_CACHE) / f"models--{place.replace('/', '--')}" / FILE


def address(backbone: str) -> str:
    """The file in the network."""
    place = _place(backbone)
    return place if place.startswith("http") else f"https://huggingface.co/{place}/resolve/main/{FILE}"


def download(backbone: str) -> None:
    """Bring the file to where `published_file` finds it. Raises OSError or RuntimeError."""
    place = _place(backbone)
    if place.startswith("http"):
        import torch

        path = published_file(backbone)
        torch.hub.download_url_to_file(place, str(path), progress=False)
    else:
        from huggingface_hub import hf_hub_download

        hf_hub_download(place, FILE)


def _place(backbone: str) -> str:
    """The repository on the hub, or an address."""
    import timm

    known = timm.get_pretrained_cfg(backbone.removeprefix(PREFIX))
    place = known and (known.hf_hub_id or known.url)
    if not place:
        raise DataError(
            f"backbone {backbone}: timm has no published weights of this model\n"
            "  write pretrained: false, or the path of a state dict of your own"
        )
    return str(place)
