"""Optimizers: how weights follow their gradients; torch's own. Lion (Chen et al. 2023) is not among them: torch 2.15 has none.

A builder gets the weights, or groups of them of which one may have a learning rate of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.catalogue.registry import Registry

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.optimizer import ParamsT

OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", "ablate.catalogue.optimizers")

_ADAPTIVE = {"lr": {"log_uniform": [1.0e-4, 1.0e-2]}}
_BOUNDS = {"lr": (1e-12, 100.0), "momentum": (0.0, 0.9999), "weight_decay": (0.0, 100.0)}


@OPTIMIZERS.register("adam", space=_ADAPTIVE, bounds=_BOUNDS, source="Kingma & Ba 2015 (arXiv:1412.6980)")
def adam(weights: ParamsT, *, lr: float = 1e-3, weight_decay: float = 0.0) -> Optimizer:
    """Adam; `weight_decay` is added to the gradient."""
    from torch.optim import Adam

    return Adam(weights, lr=lr, weight_decay=weight_decay)


@OPTIMIZERS.register("adamw", space=_ADAPTIVE, bounds=_BOUNDS, source="Loshchilov & Hutter 2019 (arXiv:1711.05101)")
def adamw(weights: ParamsT, *, lr: float = 1e-3, weight_decay: float = 1e-2) -> Optimizer:
    """Adam with the decay of the weights apart from the gradient."""
    from torch.optim import AdamW

    return AdamW(weights, lr=lr, weight_decay=weight_decay)


@OPTIMIZERS.register("rmsprop", space=_ADAPTIVE, bounds=_BOUNDS, source="Tieleman & Hinton 2012, lecture 6.5")
def rmsprop(weights: ParamsT, *, lr: float = 1e-3, momentum: float = 0.0, weight_decay: float = 0.0) -> Optimizer:
    """Gradients divided by a running root mean square."""
    from torch.optim import RMSprop

    return RMSprop(weights, lr=lr, momentum=momentum, weight_decay=weight_decay)


@OPTIMIZERS.register(
    "sgd", space={"lr": {"log_uniform": [1.0e-3, 1.0e-1]}}, bounds=_BOUNDS, source="Robbins & Monro 1951"
)
def sgd(weights: ParamsT, *, lr: float = 1e-2, momentum: float = 0.9, weight_decay: float = 0.0) -> Optimizer:
    """Stochastic gradient descent with momentum."""
    from torch.optim import SGD

    return SGD(weights, lr=lr, momentum=momentum, weight_decay=weight_decay)
