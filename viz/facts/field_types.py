"""Whether what a file says in JSON is of the types that the fields of a recording have."""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import Any, get_args, get_origin, get_type_hints

from viz.facts.columns import Damaged

__all__ = ["LONGEST", "fitted"]

LONGEST = 1 << 16
"""Letters of a name, an error or a line of code."""
_LARGEST = 2**60  # of whole numbers, as in columns


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def fitted(value: Any, hint: Any, what: str) -> Any:
    """A value from JSON as an annotation says, with tuples for arrays and objects of dataclasses.

    Args:
        value: what was read.
        hint: a type, `Any`, a dataclass, or a union with None, list, tuple or dict of such.
        what: what it is of, for the message.

    Raises:
        Damaged: when it is something else.
    """
    kind, of = get_origin(hint), get_args(hint)
    if hint is Any or (kind is types.UnionType and value is None):
        return value
    if kind is types.UnionType:
        return fitted(value, of[0], what)
    if kind in (list, tuple) and isinstance(value, list):
        if kind is list or of[-1] is ...:
            return kind([fitted(each, of[0], what) for each in value])
        if len(value) == len(of):
            return tuple([fitted(each, inner, what) for each, inner in zip(value, of)])
    elif isinstance(value, dict) and (kind is dict or dataclasses.is_dataclass(hint)):
        if kind is dict:
            return {fitted(name, str, what): fitted(each, of[1], what) for name, each in value.items()}
        known = _hints(hint)
        return hint(**{name: fitted(each, known[name], f"{hint.__name__}.{name}") for name, each in value.items()})
    is_text = hint is str and isinstance(value, str) and len(value) <= LONGEST
    is_whole = hint in (int, float) and type(value) is int and abs(value) <= _LARGEST
    if is_text or is_whole or (hint is float and isinstance(value, float)):
        return value
    raise Damaged(f"{what} is {value!r:.60}")
