"""Steps that are called with other arguments again and again, so that capturing takes longer than it saves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["changes_too_often", "never_pays", "what_varies"]

_MANY, _PAYS = 16, 100  # signatures from which on it counts; replays that make up for a capture
_CHANGES, _PAYS_AGAIN = 8, 20  # the same for captures of one signature
_VARIES = "has another shape, type, Python value or identity again and again"
_FIX = "pass numbers as tensors, ef.Tensor(0.5), pad to a few lengths, drop the last, smaller batch, and keep objects"


def never_pays(signatures: int, replays: int) -> bool:
    """Whether to capture no further signature, after this number of signatures and of replays of all of them."""
    return signatures >= _MANY and replays < _PAYS * signatures


def changes_too_often(changes: int, replays: int) -> bool:
    """Whether not to capture a signature again, as what it depends on has changed so often."""
    return changes > _CHANGES and replays < _PAYS_AGAIN * changes


def what_varies(function: Callable[..., Any], key: tuple[Any, ...], before: tuple[Any, ...]) -> str:
    """Which argument makes one signature of a step, as `flatten.py` makes it, another than the one before, in words."""
    i, part = next(((i, a) for i, (a, b) in enumerate(zip(key, before)) if a != b), (-1, None))
    if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str) and part[0].isidentifier():
        name = part[0]
    else:
        name = _names(function).get(i, f"argument {i + 1}" if i >= 0 else "an argument")
    return f"{name} {_VARIES}: {_FIX}"


def _names(function: Callable[..., Any]) -> dict[int, str]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of C
        return {}
    return {i: each.name for i, each in enumerate(found) if each.kind is not each.VAR_POSITIONAL}
