"""Lion and Lamb: steps of one size everywhere, or of one size per layer."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow.optimizers import checks
from eagerflow.optimizers.adam import _Moments
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS
from eagerflow.optimizers.updates.passes import elementwise

__all__ = ["Lamb", "Lion"]


@elementwise
def _lion(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, beta_1, new_1, beta_2, new_2 = settings
    (m,) = slots
    step, part = scratch
    xp.multiply(m, beta_1, out=step)
    xp.multiply(g, new_1, out=part)
    step += part
    xp.sign(step, out=step)
    step *= rate
    w -= step
    m *= beta_2
    xp.multiply(g, new_2, out=part)
    m += part


def _lamb(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, new_1, new_2, over_m, over_v, epsilon = settings
    m, v = slots
    step, root = scratch
    xp.subtract(g, m, out=step)
    step *= new_1
    m += step
    xp.multiply(g, g, out=step)
    step -= v
    step *= new_2
    v += step
    xp.multiply(v, over_v, out=root)
    xp.sqrt(root, out=root)
    root += epsilon
    xp.multiply(m, over_m, out=step)
    step /= root
    of_w, of_step = (xp.sqrt(a.reshape(-1) @ a.reshape(-1)) for a in (w, step))
    usable = (of_w > 0) & (of_step > 0)
    step *= xp.where(usable, of_w / xp.where(usable, of_step, 1), 1).astype(step.dtype)
    step *= rate
    w -= step


@OPTIMIZERS.add("lion")
class Lion(Optimizer):
    """Lion: `w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)`, then `m` moves towards `g`.

    Args:
        learning_rate: a number, schedule or function; usually three to ten times smaller than Adam's.
        beta_1: the weight of the running mean `m` in the step.
        beta_2: decay rate of the running mean of gradients: the fraction that is kept at each step.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Chen et al., "Symbolic discovery of optimization algorithms", 2023.

    >>> weight = ef.Variable([1.0, 1.0])
    >>> ef.optimizers.Lion(0.25).apply([ef.Tensor([100.0, -0.01])], [weight])
    >>> weight.tolist()  # by the sign alone
    [0.75, 1.25]
    """

    slots = ("momentum",)
    temporaries = 2
    rule = staticmethod(_lion)

    def __init__(
        self, learning_rate: Rate = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = checks.positive("Lion", "beta_1", checks.between("Lion", "beta_1", beta_1))
        self.beta_2 = checks.between("Lion", "beta_2", beta_2)

    def settings(self, rate: float) -> tuple[Any, ...]:
        return rate, self.beta_1, 1 - self.beta_1, self.beta_2, 1 - self.beta_2


@OPTIMIZERS.add("lamb")
class Lamb(_Moments):
    """LAMB: steps in Adam's direction, whose length is proportional to the norm of each variable.

    Args:
        learning_rate: a number, schedule or function.
        beta_1: decay rate of the running mean of gradients: the fraction that is kept at each step.
        beta_2: decay rate of the running mean of squared gradients.
        epsilon: a small number that keeps the denominator above zero.
        **shared: what all optimizers take; see `Optimizer`.

    Source: You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2019.

    >>> weight = ef.Variable([3.0, 4.0])
    >>> ef.optimizers.Lamb(0.1).apply([ef.Tensor([100.0, 100.0])], [weight])
    >>> [round(w, 3) for w in weight.tolist()]  # a step of a tenth of the weights' norm, 5
    [2.646, 3.646]
    """

    temporaries = 2
    rule = staticmethod(_lamb)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **shared)

    def settings(self, rate: float) -> tuple[Any, ...]:
        over_m, over_v = (1 / (1 - beta**self._step) for beta in (self.beta_1, self.beta_2))
        return rate, 1 - self.beta_1, 1 - self.beta_2, over_m, over_v, self.epsilon
