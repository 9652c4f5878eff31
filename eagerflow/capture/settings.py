"""Settings of NumPy's and ours that a step may ask for, which no object holds: functions, by the names that code has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base import config
from eagerflow.kernels.machine.threads import get_num_threads

__all__ = ["SETTINGS"]


def _errors() -> tuple[Any, ...]:
    return (*numpy.geterr().items(), numpy.geterrcall())


def _printing() -> tuple[Any, ...]:
    return tuple(numpy.get_printoptions().items())


SETTINGS: dict[str, Callable[[], Any]] = {
    "geterr": _errors,
    "geterrcall": _errors,
    "getbufsize": numpy.getbufsize,
    **dict.fromkeys(("get_printoptions", "array2string", "array_repr", "array_str", "repr", "str"), _printing),
    "get_num_threads": get_num_threads,
    **{
        function.__name__: function
        for function in (
            config.is_interactive_logging_enabled,
            config.is_traceback_filtering_enabled,
            config.max_epochs,
            config.max_steps_per_epoch,
        )
    },
}
