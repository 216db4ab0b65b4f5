"""Workers: processes that train one trial together, and learn what one process would from the same global batch.

Each worker embeds its share of the batch. The embeddings are gathered with their gradient, and the sampler chooses, and the
loss is computed, from the whole batch: negatives of a share alone would make another loss of it. Batch norm is over the
whole batch, too. What is random is drawn for the whole batch on every worker, but for what the network draws
(dropout), which differs from worker to worker.

Shapes: B embeddings of a worker, G of all workers, D embedding width, n items of a worker's share, N of the split.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from jaxtyping import Float
from torch import Tensor, nn

from ablate.training.gather import gather
from ablate.training.streams import Stream, seed_everything


@dataclass(frozen=True)
class Workers:
    """Those of one trial, as one of them sees them; of a single one nothing here costs anything.

    More than one need torch's default process group.
    """

    rank: int = 0
    """Which of them this is; 0 reports and writes checkpoints."""
    size: int = 1
    device: torch.device | None = None
    """Where this one trains; None: where the trial's spec says."""

    def share(self, count: int) -> slice:
        """This worker's part of `count` items in their order; parts of all but the last workers are equally long."""
        each = math.ceil(count / self.size)
        return slice(self.rank * each, (self.rank + 1) * each)

    def prepared(self, network: nn.Module) -> nn.Module:
        """What to call in training in place of `network`, whose batch norms become global: gradients then are those of all."""
        if self.size == 1:
            return network
        from torch.nn.parallel import DistributedDataParallel

        from ablate.training.global_batch_norm import make_global

        make_global(network)
        devices = [self.device] if self.device is not None and self.device.type == "cuda" else None
        return DistributedDataParallel(
            network,
            device_ids=devices,
            forward_sync_buffers=False,  # statistics are global: they are equal already
            gradient_as_bucket_view=True,
        )

    def gather(self, embeddings: Float[Tensor, "B D"]) -> Float[Tensor, "G D"]:
        """The embeddings of all workers, by rank, equally many of each; gradients flow back to where they came from.

        Every worker computes the same loss of them. The way back sums its gradients over the workers, and
        DistributedDataParallel takes their mean, so that no factor is left.
        """
        return embeddings if self.size == 1 else gather(embeddings).flatten(0, 1)

    def gather_split(self, own: Float[Tensor, "n D"], count: int) -> Float[Tensor, "N D"]:
        """The rows of all workers' `share(count)`, each once and in order; without gradient."""
        if self.size == 1:
            return own
        each = math.ceil(count / self.size)
        padded = own.new_zeros(each, own.shape[1])
        padded[: len(own)] = own
        return gather(padded).flatten(0, 1)[:count]

    def agree(self, numbers: Mapping[str, int | float]) -> dict[str, int | float]:
        """What worker 0 has under the same names, in the same order: clocks, and sums on a GPU, differ in their last digits."""
        if self.size == 1:
            return dict(numbers)
        values = self._tensor(list(numbers.values()))
        torch.distributed.broadcast(values, src=0)
        return {
            name: int(told) if isinstance(before, int) else float(told)
            for (name, before), told in zip(numbers.items(), values.tolist(), strict=True)
        }

    def largest(self, number: float | None) -> float | None:
        """Over all workers; None where one of them has none."""
        return self._reduced(number, max)

    def total(self, number: float | None) -> float | None:
        """Over all workers; None where one of them has none."""
        return self._reduced(number, math.fsum)

    def _reduced(self, number: float | None, reduce: Callable[[list[float]], float]) -> float | None:
        if self.size == 1:
            return number
        values = gather(self._tensor(math.nan if number is None else number)).tolist()
        return None if any(map(math.isnan, values)) else reduce(values)

    def _tensor(self, numbers: float | list[int | float]) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float64, device=self.device)


ALONE = Workers()


class Draws:
    """Torch's global generators in training: what is drawn `together` is the same on every worker, all else its own."""

    def __init__(self, workers: Workers, seed: int, epoch: int) -> None:
        self.workers = workers
        seed_everything(seed, Stream.MINING, epoch)
        if workers.size > 1:
            self._common = _states()
            if workers.rank > 0:
                seed_everything(seed, Stream.WORKERS, epoch * workers.size + workers.rank)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within, all workers draw the same."""
        if self.workers.size == 1:
            yield
            return
        own = _states()
        _set_states(self._common)
        yield
        self._common = _states()
        _set_states(own)


def _states() -> list[Tensor]:
    states = [torch.get_rng_state()]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states.append(torch.cuda.get_rng_state())
    return states


def _set_states(states: list[Any]) -> None:
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.cuda.set_rng_state(state)
