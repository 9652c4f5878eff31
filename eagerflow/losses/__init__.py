"""Losses: what training minimizes, as classes and as functions."""

from __future__ import annotations as _annotations

from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.errors import UnknownNameError as _UnknownNameError
from eagerflow.base.faces import listed as _listed
from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.base.typing import Configuration as _Configuration, LossLike as _LossLike
from eagerflow.losses.any_loss import AnyLoss as _AnyLoss
from eagerflow.losses.base import Loss as Loss
from eagerflow.losses.crossentropy import *
from eagerflow.losses.margins import *
from eagerflow.losses.regression import *
from eagerflow.losses.table import LOSSES as _LOSSES, name_cross_entropies as _name_cross_entropies

if TYPE_CHECKING:
    from eagerflow.losses.sequences import *


@_boundary
def get(identifier: _LossLike) -> _AnyLoss:
    """Finds a loss by its name (`"mse"`: a function, `"MeanSquaredError"`: an object), configuration or class.

    Args:
        identifier: a name, a config, a class, a function of `(y_true, y_pred)`, a loss, or None.

    Raises:
        UnknownNameError: for an unknown name.

    >>> loss = ef.losses.get("mse")
    >>> loss([[0.0, 1.0]], ef.Variable([[0.0, 0.0]])).tolist()
    [0.5]
    """
    try:
        return _LOSSES.get(identifier)
    except _UnknownNameError as error:
        _name_cross_entropies(error, identifier)
        raise


def serialize(loss: _Any) -> _Configuration:
    """The configuration of a loss; of a function, its name.

    Args:
        loss: a `Loss`, or a function.

    >>> ef.losses.serialize(ef.losses.Huber(delta=2.0))["config"]["delta"]
    2.0
    >>> ef.losses.serialize(ef.losses.huber)
    'huber'
    >>> config = ef.losses.serialize(ef.losses.MeanSquaredError())
    >>> ef.losses.deserialize(config)([[0.0]], ef.Variable([[3.0]])).tolist()
    9.0
    """
    return _LOSSES.serialize(loss)


@_boundary
def deserialize(name: _Any, custom_objects: _Any = None) -> _Any:
    """Makes a loss from its configuration or name.

    Args:
        name: a name, or the configuration that `serialize` returned.
        custom_objects: a dict of custom losses by name, which are searched first.

    Raises:
        UnknownNameError: for a name that is neither built in nor registered.

    >>> config = ef.losses.serialize(ef.losses.Huber(delta=2.0))
    >>> ef.losses.deserialize(config).delta
    2.0
    >>> ef.losses.deserialize(config)([[0.0]], ef.Variable([[1.0]])).tolist()
    0.5
    """
    return _LOSSES.deserialize(name, custom_objects)


_listed(__name__, homes={".sequences": "CTC Circle circle ctc"})
