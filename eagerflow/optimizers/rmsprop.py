"""RMSprop: steps divided by a running root mean square of the gradients."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow.base.variants import accelerated
from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS
from eagerflow.optimizers.updates.passes import elementwise

__all__ = ["RMSprop"]


@elementwise
@accelerated("optimizers")
def _rmsprop(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, rho, new, momentum, epsilon, centered = settings
    velocity, *others = slots
    step, square = scratch
    velocity *= rho
    xp.multiply(g, g, out=square)
    square *= new
    velocity += square
    if momentum:
        kept = others.pop(0)
    if centered:
        average = others.pop()
        average *= rho
        xp.multiply(g, new, out=step)
        average += step
        xp.multiply(average, average, out=square)
        xp.subtract(velocity, square, out=square)
        square += epsilon
    else:
        xp.add(velocity, epsilon, out=square)
    xp.sqrt(square, out=square)
    xp.multiply(g, rate, out=step)
    step /= square
    if momentum:
        kept *= momentum
        kept += step
        w -= kept
    else:
        w -= step


@OPTIMIZERS.add("rmsprop")
class RMSprop(Optimizer):
    """RMSprop: `v = rho * v + (1 - rho) * g²; w -= learning_rate * g / sqrt(v + epsilon)`.

    Args:
        learning_rate: a number, schedule or function.
        rho: the fraction of the old average of squares that is kept.
        momentum: the fraction of the last step that is kept, from 0 to 1.
        epsilon: a small number that keeps the denominator above zero.
        centered: whether to divide by an estimate of the gradients' standard deviation instead, which needs a running
            mean of the gradients, too.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Tieleman and Hinton, lecture 6.5 of "Neural networks for machine learning", 2012.

    >>> weight = ef.Variable([1.0, 1.0])
    >>> ef.optimizers.RMSprop(0.25, rho=0.75).apply([ef.Tensor([100.0, -0.01])], [weight])
    >>> [round(w, 2) for w in weight.tolist()]  # g / sqrt(g² / 4) is 2 for any g: both steps are 0.5 long
    [0.5, 1.5]
    """

    temporaries = 2
    together = 1
    rule = staticmethod(_rmsprop)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = checks.between("RMSprop", "rho", rho)
        self.momentum = checks.between("RMSprop", "momentum", momentum)
        self.epsilon = checks.epsilon("RMSprop", epsilon)
        self.centered = bool(centered)
        self.slots = (
            "velocity",
            *(("momentum",) if self.momentum else ()),
            *(("average_gradient",) if self.centered else ()),
        )

    def settings(self, rate: float) -> tuple[Any, ...]:
        return rate, self.rho, 1 - self.rho, self.momentum, self.epsilon, self.centered
