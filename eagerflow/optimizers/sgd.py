"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS
from eagerflow.optimizers.updates.passes import elementwise

__all__ = ["SGD"]


@elementwise
def _plain(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    (rate, _) = settings
    (step,) = scratch
    xp.multiply(g, rate, out=step)
    w -= step


@elementwise
def _momentum(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, momentum = settings
    (velocity,) = slots
    (step,) = scratch
    xp.multiply(g, rate, out=step)
    velocity *= momentum
    velocity -= step
    w += velocity


@elementwise
def _nesterov(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, momentum = settings
    (velocity,) = slots
    (step,) = scratch
    xp.multiply(g, rate, out=step)
    velocity *= momentum
    velocity -= step
    w -= step
    xp.multiply(velocity, momentum, out=step)
    w += step


@OPTIMIZERS.add("sgd")
class SGD(Optimizer):
    """Gradient descent: `w -= learning_rate * g`; with momentum, `v = momentum * v - learning_rate * g; w += v`.

    Args:
        learning_rate: a number, schedule or function.
        momentum: the fraction of the last step that is kept, from 0 to 1.
        nesterov: whether to use Nesterov momentum.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.

    >>> w = ef.Variable([1.0, 2.0])
    >>> ef.optimizers.SGD(learning_rate=0.5).apply([ef.Tensor([1.0, 1.0])], [w])
    >>> w.numpy().tolist()
    [0.5, 1.5]
    """

    temporaries = 1

    def __init__(
        self, learning_rate: Rate = 0.01, momentum: float = 0.0, nesterov: bool = False, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.momentum = checks.between("SGD", "momentum", momentum)
        self.nesterov = bool(nesterov)
        self.slots = ("momentum",) if self.momentum else ()
        self.rule = (_nesterov if self.nesterov else _momentum) if self.momentum else _plain

    def settings(self, rate: float) -> tuple[Any, ...]:
        return rate, self.momentum
