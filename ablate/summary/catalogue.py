"""The catalogue as text: what can be named in a study file."""

from __future__ import annotations

from typing import Any

from ablate.catalogue.backbones import takes_books
from ablate.catalogue.costs import COSTS
from ablate.catalogue.datasets import DATASETS
from ablate.catalogue.metrics import METRICS, OFFICIAL
from ablate.catalogue.registry import Registry
from ablate.study.space_file import REGISTRIES

KINDS: dict[str, Registry[Any] | None] = {
    "losses": REGISTRIES["loss"],
    "samplers": REGISTRIES["sampler"],
    "backbones": REGISTRIES["backbone"],
    "optimizers": REGISTRIES["optimizer"],
    "schedules": REGISTRIES["schedule"],
    "augmentations": REGISTRIES["augmentation"],
    "datasets": DATASETS,
    "metrics": None,
    "costs": None,
}


def as_text(kind: str) -> str:
    """One block: a line of what each entry is, its parameters with default value and default space, its source."""
    registry = KINDS[kind]
    if kind == "metrics":
        rows = [f"  val/{m.name:18} {m.summary} ({m.goal}; {m.source})" for m in METRICS.values()]
        rows += [f"  test/{m.name:17} {m.summary} ({m.goal}; {m.source})" for m in OFFICIAL.values()]
        return "\n".join([kind, *rows])
    if registry is None:
        return "\n".join([kind, *(f"  {c.name:32} {c.summary} ({c.unit}; {c.goal})" for c in COSTS.values())])
    lines = [kind]
    if registry in REGISTRIES.values():
        lines = [f"{kind} (in YAML a name alone takes the defaults, `name:` in a mapping searches its space)"]
    for entry in registry:
        lines.append(f"  {entry.name:18} {entry.summary}")
        if kind == "backbones":
            lines.append(f"  {'':18}   embeds: {'books' if takes_books(entry) else 'images'}")
        for name, parameter in entry.parameters.items():
            space = f", space {entry.space[name]}" if name in entry.space else ""
            lines.append(f"  {'':18}   {name}: default {parameter.default}{space}".replace("'", ""))
        lines.append(f"  {'':18}   source: {entry.source}")
    for family in registry.families:
        lines.append(f"  {family.example:18} {family.summary}")
        lines += [f"  {'':18}   {also}" for also in (f"needs: {family.install}", f"source: {family.source}")]
    return "\n".join(lines)
