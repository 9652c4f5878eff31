"""Optimizers, and the schedules that their learning rates follow."""

from __future__ import annotations as _annotations

from typing import TYPE_CHECKING, Any as _Any, cast as _cast

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.base.typing import OptimizerLike as _OptimizerLike
from eagerflow.optimizers import schedules as schedules
from eagerflow.optimizers.any_optimizer import AnyOptimizer as _AnyOptimizer
from eagerflow.optimizers.base import Optimizer as Optimizer
from eagerflow.optimizers.table import OPTIMIZERS as _OPTIMIZERS

if TYPE_CHECKING:
    from eagerflow.optimizers.adagrad import *
    from eagerflow.optimizers.adam import *
    from eagerflow.optimizers.factored import *
    from eagerflow.optimizers.ftrl import *
    from eagerflow.optimizers.loss_scale import *
    from eagerflow.optimizers.multi import *
    from eagerflow.optimizers.muon import *
    from eagerflow.optimizers.rmsprop import *
    from eagerflow.optimizers.schedule_free import *
    from eagerflow.optimizers.sgd import *
    from eagerflow.optimizers.signs import *


@_boundary
def get(identifier: _OptimizerLike) -> _AnyOptimizer:
    """Finds an optimizer by its name (in any case) or configuration; objects and None are returned as they are.

    Args:
        identifier: a name such as `"adam"`, a configuration, an optimizer, or None.

    Raises:
        UnknownNameError: for an unknown name.
        TypeError: for anything that is no optimizer.

    >>> ef.optimizers.get("SGD").name
    'sgd'
    """
    if identifier is None:
        nothing: _Any = None
        return nothing
    if isinstance(identifier, str) and identifier.lower() in _OPTIMIZERS:
        identifier = identifier.lower()
    found = _OPTIMIZERS.get(identifier)
    if not isinstance(found, Optimizer):
        raise TypeError(
            f"optimizer={identifier!r:.100}: expected a name such as 'adam', an Optimizer object or its config."
        )
    return _cast(_AnyOptimizer, found)


def serialize(optimizer: Optimizer) -> dict[str, _Any]:
    """The configuration of an optimizer, without its state.

    Args:
        optimizer: the optimizer.

    >>> ef.optimizers.serialize(ef.optimizers.SGD(0.5))["class_name"]
    'SGD'
    """
    config: dict[str, _Any] = _OPTIMIZERS.serialize(optimizer)
    return config


@_boundary
def deserialize(config: _Any, custom_objects: _Any = None) -> Optimizer:
    """Makes an optimizer from its configuration.

    Args:
        config: the configuration that `serialize` returned: a dict with `class_name` and `config`.
        custom_objects: a dict of custom classes by name; registered ones are known already.

    >>> config = ef.optimizers.serialize(ef.optimizers.SGD(0.5))
    >>> float(ef.optimizers.deserialize(config).learning_rate)
    0.5
    """
    made: Optimizer = _OPTIMIZERS.deserialize(config, custom_objects)
    return made


_listed(
    __name__,
    "schedules",
    homes={
        ".adagrad": "Adadelta Adagrad",
        ".adam": "Adam AdamW Adamax Nadam",
        ".factored": "Adafactor",
        ".ftrl": "Ftrl",
        ".loss_scale": "LossScaleOptimizer",
        ".multi": "MultiOptimizer OptimizerMap",
        ".muon": "Muon",
        ".rmsprop": "RMSprop",
        ".schedule_free": "ScheduleFreeAdamW",
        ".sgd": "SGD",
        ".signs": "Lamb Lion",
    },
)
