"""`Codes`: the user's functions that ran in a step, as their code, with the globals that they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import CodeType
from typing import Any

__all__ = ["Codes"]

_Pair = tuple[CodeType, dict[str, Any]]


class Codes:
    """Codes with their globals, each pair once, in order.

    Code that is equal may be of two copies of a file, each with globals of its own; and code that a step makes anew in
    each run is equal, though it is another object.

    Args:
        pairs: the first ones.
    """

    def __init__(self, pairs: Iterable[_Pair] = ()) -> None:
        self._codes: dict[CodeType, None] = {}
        self._pairs: dict[tuple[CodeType, int], _Pair] = {}
        self._added: dict[tuple[int, int], _Pair] = {}  # by identity, as comparing code takes long
        for code, variables in pairs:
            self.add(code, variables)

    def add(self, code: CodeType, variables: dict[str, Any]) -> None:
        """Note that this code ran with these globals."""
        if (id(code), id(variables)) not in self._added:
            self._added[id(code), id(variables)] = pair = code, variables
            self._pairs.setdefault((code, id(variables)), pair)
            self._codes.setdefault(code)

    def __contains__(self, code: CodeType) -> bool:
        return code in self._codes

    def __iter__(self) -> Iterator[CodeType]:
        return iter(self._codes)

    def __len__(self) -> int:
        return len(self._codes)

    def __or__(self, others: Codes) -> Codes:
        return Codes([*self.items(), *others.items()])

    def __le__(self, others: Codes) -> bool:
        """Whether all of these are among others."""
        return self._pairs.keys() <= others._pairs.keys()

    def items(self) -> Iterable[_Pair]:
        """The codes with their globals."""
        return self._pairs.values()

    def objects(self) -> list[CodeType]:
        """The codes, also those that are equal."""
        return list({id(code): code for code, _ in self._added.values()}.values())
