"""The learning rate of an optimizer: a number that can be assigned, a schedule, or a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy

from eagerflow.base.config import floatx
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import checks
from eagerflow.optimizers.schedules import LearningRateSchedule
from eagerflow.optimizers.table import SCHEDULES

__all__ = ["LearningRate", "Rate"]

# What an optimizer takes as its learning rate: a number, also as a tensor or variable, a schedule, or a function.
Rate: TypeAlias = float | numpy.number[Any] | numpy.ndarray[Any, Any] | Tensor | Variable | Callable[..., Any]


class LearningRate:
    """Holds one of the three, and answers with a Python float.

    Args:
        owner: the optimizer's class, for messages.
        given: the number, schedule or function.
        decay: Keras 2's: updates use number / (1 + decay * iterations); the number itself stays, and is assignable.

    Attributes:
        variable: the number, where it is one.
        decay: as given.
    """

    def __init__(self, owner: str, given: Any, decay: float = 0.0) -> None:
        self.owner = owner
        self.variable: Variable | None = None
        self._decides: Any = None
        self.decay = checks.at_least(owner, "decay", decay)
        self.set(given)
        if self.decay and self.variable is None:
            raise ValueError(f"{owner}(decay={decay}): the learning rate is a schedule already; leave decay out.")

    def set(self, given: Any) -> None:
        """Change it; a schedule stays a schedule.

        Raises:
            TypeError: for a number where a schedule decides.
            ValueError: for a negative number.
        """
        if isinstance(given, dict):
            given = SCHEDULES.deserialize(given)
        if isinstance(given, LearningRateSchedule) or (callable(given) and not isinstance(given, Variable)):
            self._decides, self.variable = given, None
            return
        if isinstance(self._decides, LearningRateSchedule):
            raise TypeError(
                f"{self.owner}.learning_rate = ...: the schedule {type(self._decides).__name__} decides the learning "
                "rate: no number can be set, by ReduceLROnPlateau or LearningRateScheduler either. Compile with a "
                "number, or assign another schedule."
            )
        value = checks.at_least(self.owner, "learning_rate", given)
        self._decides = None
        if self.variable is None:
            self.variable = Variable(value, dtype=floatx(), trainable=False, name="learning_rate")
        else:
            self.variable.assign(value)

    def value(self, step: Any) -> float:
        """The rate for the update number `step`, from 0."""
        if self.variable is not None:
            rate: float = self.variable.data.item()
            return rate / (1 + self.decay * int(step.data)) if self.decay else rate
        if not isinstance(self._decides, LearningRateSchedule):
            return float(self._decides())
        if type(self._decides).__call__ is LearningRateSchedule.__call__:
            return self._decides.rate(int(step.data))
        return float(self._decides(step))

    def words(self, step: Any) -> str:
        """The rate for a `repr`, which runs nobody's code: the number, a schedule's class, or the function."""
        if self.variable is not None:
            return f"{self.value(step):.6g}"
        if isinstance(self._decides, LearningRateSchedule):
            return type(self._decides).__name__
        return f"{getattr(self._decides, '__name__', type(self._decides).__name__)}()"

    def config(self) -> Any:
        """A number, or the config of the schedule."""
        if self.variable is not None:
            return float(self.variable.data)
        if isinstance(self._decides, LearningRateSchedule):
            return SCHEDULES.serialize(self._decides)
        raise ValueError(
            f"{self.owner}: a learning rate given as a function can't be put into a config; use a LearningRateSchedule."
        )
