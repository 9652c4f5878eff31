"""`LearningRateSchedule`: a learning rate that is a function of the number of updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.config_from_init import Configured, automatic, config_class
from eagerflow.base.tracebacks import bound_init
from eagerflow.core.tensor import Tensor

__all__ = ["LearningRateSchedule"]


class LearningRateSchedule(Configured):
    """Base class of learning rate schedules.

    A custom schedule overrides `__call__(step)` and `get_config()`, as in Keras.

    >>> class Halved(ef.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5 ** (1 + step // 10)
    >>> schedule = Halved()
    >>> schedule(0), schedule(20), float(ef.optimizers.SGD(schedule).learning_rate)
    (0.5, 0.125, 0.5)
    """

    name: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)

    def __call__(self, step: Any) -> Any:
        """The learning rate at update `step` (from 0), as a tensor of one number; at each one of an array of steps."""
        if getattr(step, "ndim", 0):
            steps = numpy.asarray(step)
            return Tensor(numpy.array([self.rate(float(n)) for n in steps.flat]).reshape(steps.shape), floatx())
        return Tensor(self.rate(float(step)), floatx())

    if TYPE_CHECKING:
        rate: Any  # a method; a custom schedule, which overrides `__call__`, may keep a number under this name
    else:

        def rate(self, step: float) -> float:
            """The rate at a step as a Python number, which optimizers use in training since it is faster.

            Args:
                step: the number of the step, from 0.

            >>> ef.optimizers.schedules.InverseTimeDecay(1.0, decay_steps=10, decay_rate=1.0).rate(10)
            0.5
            """
            raise NotImplementedError(f"{type(self).__name__} must override __call__(step).")

    @automatic
    def get_config(self) -> dict[str, Any]:
        """All settings.

        >>> config = ef.optimizers.schedules.ExponentialDecay(0.5, decay_steps=100, decay_rate=0.9).get_config()
        >>> config["initial_learning_rate"], config["decay_steps"], config["decay_rate"]
        (0.5, 100.0, 0.9)
        """
        if config_class(type(self)) is None:
            raise NotImplementedError(f"{type(self).__name__} must override get_config() to be saved.")
        return {**super().get_config(), "name": self.name}
