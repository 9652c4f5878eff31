"""A switch of a layer or model that was set by a misspelt name: Python makes a new attribute, and nothing happens."""

from __future__ import annotations

import difflib
from typing import Any

from eagerflow.base.tracebacks import warn

__all__ = ["warn_of_misspelt"]

_SWITCHES = ("trainable", "stop_training", "run_eagerly", "jit_compile")


def warn_of_misspelt(thing: Any, name: str) -> None:
    """Warn where an attribute that is new, and is set to True or False, has nearly the name of a switch.

    >>> import warnings
    >>> import eagerflow as ef
    >>> with warnings.catch_warnings(action="error"):
    ...     ef.layers.Dense(1, name="last").trainabel = False
    Traceback (most recent call last):
        ...
    UserWarning: Dense 'last' has no trainabel: it was made now, and nothing reads it. Did you mean trainable?
    """
    alike = [each for each in _SWITCHES if each[0] == name[0] and abs(len(each) - len(name)) < 3]
    found = difflib.get_close_matches(name, alike, 1, 0.85) if alike else []  # nearly always none
    if found and found[0] != name and hasattr(thing, found[0]) and not hasattr(type(thing), name):
        own = vars(thing).get("name")
        called = type(thing).__name__ + (f" {own!r}" if own else "")
        warn(f"{called} has no {name}: it was made now, and nothing reads it. Did you mean {found[0]}?")
