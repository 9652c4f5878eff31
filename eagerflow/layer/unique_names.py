"""Names of layers: `dense`, `dense_1`, ... numbered per process as Keras does."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from typing import Any

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.machine.forks import held_over_forks

__all__ = ["checked_flag", "checked_name", "get_uid", "reset_uids", "snake_case", "unique_name"]

_WORD_BEGINS = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")
_counts: defaultdict[str, int] = defaultdict(int)
_lock = threading.RLock()
held_over_forks(_lock)


def snake_case(name: str) -> str:
    """A class name in lower case with underscores.

    >>> snake_case("MaxPooling2D"), snake_case("LSTM")
    ('max_pooling2d', 'lstm')
    """
    return _WORD_BEGINS.sub("_", re.sub(r"\W", "", name)).replace("__", "_").lower()


def get_uid(prefix: str = "") -> int:
    """The next number for a prefix, counted from 1.

    Args:
        prefix: the beginning of names; each has its own count.

    >>> first = ef.backend.get_uid("picture")
    >>> ef.backend.get_uid("picture") - first
    1
    """
    with _lock:
        _count(prefix)
        return _counts[prefix]


@replayed
def _count(prefix: str) -> None:
    with _lock:
        _counts[prefix] += 1


def unique_name(prefix: str) -> str:
    """`prefix`, then `prefix_1`, `prefix_2`, ...

    >>> first, second = unique_name("example"), unique_name("example")
    >>> first, second
    ('example', 'example_1')
    """
    number = get_uid(prefix) - 1
    return f"{prefix}_{number}" if number else prefix


@replayed
def reset_uids() -> None:
    """Count from the beginning again (`clear_session`)."""
    with _lock:
        _counts.clear()


def checked_name(name: Any, cls: type) -> str:
    """The name the user gave, or the next automatic one.

    Raises:
        ValueError: when it is no text, or has a slash (slashes separate the parts of a path).
    """
    if name is None or name == "":
        return unique_name(snake_case(cls.__name__))
    if not isinstance(name, str) or "/" in name:
        raise ValueError(f"{cls.__name__}(name={name!r:.80}): expected a string without '/'.")
    return str(name)  # a plain one: numpy.str_ is a subclass


def checked_flag(value: Any, owner: type) -> bool:
    """`trainable`, which is True or False.

    Raises:
        ValueError: for anything else: a name or a number there is another argument in the wrong place.
    """
    if not isinstance(value, (bool, numpy.bool_)):
        raise ValueError(f"{owner.__name__}(trainable={value!r}): expected True or False.")
    return bool(value)
