"""Adam and its relatives: steps from running means of gradients and of their squares."""

from __future__ import annotations

import math
from typing import Any, Unpack

from eagerflow.base.variants import accelerated
from eagerflow.core.device import device
from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS
from eagerflow.optimizers.updates.passes import elementwise

__all__ = ["Adam", "AdamW", "Adamax", "Nadam"]


@elementwise
@accelerated("optimizers")
def _adam(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    alpha, new_1, new_2, epsilon = settings
    (step,) = scratch
    m, v = slots[0], slots[1]
    xp.subtract(g, m, out=step)
    step *= new_1
    m += step
    xp.multiply(g, g, out=step)
    step -= v
    step *= new_2
    v += step
    if len(slots) == 3:  # amsgrad: never a smaller denominator than before
        v = xp.maximum(slots[2], v, out=slots[2])
    xp.sqrt(v, out=step)
    step += epsilon
    xp.divide(m, step, out=step)
    step *= alpha
    w -= step


@elementwise
def _adamax(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, new_1, beta_2, epsilon = settings
    m, u = slots
    (step,) = scratch
    xp.subtract(g, m, out=step)
    step *= new_1
    m += step
    xp.absolute(g, out=step)
    u *= beta_2
    xp.maximum(u, step, out=u)
    xp.add(u, epsilon, out=step)
    xp.divide(m, step, out=step)
    step *= rate
    w -= step


@elementwise
def _nadam(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    of_m, of_g, over_v, rate, new_1, new_2, epsilon = settings
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
    xp.multiply(m, of_m, out=step)
    step /= root
    step *= rate
    w -= step
    xp.multiply(g, of_g, out=step)
    step /= root
    step *= rate
    w -= step


class _Moments(Optimizer):
    """What keeps a mean of gradients and one of their sizes."""

    slots: tuple[str, ...] = ("momentum", "velocity")
    temporaries = 1

    def __init__(
        self, learning_rate: Any, beta_1: float, beta_2: float, epsilon: float, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(learning_rate, **shared)
        owner = type(self).__name__
        self.beta_1 = checks.between(owner, "beta_1", beta_1)
        self.beta_2 = checks.between(owner, "beta_2", beta_2)
        self.epsilon = checks.epsilon(owner, epsilon)


@OPTIMIZERS.add("adam")
class Adam(_Moments):
    """Adam: divides a running mean of the gradients by the root of a running mean of their squares.

    With `m` and `v` as running means of the gradients `g` and of `g²`, an update is
    `w -= alpha * m / (sqrt(v) + epsilon)`. `alpha` is the learning rate, corrected for the zeros that `m` and `v` begin
    with. `epsilon` is the paper's "epsilon hat".

    Args:
        learning_rate: a number, schedule or function.
        beta_1: decay rate of the running mean of gradients: the fraction that is kept at each step.
        beta_2: decay rate of the running mean of squared gradients.
        epsilon: a small number that keeps the denominator above zero.
        amsgrad: whether to divide by the largest running mean of squares so far (AMSGrad).
        **shared: what all optimizers take; see `Optimizer`.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2014; amsgrad: Reddi et al., 2018.

    >>> w = ef.Variable([1.0])
    >>> optimizer = ef.optimizers.Adam(learning_rate=0.1)
    >>> optimizer.apply_gradients([(ef.Tensor([4.0]), w)]).name
    'iteration'
    >>> round(float(w[0]), 4)
    0.9
    """

    rule = staticmethod(_adam)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **shared)
        self.amsgrad = bool(amsgrad)
        if self.amsgrad:
            self.slots = ("momentum", "velocity", "velocity_hat")

    def settings(self, rate: float) -> tuple[Any, ...]:
        step = self._step
        alpha = rate * math.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        return alpha, 1 - self.beta_1, 1 - self.beta_2, self.epsilon


@OPTIMIZERS.add("adamw")
class AdamW(Adam):
    """Adam with decoupled weight decay: weights shrink by `weight_decay * learning_rate` before each update.

    Args:
        learning_rate: a number, schedule or function.
        weight_decay: the fraction, times the learning rate, by which weights shrink before each update.
        beta_1: decay rate of the running mean of gradients: the fraction that is kept at each step.
        beta_2: decay rate of the running mean of squared gradients.
        epsilon: a small number that keeps the denominator above zero.
        amsgrad: whether to divide by the largest running mean of squares so far (AMSGrad).
        **shared: what all optimizers take; see `Optimizer`.

    Raises:
        ValueError: for `weight_decay=None`; use `Adam` then.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2017.

    >>> weight = ef.Variable([1.0, 2.0])
    >>> ef.optimizers.AdamW(0.25, weight_decay=0.5).apply([ef.Tensor([0.0, 4.0])], [weight])
    >>> weight.numpy().round(3).tolist()  # decay takes an eighth of each weight, the gradient's step is 0.25
    [0.875, 1.5]
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW(weight_decay=None): expected a number; without decay of weights use Adam.")
        shared["weight_decay"] = weight_decay
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, **shared)


@OPTIMIZERS.add("adamax")
class Adamax(_Moments):
    """Adamax: Adam whose denominator is the largest recent gradient, `u = max(beta_2 * u, |g|)`.

    Args:
        learning_rate: a number, schedule or function.
        beta_1: decay rate of the running mean of gradients: the fraction that is kept at each step.
        beta_2: decay rate of `u`: the fraction that is kept at each step.
        epsilon: a small number that keeps the denominator above zero.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2014, section 7.

    >>> weight = ef.Variable([1.0, 1.0])
    >>> ef.optimizers.Adamax(0.25).apply([ef.Tensor([100.0, -0.01])], [weight])
    >>> weight.numpy().round(3).tolist()  # the first step has the size of the rate, for gradients of any size
    [0.75, 1.25]
    """

    slots = ("momentum", "norm")
    rule = staticmethod(_adamax)

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
        return rate / (1 - self.beta_1**self._step), 1 - self.beta_1, self.beta_2, self.epsilon


@OPTIMIZERS.add("nadam")
class Nadam(_Moments):
    """Nadam: Adam with Nesterov momentum, which grows during the first steps.

    Args:
        learning_rate: a number, schedule or function.
        beta_1: decay rate of the running mean of gradients: the fraction that is kept at each step.
        beta_2: decay rate of the running mean of squared gradients.
        epsilon: a small number that keeps the denominator above zero.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    >>> weight = ef.Variable([1.0, 1.0])
    >>> optimizer = ef.optimizers.Nadam(0.25)
    >>> optimizer.apply([ef.Tensor([100.0, -0.01])], [weight])
    >>> [round(w, 2) for w in weight.tolist()]  # steps of one size, for gradients of any size
    [0.73, 1.27]
    """

    temporaries = 2
    rule = staticmethod(_nadam)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **shared)
        self._product: Any = None  # of the momenta of all steps so far

    def build(self, variables: Any) -> None:
        super().build(variables)
        if self._product is None:
            with device("cpu"):
                self._product = self.add_variable((), "ones", "float64", name="u_product")

    def _update(self, entries: Any, gradients: Any, scale: Any = None) -> None:
        momentum = self._momentum(self._step)
        with self._product.changing() as product:
            product *= momentum
        super()._update(entries, gradients, scale)

    def _momentum(self, step: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def settings(self, rate: float) -> tuple[Any, ...]:
        step, so_far = self._step, float(self._product.data)
        now, then = self._momentum(step), self._momentum(step + 1)
        of_m, of_g = then / (1 - so_far * then), (1 - now) / (1 - so_far)
        over_v = 1 / (1 - self.beta_2**step)
        return of_m, of_g, over_v, rate, 1 - self.beta_1, 1 - self.beta_2, self.epsilon
