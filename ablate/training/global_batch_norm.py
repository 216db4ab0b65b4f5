"""Batch norm over the whole batch of several workers.

On GPUs it is torch's SyncBatchNorm; that one refuses the CPU, so there it is ours, with equal numbers.
Shapes: B items of a worker, W workers, C channels.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ablate.training.gather import gather


def make_global(network: nn.Module) -> None:
    """Turn every batch norm in `network` into one over all workers, in place; weights and their names stay."""
    on_gpu = next(network.parameters()).is_cuda
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm):
                setattr(module, name, _synchronised(child) if on_gpu else _like(child))


def _synchronised(norm: _BatchNorm) -> nn.Module:
    """As torch does it, where `norm` is torch's; timm's, which ends in an activation, by timm: torch would leave that out."""
    convert: Any = nn.SyncBatchNorm.convert_sync_batchnorm
    if _activated(norm):
        from timm.layers.norm_act import convert_sync_batchnorm as convert
    made: nn.Module = convert(norm)
    return made


def _activated(norm: _BatchNorm) -> bool:
    """Whether dropout and an activation are part of it (timm's BatchNormAct2d). Raises ValueError for any other kind."""
    if type(norm) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
        return False
    if not (isinstance(getattr(norm, "drop", None), nn.Module) and isinstance(getattr(norm, "act", None), nn.Module)):
        raise ValueError(
            f"the batch norm {type(norm).__name__} cannot be shared by workers\n  set resources.workers: 1"
        )
    return True


def _like(norm: _BatchNorm) -> GlobalBatchNorm:
    """With the very weights and statistics of `norm`, and what it does afterwards."""
    made = GlobalBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    if _activated(norm):
        for name in ("drop", "act"):  # under their names, for an activation may have weights
            made.add_module(name, norm.get_submodule(name))
    for name, weight in norm.named_parameters(recurse=False):
        setattr(made, name, weight)
    for name, statistic in norm.named_buffers(recurse=False):
        setattr(made, name, statistic)
    made.train(norm.training)
    return made


class GlobalBatchNorm(_BatchNorm):
    """Batch norm whose batch is that of all workers, equally many items of each."""

    def forward(self, input: Float[Tensor, "B C *place"]) -> Float[Tensor, "B C *place"]:
        """Normalised by mean and variance of all workers in training, by the running ones in evaluation."""
        normal = self._normalised(input) if self.training else super().forward(input)
        for after in self.children():  # what `_like` has given it
            normal = after(normal)
        return normal

    def _normalised(self, input: Float[Tensor, "B C *place"]) -> Float[Tensor, "B C *place"]:
        places = [0, *range(2, input.ndim)]
        variance, mean = torch.var_mean(input.float(), dim=places, correction=0)
        means, variances = gather(torch.stack([mean, variance])).unbind(dim=1)  # [W, C] each
        mean = means.mean(dim=0)
        variance = (variances + (means - mean) ** 2).mean(dim=0)  # within the workers, and between them
        self._note(mean.detach(), variance.detach(), count=len(means) * input.numel() // input.shape[1])
        wide = (1, -1, *(1 for _ in places[1:]))
        normal = (input - mean.view(wide)) * torch.rsqrt(variance + self.eps).view(wide)
        if self.affine:
            normal = normal * self.weight.view(wide) + self.bias.view(wide)
        return normal.to(input.dtype)

    @torch.no_grad()
    def _note(self, mean: Float[Tensor, "C"], variance: Float[Tensor, "C"], *, count: int) -> None:
        """Bring the running statistics up to date, as torch does: with the unbiased variance."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        step = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, step)
        self.running_var.lerp_(variance * (count / (count - 1)), step)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions: one class stands for BatchNorm1d to 3d."""
