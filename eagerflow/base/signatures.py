"""Checks of users' functions."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["refuses"]


def refuses(function: Any, *args: Any, **kwargs: Any) -> bool:
    """Whether a user's function can't be called with these arguments, as far as its signature shows.

    >>> from eagerflow.base.signatures import refuses
    >>> refuses(lambda epoch: None, 0, {}), refuses(lambda epoch, logs=None: None, 0, {})
    (True, False)
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of C
        return False
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return True
    return False
