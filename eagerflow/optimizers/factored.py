"""Adafactor: Adam's denominators from sums of rows and columns, in little memory."""

from __future__ import annotations

import math
from typing import Any, Unpack

from eagerflow.core.device import device
from eagerflow.core.dtypes import wide_mean
from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.entry import Entry
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS

__all__ = ["Adafactor"]


def _adafactor(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    bound, kept, epsilon_1, epsilon_2, limit = settings
    square = g * g + epsilon_1
    *sums, v = slots
    if sums:
        rows, columns = sums
        rows *= kept
        rows += (1 - kept) * wide_mean(square, -1)
        columns *= kept
        columns += (1 - kept) * wide_mean(square, -2)
        v[...] = (rows / wide_mean(rows, -1, keepdims=True))[..., None] * columns[..., None, :]
    else:
        v *= kept
        v += (1 - kept) * square
    step = g / xp.sqrt(v)
    size = xp.maximum(_rms(xp, step) / limit, 1.0).astype(step.dtype)
    step *= (xp.maximum(_rms(xp, w), epsilon_2) * bound).astype(step.dtype) / size
    w -= step


def _rms(xp: Any, array: Any) -> Any:
    return xp.sqrt(wide_mean(array * array))


@OPTIMIZERS.add("adafactor")
class Adafactor(Optimizer):
    """Adafactor: Adam with little memory, which keeps only row and column means of squared gradients.

    Args:
        learning_rate: a number, schedule or function.
        beta_2_decay: the running means of squares keep the fraction `1 - step ** beta_2_decay` at each step.
        epsilon_1: a small number that is added to squared gradients.
        epsilon_2: the smallest root mean square of a variable that steps are relative to.
        clip_threshold: the largest root mean square of a step, before the learning rate; larger steps are scaled down.
        relative_step: accepted for Keras' signature: as in Keras, the rate is limited to `1 / sqrt(step)` in any case.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.

    >>> small, large = ef.Variable(ef.ops.ones((2, 3))), ef.Variable(100 * ef.ops.ones((2, 3)))
    >>> gradient = ef.Tensor([[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]])
    >>> ef.optimizers.Adafactor(0.125).apply([gradient, gradient], [small, large])
    >>> round(float(small[0, 0]), 3), round(float(large[0, 0]), 3)  # steps are relative to the size of the weights
    (0.875, 87.5)
    """

    rule = staticmethod(_adafactor)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_2_decay = checks.number("Adafactor", "beta_2_decay", beta_2_decay)
        self.epsilon_1 = checks.at_least("Adafactor", "epsilon_1", epsilon_1)
        self.epsilon_2 = checks.at_least("Adafactor", "epsilon_2", epsilon_2)
        self.clip_threshold = checks.positive("Adafactor", "clip_threshold", clip_threshold)
        self.relative_step = bool(relative_step)

    def _add_slots(self, entry: Entry) -> None:
        variable, sums = entry.variable, []
        shape, dtype = variable.shape, variable.dtype.name
        with device(variable.device):
            if len(shape) >= 2:
                name = variable.path.replace("/", "_")
                sums = [
                    self.add_variable(shape[:-1], dtype=dtype, name=f"{name}_row"),
                    self.add_variable((*shape[:-2], shape[-1]), dtype=dtype, name=f"{name}_column"),
                ]
            else:  # Keras keeps two placeholders, and files have them
                for _ in range(2):
                    self.add_variable((), dtype="int32", name=variable.name)
        entry.slots = (*sums, self.add_variable_from_reference(variable, "velocity"))

    def settings(self, rate: float) -> tuple[Any, ...]:
        step = self._step
        rate = min(rate, 1 / math.sqrt(step))  # also without relative_step, as in Keras
        return rate, 1 - step**self.beta_2_decay, self.epsilon_1, self.epsilon_2, self.clip_threshold
