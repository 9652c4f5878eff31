"""Steps that are called with other arguments again and again, so that capturing takes longer than it saves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any

import numpy

from eagerflow.capture.arguments.taken_apart import Key

__all__ = ["changes_too_often", "never_pays", "what_varies"]

_MANY = 16  # signatures, from which on it counts how often they were replayed
_CHANGES = 8  # after which it counts how many replays lay between them
_PAYS_AGAIN = 20  # replays that make up for capturing the same signature once more
_OTHER = "is another object again and again: pass tensors, also in tuples or dicts, or the same object"
_PAYS = 100  # replays that make up for a capture, which takes as long as many eager runs


def never_pays(signatures: int, replays: int) -> bool:
    """Whether to capture no further signature.

    Args:
        signatures: how many there were so far.
        replays: of all of them.
    """
    return signatures >= _MANY and replays < _PAYS * signatures


def changes_too_often(changes: int, replays: int) -> bool:
    """Whether not to capture a signature again, as what it depends on changes and changes.

    Args:
        changes: how often that was so.
        replays: of all captures of it.
    """
    return changes > _CHANGES and replays < _PAYS_AGAIN * changes


def what_varies(function: Callable[..., Any], key: tuple[Any, ...], before: tuple[Any, ...]) -> str:
    """Which argument makes one signature another, in words.

    Args:
        function: the step.
        key: a signature, as `function.py` makes it.
        before: another one.
    """
    different = [(i, a, b) for i, (a, b) in enumerate(zip(key, before)) if a != b]
    if not different:  # a new object has the identity of one that is gone
        return f"an argument {_OTHER}"
    i, now, then = different[0]
    if isinstance(now, tuple) and len(now) == 2 and isinstance(now[0], str) and now[0].isidentifier():
        name, now, then = now[0], now[1], then[1]
    else:
        name = _names(function).get(i, f"argument {i + 1}")
    return f"{name} {_how(now, then)}"


def _names(function: Callable[..., Any]) -> dict[int, str]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of C
        return {}
    return {i: each.name for i, each in enumerate(found) if each.kind is not each.VAR_POSITIONAL}


def _how(now: Any, then: Any) -> str:
    while _nests(now) and _nests(then) and len(now) == len(then):
        now, then = next(((a, b) for a, b in zip(now, then) if a != b), (None, None))
    if isinstance(now, int) or (_kind(now) is MethodType):
        return _OTHER
    if _kind(now) not in (None, numpy.ndarray) and _kind(now) is _kind(then):
        return "is another Python value again and again: pass numbers as tensors, ef.Tensor(0.5)"
    return "has another shape or type again and again: pad to a few lengths, and drop the last, smaller batch"


def _nests(part: Any) -> bool:
    """Whether this stands for a list, tuple or dict, or for one entry of a dict."""
    if not isinstance(part, tuple) or not part:
        return False
    kind = _kind(part)
    if kind is not None:
        return issubclass(kind, (list, tuple, dict))
    return isinstance(part, Key) or isinstance(part[0], (str, Key))


def _kind(part: Any) -> type | None:
    """The class of what this stands for, where it says so."""
    return part[0] if isinstance(part, tuple) and part and isinstance(part[0], type) else None
