"""`LearningRateSchedule`: a learning rate that is a function of the number of updates."""

from __future__ import annotations

from typing import Any

from eagerflow.base.config import floatx
from eagerflow.base.init_settings import Told, automatic, telling_class
from eagerflow.base.tracebacks import bound_init
from eagerflow.core.tensor import Tensor

__all__ = ["LearningRateSchedule"]


class LearningRateSchedule(Told):
    """Base of all schedules.

    A schedule of one's own overrides `__call__(step)` and `get_config()`, as in Keras.
    """

    name: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)

    def __call__(self, step: Any) -> Any:
        """The learning rate at update `step` (from 0), as a tensor of one number."""
        return Tensor(self.rate(float(step)), floatx())

    def rate(self, step: float) -> float:
        """The same on Python numbers, which costs a training step nothing."""
        raise NotImplementedError(f"{type(self).__name__} must override __call__(step).")

    @automatic
    def get_config(self) -> dict[str, Any]:
        """All settings."""
        if telling_class(type(self)) is None:
            raise NotImplementedError(f"{type(self).__name__} must override get_config() to be saved.")
        return {**super().get_config(), "name": self.name}
