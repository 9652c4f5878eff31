"""Learning rates that decay steadily."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

from eagerflow.optimizers.checks import at_least, number, positive
from eagerflow.optimizers.schedules.base import LearningRateSchedule
from eagerflow.optimizers.table import SCHEDULES

__all__ = ["ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay"]


class _Stepwise(LearningRateSchedule):
    """What decays by a rate every this many steps."""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool, name: str
    ) -> None:
        owner = type(self).__name__
        self.initial_learning_rate = at_least(owner, "initial_learning_rate", initial_learning_rate)
        self.decay_steps = positive(owner, "decay_steps", decay_steps)
        self.decay_rate = number(owner, "decay_rate", decay_rate)
        self.staircase = bool(staircase)
        self.name = name

    def _periods(self, step: float) -> float:
        periods = step / self.decay_steps
        return math.floor(periods) if self.staircase else periods


@SCHEDULES.add()
class ExponentialDecay(_Stepwise):
    """Exponential decay: `initial * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the number of steps in which the rate is multiplied by `decay_rate` once.
        decay_rate: the factor that the rate is multiplied by in `decay_steps` steps.
        staircase: whether the rate changes only every `decay_steps` steps, instead of at every step.
        name: the name, for configs.

    >>> float(ef.optimizers.schedules.ExponentialDecay(1.0, decay_steps=10, decay_rate=0.5)(20))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)
        at_least(type(self).__name__, "decay_rate", decay_rate)  # powers of negative numbers are complex

    def rate(self, step: float) -> float:
        return self.initial_learning_rate * self.decay_rate ** self._periods(step)


@SCHEDULES.add()
class InverseTimeDecay(_Stepwise):
    """Inverse time decay: `initial / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the number of steps in which the denominator grows by `decay_rate`.
        decay_rate: how much the denominator grows.
        staircase: whether the rate changes only every `decay_steps` steps, instead of at every step.
        name: the name, for configs.

    >>> float(ef.optimizers.schedules.InverseTimeDecay(1.0, decay_steps=10, decay_rate=1.0)(10))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def rate(self, step: float) -> float:
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(step))


@SCHEDULES.add()
class PolynomialDecay(LearningRateSchedule):
    """Polynomial decay: `(initial - end) * (1 - step / decay_steps) ** power + end`.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the step at which the decay ends.
        end_learning_rate: the rate at the end and from then on.
        power: the exponent; 1 for a straight line.
        cycle: whether the rate rises and decays again after the end, where `decay_steps` is replaced by its next
            multiple.
        name: the name, for configs.

    >>> float(ef.optimizers.schedules.PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.5)(10))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = at_least("PolynomialDecay", "initial_learning_rate", initial_learning_rate)
        self.decay_steps = positive("PolynomialDecay", "decay_steps", decay_steps)
        self.end_learning_rate = at_least("PolynomialDecay", "end_learning_rate", end_learning_rate)
        self.power = number("PolynomialDecay", "power", power)
        self.cycle = bool(cycle)
        self.name = name

    def rate(self, step: float) -> float:
        length = self.decay_steps
        if self.cycle:
            length *= max(1, math.ceil(step / length))
        remaining = 1 - min(step, length) / length
        return (self.initial_learning_rate - self.end_learning_rate) * remaining**self.power + self.end_learning_rate


@SCHEDULES.add()
class PiecewiseConstantDecay(LearningRateSchedule):
    """A rate that is constant between given steps.

    Args:
        boundaries: a list of increasing steps; the rate changes after each of them.
        values: the rates between them, one more than there are boundaries.
        name: the name, for configs.

    Raises:
        ValueError: when the numbers of boundaries and values don't fit, or boundaries don't increase.

    >>> schedule = ef.optimizers.schedules.PiecewiseConstantDecay([100], [0.5, 0.25])
    >>> float(schedule(100)), float(schedule(101))
    (0.5, 0.25)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: {len(values)} values need one boundary less; got {len(boundaries)}."
            )
        if list(boundaries) != sorted(boundaries):
            raise ValueError(f"PiecewiseConstantDecay(boundaries={boundaries!r}): expected increasing steps.")
        self.boundaries = list(boundaries)
        self.values = [at_least("PiecewiseConstantDecay", "values", v) for v in values]
        self.name = name

    def rate(self, step: float) -> float:
        return self.values[bisect.bisect_left(self.boundaries, step)]
