"""Collections as Python holds them, whatever methods their classes have.

Those of the user's may leave entries out (a vocabulary that hides special words), or run code of their own.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

__all__ = ["as_held"]

_READING = ("__getitem__", "__iter__", "__len__", "get", "items", "keys", "values")
_BASES: tuple[Any, ...] = (collections.OrderedDict, dict, list, tuple, set, frozenset, collections.deque)


class _AsHeld:
    """A collection, read by the methods of the class in C that it is made of."""

    def __init__(self, thing: Any, base: Any) -> None:
        self._thing, self._base = thing, base

    def __len__(self) -> int:
        return int(self._base.__len__(self._thing))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._base.__iter__(self._thing))

    def __getitem__(self, key: Any) -> Any:
        """An entry; no code of the user's is asked for one that isn't there.

        Raises:
            KeyError: for such a one.
        """
        if not self._base.__contains__(self._thing, key):
            raise KeyError(key)
        return self._base.__getitem__(self._thing, key)

    def keys(self) -> Any:
        return self._base.keys(self._thing)

    def values(self) -> Any:
        return self._base.values(self._thing)

    def items(self) -> Any:
        return self._base.items(self._thing)

    def get(self, key: Any, default: Any = None) -> Any:
        return self._base.get(self._thing, key, default)


def as_held(thing: Any) -> Any:
    """The collection itself, where its class reads it as Python does, or one that does so for it."""
    kind = type(thing)
    for base in _BASES:
        if issubclass(kind, base):
            if kind is base or all(getattr(kind, name, None) is getattr(base, name, None) for name in _READING):
                return thing
            return _AsHeld(thing, base)
    return thing
