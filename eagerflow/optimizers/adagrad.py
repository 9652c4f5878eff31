"""Adagrad and Adadelta: steps divided by sizes of all gradients so far, or of recent ones."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow.base.variants import accelerated
from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS
from eagerflow.optimizers.updates.passes import elementwise

__all__ = ["Adadelta", "Adagrad"]


@elementwise
def _adagrad(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, epsilon = settings
    (total,) = slots
    step, root = scratch
    xp.multiply(g, g, out=step)
    total += step
    xp.add(total, epsilon, out=root)
    xp.sqrt(root, out=root)
    xp.multiply(g, rate, out=step)
    step /= root
    w -= step


@elementwise
@accelerated("optimizers")
def _adadelta(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, rho, new, epsilon = settings
    squares, steps = slots
    step, other = scratch
    squares *= rho
    xp.multiply(g, g, out=step)
    step *= new
    squares += step
    xp.add(squares, epsilon, out=other)
    xp.sqrt(other, out=other)
    xp.add(steps, epsilon, out=step)
    xp.sqrt(step, out=step)
    step *= g
    step /= other
    steps *= rho
    xp.multiply(step, step, out=other)
    other *= new
    steps += other
    step *= rate
    w -= step


@OPTIMIZERS.add("adagrad")
class Adagrad(Optimizer):
    """Adagrad: `a += g²; w -= learning_rate * g / sqrt(a + epsilon)`; often updated weights take smaller steps.

    Args:
        learning_rate: a number, schedule or function.
        initial_accumulator_value: the initial value of `a`, the sums of squares.
        epsilon: a small number that keeps the denominator above zero.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011.

    >>> weight = ef.Variable(1.0)
    >>> optimizer = ef.optimizers.Adagrad(0.5, initial_accumulator_value=0.0)
    >>> for _ in range(3):
    ...     optimizer.apply([4.0], [weight])
    ...     print(round(float(weight), 3))  # steps of 0.5, 0.5 / sqrt(2), 0.5 / sqrt(3)
    0.5
    0.146
    -0.142
    """

    slots = ("accumulator",)
    temporaries = 2
    rule = staticmethod(_adagrad)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.initial_accumulator_value = checks.at_least(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = checks.epsilon("Adagrad", epsilon)
        self.initial_values = (self.initial_accumulator_value,)

    def settings(self, rate: float) -> tuple[Any, ...]:
        return rate, self.epsilon


@OPTIMIZERS.add("adadelta")
class Adadelta(Optimizer):
    """Adadelta: multiplies gradients by the ratio of the size of recent steps to the size of recent gradients.

    Args:
        learning_rate: a number, schedule or function; the paper's method has 1.0.
        rho: decay rate of the running means of squares: the fraction that is kept at each step.
        epsilon: a small number that keeps the denominator above zero.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    >>> weight = ef.Variable(1.0)
    >>> optimizer = ef.optimizers.Adadelta(1.0, rho=0.5, epsilon=0.01)
    >>> for _ in range(3):
    ...     optimizer.apply([4.0], [weight])
    ...     print(round(float(weight), 3))  # small steps first, larger ones when steps so far allow them
    0.859
    0.695
    0.516
    """

    slots = ("accumulated_grad", "accumulated_delta_var")
    temporaries = 2
    rule = staticmethod(_adadelta)

    def __init__(
        self, learning_rate: Rate = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **shared: Unpack[Shared]
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = checks.between("Adadelta", "rho", rho)
        self.epsilon = checks.epsilon("Adadelta", epsilon)

    def settings(self, rate: float) -> tuple[Any, ...]:
        return rate, self.rho, 1 - self.rho, self.epsilon
