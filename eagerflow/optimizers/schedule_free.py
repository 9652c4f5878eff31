"""AdamW without a schedule: steps are averaged instead of shrunk."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow.optimizers import checks
from eagerflow.optimizers.adam import _Moments
from eagerflow.optimizers.base import Shared
from eagerflow.optimizers.entry import Entry
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS

__all__ = ["ScheduleFreeAdamW"]


def _schedule_free(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, beta_1, new_2, over_v, weight, epsilon = settings
    z, v = slots
    step, part = scratch
    xp.multiply(g, g, out=step)
    step -= v
    step *= new_2
    v += step
    xp.multiply(v, over_v, out=part)
    xp.sqrt(part, out=part)
    part += epsilon
    xp.multiply(g, rate, out=step)
    step /= part
    # The average of all z lies where w and z point: w = (1 - beta_1) * z + beta_1 * average.
    xp.multiply(z, 1 - beta_1, out=part)
    w -= part
    z -= step
    w *= 1 - weight
    xp.multiply(z, beta_1 * weight + 1 - beta_1, out=part)
    w += part


@OPTIMIZERS.add("schedulefreeadamw")
class ScheduleFreeAdamW(_Moments):
    """Schedule-free AdamW, which averages iterates so that the learning rate needs no schedule.

    Gradients are computed at a point between the newest iterate and the mean of all iterates.

    Args:
        learning_rate: a number, schedule or function.
        beta_1: how near this point is to the mean, from 0 to 1.
        beta_2: decay rate of the running mean of squared gradients.
        epsilon: a small number that keeps the denominator above zero.
        warmup_steps: the number of steps in which the learning rate grows to its full value.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Defazio et al., "The road less scheduled", 2024.

    >>> weight = ef.Variable(1.0)
    >>> optimizer = ef.optimizers.ScheduleFreeAdamW(0.1)
    >>> for _ in range(100):
    ...     with ef.GradientTape() as tape:
    ...         loss = weight**2
    ...     optimizer.apply([tape.gradient(loss, weight)], [weight])
    >>> abs(float(weight)) < 0.1
    True
    """

    temporaries = 2
    rule = staticmethod(_schedule_free)

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **shared)
        self.warmup_steps = checks.whole("ScheduleFreeAdamW", "warmup_steps", warmup_steps, lowest=0)

    def _add_slots(self, entry: Entry) -> None:
        super()._add_slots(entry)
        entry.slots[0].assign(entry.variable.value)

    def settings(self, rate: float) -> tuple[Any, ...]:
        step = self._step
        if self.warmup_steps:
            rate *= min(step / self.warmup_steps, 1.0)
        return rate, self.beta_1, 1 - self.beta_2, 1 / (1 - self.beta_2**step), 1 / step, self.epsilon
