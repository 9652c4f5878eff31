"""Learning rates that change with the number of updates."""

from __future__ import annotations as _annotations

from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.base.typing import Configuration as _Configuration
from eagerflow.optimizers.schedules.base import *
from eagerflow.optimizers.table import SCHEDULES as _SCHEDULES

if TYPE_CHECKING:
    from eagerflow.optimizers.schedules.cosine import *
    from eagerflow.optimizers.schedules.decays import *


def serialize(learning_rate_schedule: _Any) -> _Configuration:
    """The configuration of a schedule, from which `deserialize` makes an equal one.

    Args:
        learning_rate_schedule: the schedule.

    >>> ef.optimizers.schedules.serialize(ef.optimizers.schedules.CosineDecay(0.5, 100))["class_name"]
    'CosineDecay'
    """
    return _SCHEDULES.serialize(learning_rate_schedule)


@_boundary
def deserialize(config: _Any, custom_objects: _Any = None) -> LearningRateSchedule:
    """Makes a schedule from its configuration.

    Args:
        config: the configuration that `serialize` returned: a dict with `class_name` and `config`.
        custom_objects: further classes by name; those that are registered are known already.

    >>> config = ef.optimizers.schedules.serialize(ef.optimizers.schedules.CosineDecay(0.5, 100))
    >>> float(ef.optimizers.schedules.deserialize(config)(100))  # at the end of the decay
    0.0
    """
    return _SCHEDULES.deserialize(config, custom_objects)


_listed(
    __name__,
    homes={
        ".cosine": "CosineDecay CosineDecayRestarts",
        ".decays": "ExponentialDecay InverseTimeDecay PiecewiseConstantDecay PolynomialDecay",
    },
)
