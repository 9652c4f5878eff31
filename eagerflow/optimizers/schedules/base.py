"""`LearningRateSchedule`: a learning rate that is a function of the number of updates."""

from __future__ import annotations

from typing import Any

from eagerflow.base.config import floatx
from eagerflow.base.tracebacks import bound_init
from eagerflow.core.tensor import Tensor

__all__ = ["LearningRateSchedule"]


class LearningRateSchedule:
    """Base of all schedules.

    A schedule of one's own overrides `__call__(step)` and `get_config()`, as in Keras.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)

    def __call__(self, step: Any) -> Any:
        """The learning rate at update `step` (from 0), as a tensor of one number."""
        return Tensor(self.rate(float(step)), floatx())

    def rate(self, step: float) -> float:
        """The same on Python numbers, which costs a training step nothing."""
        raise NotImplementedError(f"{type(self).__name__} must override __call__(step).")

    def get_config(self) -> dict[str, Any]:
        """All settings."""
        raise NotImplementedError(f"{type(self).__name__} must override get_config() to be saved.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """The schedule that `get_config` described."""
        return cls(**config)
