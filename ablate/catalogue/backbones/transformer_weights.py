"""Where the weights of a pretrained transformer lie: in a folder of one's own, or in the cache of the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

FROM_SCRATCH = "none"
"""What `pretrained` of a transformer is by default."""
CONFIG = "config.json"
PATTERNS = (CONFIG, "model*.safetensors*", "pytorch_model*.bin*")
"""What transformers may read of a folder: layers and weights, in one piece or in several with an index."""


def own_folder(name: str) -> Path | None:
    """The folder that `name` leads to, absolute; None where there is none, so that it is one of the hub's names."""
    place = Path(name).expanduser().absolute()
    return place if place.is_dir() else None


def transformer_files(name: str) -> list[Path]:
    """The files that `pretrained: name` begins with; none where neither a folder nor the cache has any."""
    folder = own_folder(name) or _cached(name)
    if folder is None:
        return []
    return sorted(path for pattern in PATTERNS for path in folder.glob(pattern) if path.is_file())


def _cached(name: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, CONFIG)
    except HFValidationError:  # a path that leads nowhere
        return None
    return Path(found).parent if isinstance(found, str) else None
