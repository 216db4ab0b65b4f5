"""The search space: which levels each slot has, and which domain each parameter of each level.

A parameter belongs to its level: `loss.triplet.margin` exists only where the loss is triplet. `resolve` walks the space
and asks a `choose` function at every fork, so whoever draws (Optuna, a plan of arms) sees only what exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from ablate.study.configuration import OFF, SLOTS, Architecture, Component, Configuration
from ablate.study.domain import Choice, Domain, Fixed, count, limits
from ablate.types import Scalar

MOST_ARCHITECTURES = 200
"""Networks that are listed and measured one by one; a latency takes about three seconds."""

NO_CLIPPING, AS_THE_DEVICE, ONE_VIEW = Fixed(OFF["clip_norm"]), Fixed(OFF["precision"]), Fixed(OFF["views"])

Choose = Callable[[str, Domain], Scalar]
"""Draws a value for a name: `choose("loss.triplet.margin", Uniform(0.05, 1.0))`."""

Levels = Mapping[str, Mapping[str, Domain]]
"""Level -> parameter -> domain: {"triplet": {"margin": Uniform(0.05, 1.0)}}."""


@dataclass(frozen=True)
class Space:
    """All configurations a study may try."""

    slots: Mapping[str, Levels]
    """One entry for each of SLOTS."""
    embedding_dim: Domain
    batch_classes: Domain
    batch_per_class: Domain
    epochs: int
    normalize: Domain
    image_size: Domain
    """Fixed or a choice: the data are decoded at each size before the first trial. Fixed at 0 where items are no images."""
    clip_norm: Domain = NO_CLIPPING
    """0: gradients as they are."""
    precision: Domain = AS_THE_DEVICE
    views: Domain = ONE_VIEW

    def resolve(self, choose: Choose) -> Configuration:
        """One configuration; `choose` is asked in a fixed order, and only where there is something to choose."""

        def draw(name: str, domain: Domain) -> Scalar:
            return domain.value if isinstance(domain, Fixed) else choose(name, domain)

        components = {}
        for slot in SLOTS:
            levels = self.slots[slot]
            level = str(draw(slot, one_of(tuple(levels))))
            params = {name: draw(f"{slot}.{level}.{name}", domain) for name, domain in levels[level].items()}
            components[slot] = Component(level, params)
        return Configuration(
            **components,
            embedding_dim=int(draw("embedding_dim", self.embedding_dim)),
            batch_classes=int(draw("batch.classes", self.batch_classes)),
            batch_per_class=int(draw("batch.per_class", self.batch_per_class)),
            epochs=self.epochs,
            normalize=bool(draw("normalize", self.normalize)),
            image_size=int(draw("image_size", self.image_size)),
            clip_norm=float(draw("clip_norm", self.clip_norm)),
            precision=str(draw("precision", self.precision)),
            views=str(draw("views", self.views)),
        )

    def first(self) -> Configuration:
        """Some configuration: the first option or lower limit of everything."""
        return self.resolve(lambda _, domain: domain.options[0] if isinstance(domain, Choice) else limits(domain)[0])

    @property
    def domains(self) -> dict[str, Domain]:
        """Every fork and every fixed value by its name."""
        found: dict[str, Domain] = {}
        for slot, levels in self.slots.items():
            found[slot] = one_of(tuple(levels))
            for level, params in levels.items():
                found |= {f"{slot}.{level}.{name}": domain for name, domain in params.items()}
        return found | {
            "embedding_dim": self.embedding_dim,
            "batch.classes": self.batch_classes,
            "batch.per_class": self.batch_per_class,
            "normalize": self.normalize,
            **({"image_size": self.image_size} if self.image_size != Fixed(0) else {}),
            "clip_norm": self.clip_norm,
            "precision": self.precision,
            **({"views": self.views} if self.image_size != Fixed(0) else {}),
        }

    @property
    def size(self) -> int | None:
        """How many configurations there are; None where a range of reals is among the parameters."""
        factors = [self.embedding_dim, self.batch_classes, self.batch_per_class, self.normalize, self.image_size]
        sizes = [count(domain) for domain in (*factors, self.clip_norm, self.precision, self.views)]
        for levels in self.slots.values():
            per_level = [[count(domain) for domain in params.values()] for params in levels.values()]
            if any(None in level for level in per_level):
                return None
            sizes.append(sum(prod(n for n in level if n) for level in per_level))
        return prod(n for n in sizes if n) if None not in sizes else None

    @property
    def image_sizes(self) -> list[int]:
        """Every size that a trial may see, the smallest first."""
        return sorted(int(size) for size in values(self.image_size))

    def architectures(self) -> Iterator[Architecture] | None:
        """Every backbone at every width, image size, precision and views; None where more than MOST_ARCHITECTURES, or reals."""
        widths = count(self.embedding_dim)
        per_level = [[count(d) for d in params.values()] for params in self.slots["backbone"].values()]
        if widths is None or any(None in level for level in per_level):
            return None
        backbones = sum(prod(n for n in level if n) for level in per_level)
        total = backbones * widths * len(self.image_sizes) * len(values(self.precision)) * len(values(self.views))
        return self._architectures() if total <= MOST_ARCHITECTURES else None

    def _architectures(self) -> Iterator[Architecture]:
        others = list(product(values(self.embedding_dim), self.image_sizes, values(self.precision), values(self.views)))
        for level, params in self.slots["backbone"].items():
            combinations: list[dict[str, Scalar]] = [{}]
            for name, domain in params.items():
                combinations = [{**c, name: value} for c in combinations for value in values(domain)]
            for combination in combinations:
                for width, size, precision, views in others:
                    yield Architecture(Component(level, combination), int(width), size, str(precision), str(views))


def one_of(names: tuple[str, ...]) -> Domain:
    """A choice among level names; fixed where there is one."""
    return Choice(names) if len(names) > 1 else Fixed(names[0])


def values(domain: Domain) -> tuple[Scalar, ...]:
    """All values of a domain that can be counted."""
    if isinstance(domain, Fixed):
        return (domain.value,)
    if isinstance(domain, Choice):
        return domain.options
    assert count(domain) is not None, "a range of reals cannot be listed"
    return tuple(range(int(domain.low), int(domain.high) + 1))
