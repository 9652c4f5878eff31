"""Learning rates along half a cosine wave.

Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2016.
"""

from __future__ import annotations

import math

from eagerflow.optimizers.checks import at_least, number, positive
from eagerflow.optimizers.schedules.base import LearningRateSchedule
from eagerflow.optimizers.table import SCHEDULES

__all__ = ["CosineDecay", "CosineDecayRestarts"]


@SCHEDULES.add()
class CosineDecay(LearningRateSchedule):
    """Cosine decay: half a cosine wave down to `alpha` times the initial rate, after an optional linear warmup.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the number of steps of the decay.
        alpha: the rate at the end, as a fraction of the rate at which the decay begins.
        name: the name, for configs.
        warmup_target: the rate at the end of the warmup; None: no warmup.
        warmup_steps: the number of steps of the warmup, which comes before the decay.

    >>> float(ef.optimizers.schedules.CosineDecay(1.0, decay_steps=10)(5))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = at_least("CosineDecay", "initial_learning_rate", initial_learning_rate)
        self.decay_steps = positive("CosineDecay", "decay_steps", decay_steps)
        self.alpha = number("CosineDecay", "alpha", alpha)
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = at_least("CosineDecay", "warmup_steps", warmup_steps)

    def rate(self, step: float) -> float:
        begin, highest = self.initial_learning_rate, self.warmup_target
        if highest is None:
            return begin * self._fraction(step)
        if step < self.warmup_steps:
            return begin + (highest - begin) * step / self.warmup_steps
        return highest * self._fraction(step - self.warmup_steps)

    def _fraction(self, step: float) -> float:
        wave = 0.5 * (1 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return (1 - self.alpha) * wave + self.alpha


@SCHEDULES.add()
class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay with warm restarts: several cosine decays, one after the other.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: the number of steps of the first decay.
        t_mul: each decay takes this many times as many steps as the one before.
        m_mul: each decay begins at this many times the initial rate of the one before.
        alpha: the lowest rate, as a fraction of the initial one.
        name: the name, for configs.

    >>> schedule = ef.optimizers.schedules.CosineDecayRestarts(1.0, first_decay_steps=10)
    >>> float(schedule(5)), float(schedule(10))
    (0.5, 1.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        owner = "CosineDecayRestarts"
        self.initial_learning_rate = at_least(owner, "initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = positive(owner, "first_decay_steps", first_decay_steps)
        self.t_mul = positive(owner, "t_mul", t_mul)
        self.m_mul = number(owner, "m_mul", m_mul)
        self.alpha = number(owner, "alpha", alpha)
        self.name = name

    def rate(self, step: float) -> float:
        wave, done = self._position(step / self.first_decay_steps)
        height = 0.5 * self.m_mul**wave * (1 + math.cos(math.pi * done))
        return self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha)

    def _position(self, time: float) -> tuple[int, float]:
        """The number of the wave, and how much of it is done; `time` counts in first waves."""
        t = self.t_mul
        if t == 1.0:
            return math.floor(time), time % 1.0
        wave = math.floor(math.log(1 - time * (1 - t)) / math.log(t) + 1e-12)  # 10/10 is exactly one wave
        begin = (1 - t**wave) / (1 - t)
        return wave, (time - begin) / t**wave
