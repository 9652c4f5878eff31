"""Ftrl: follow the regularized leader, for wide and sparse models."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer, Shared
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS

__all__ = ["Ftrl"]


def _ftrl(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    rate, power, l1, l2, shrinkage = settings
    total, linear = slots
    before = total**power
    total += g * g
    after = total**power
    linear += g + 2 * shrinkage * w - (after - before) / rate * w
    w[...] = (linear.clip(-l1, l1) - linear) / (after / rate + 2 * l2)


@OPTIMIZERS.add("ftrl")
class Ftrl(Optimizer):
    """FTRL (follow the regularized leader): weights that solve a regularized problem over all gradients so far.

    Args:
        learning_rate: a positive number, schedule or function.
        learning_rate_power: the exponent by which the rate falls with the sum of squared gradients; at most 0.
        initial_accumulator_value: the initial value of the sums of squared gradients.
        l1_regularization_strength: the strength of L1 regularization, which sets small weights to exactly zero.
        l2_regularization_strength: the strength of L2 regularization.
        l2_shrinkage_regularization_strength: the strength of L2 regularization that is added to gradients.
        beta: the paper's beta, which makes the first steps smaller.
        **shared: what all optimizers take; see `Optimizer`.

    Source: McMahan et al., "Ad click prediction: a view from the trenches", 2013.

    >>> weight = ef.Variable([1.0, 1.0])
    >>> optimizer = ef.optimizers.Ftrl(0.5, l1_regularization_strength=0.1)
    >>> for _ in range(5):
    ...     optimizer.apply([ef.Tensor([1.0, 0.01])], [weight])
    >>> [round(w, 2) for w in weight.tolist()]  # small gradients leave a weight at exactly 0
    [-0.85, 0.0]
    """

    slots = ("accumulator", "linear")
    rule = staticmethod(_ftrl)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.learning_rate_power = checks.between("Ftrl", "learning_rate_power", learning_rate_power, -float("inf"), 0)
        self.initial_accumulator_value = checks.at_least("Ftrl", "initial_accumulator_value", initial_accumulator_value)
        self.l1_regularization_strength = checks.at_least(
            "Ftrl", "l1_regularization_strength", l1_regularization_strength
        )
        self.l2_regularization_strength = checks.at_least(
            "Ftrl", "l2_regularization_strength", l2_regularization_strength
        )
        self.l2_shrinkage_regularization_strength = checks.at_least(
            "Ftrl", "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength
        )
        self.beta = checks.number("Ftrl", "beta", beta)
        self.initial_values = (self.initial_accumulator_value, 0.0)

    def settings(self, rate: float) -> tuple[Any, ...]:
        l2 = self.l2_regularization_strength + (self.beta / (2 * rate) if self.beta else 0.0)
        shrinkage = self.l2_shrinkage_regularization_strength
        return rate, -self.learning_rate_power, self.l1_regularization_strength, l2, shrinkage
