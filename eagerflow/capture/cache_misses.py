"""Steps that are called with other arguments again and again, so that capturing takes longer than it saves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

__all__ = ["changes_too_often", "never_pays", "what_varies"]

_MANY, _PAYS = 16, 100  # signatures from which on it counts; replays that make up for a capture
_CHANGES, _PAYS_AGAIN = 8, 20  # the same for captures of one signature
_OBJECT = "is another object again and again: pass tensors, also in tuples or dicts, or the same object"
_VALUE = "is another Python value again and again: pass numbers as tensors, ef.Tensor(0.5)"
_SHAPE = "has another shape or type again and again: pad to a few lengths, and drop the last, smaller batch"


def never_pays(signatures: int, replays: int) -> bool:
    """Whether to capture no further signature, after this number of signatures and of replays of all of them."""
    return signatures >= _MANY and replays < _PAYS * signatures


def changes_too_often(changes: int, replays: int) -> bool:
    """Whether not to capture a signature again, as what it depends on has changed so often."""
    return changes > _CHANGES and replays < _PAYS_AGAIN * changes


def what_varies(function: Callable[..., Any], key: tuple[Any, ...], before: tuple[Any, ...]) -> str:
    """Which argument makes one signature of a step, as `flatten.py` makes it, another than the one before, in words."""
    found = next(((i, a, b) for i, (a, b) in enumerate(zip(key, before)) if a != b), None)
    if found is None:  # a new object has the identity of one that is gone
        return f"an argument {_OBJECT}"
    i, now, then = found
    if isinstance(now, tuple) and len(now) == 2 and isinstance(now[0], str) and now[0].isidentifier():
        name, now, then = now[0], now[1], then[1]
    else:
        name = _names(function).get(i, f"argument {i + 1}")
    while isinstance(now, tuple) and isinstance(then, tuple) and len(now) == len(then) and _nests(now[0]):
        now, then = next(((a, b) for a, b in zip(now, then) if a != b), (None, None))
    if isinstance(now, int) or (isinstance(now, tuple) and now and now[0] is MethodType):
        return f"{name} {_OBJECT}"
    return f"{name} {_VALUE if isinstance(now, tuple) and now and isinstance(now[0], type) else _SHAPE}"


def _names(function: Callable[..., Any]) -> dict[int, str]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of C
        return {}
    return {i: each.name for i, each in enumerate(found) if each.kind is not each.VAR_POSITIONAL}


def _nests(first: Any) -> bool:
    """Whether a part of a signature that begins so is a list, tuple or dict, or an entry of a dict."""
    return isinstance(first, tuple) or (isinstance(first, type) and issubclass(first, (list, tuple, dict)))
