"""`tf.compat.v1`: switches of TensorFlow 1 that change nothing here, so that scripts may keep them."""

from __future__ import annotations

import logging as _logging
from typing import Any

from eagerflow.core.random import set_random_seed

__all__ = ["disable_eager_execution", "disable_v2_behavior", "enable_eager_execution", "enable_v2_behavior", "logging"]
__all__ += ["assign", "assign_add", "assign_sub", "reset_default_graph", "set_random_seed"]


def _method(name: str) -> Any:
    return lambda ref, value, *args, **kwargs: getattr(ref, name)(value)


assign, assign_add, assign_sub = map(_method, ("assign", "assign_add", "assign_sub"))


class logging:
    """The levels of `tf.compat.v1.logging`, and its one setting."""

    DEBUG, ERROR, FATAL = _logging.DEBUG, _logging.ERROR, _logging.CRITICAL
    INFO, WARN = _logging.INFO, _logging.WARNING

    @staticmethod
    def set_verbosity(v: int) -> None:
        """What the logger "eagerflow" lets through."""
        _logging.getLogger("eagerflow").setLevel(v)


def enable_eager_execution(*args: object, **kwargs: object) -> None:
    """Accepted: everything is eager."""


def disable_eager_execution() -> None:
    """Accepted without effect: everything stays eager."""


enable_v2_behavior, disable_v2_behavior = enable_eager_execution, disable_eager_execution


def reset_default_graph() -> None:
    """Accepted: there is no graph."""
