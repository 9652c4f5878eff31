"""Losses: what training minimizes."""

from __future__ import annotations

from typing import Any

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tracebacks import boundary as _boundary
from eagerflow.losses.base import Loss as Loss
from eagerflow.losses.crossentropy import *
from eagerflow.losses.margins import *
from eagerflow.losses.regression import *
from eagerflow.losses.sequences import *
from eagerflow.losses.table import LOSSES as _LOSSES


@_boundary
def get(identifier: Any) -> Any:
    """The loss of a name (`"mse"`: a function, `"MeanSquaredError"`: an object), config, or itself.

    Raises:
        UnknownNameError: for an unknown name.

    >>> get("mse") is mean_squared_error
    True
    """
    return _LOSSES.get(identifier)


def serialize(loss: Any) -> Any:
    """The config of a loss; the name of a function."""
    return _LOSSES.serialize(loss)


@_boundary
def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """The loss of a config or name."""
    return _LOSSES.deserialize(name, custom_objects)


_listed(__name__)
