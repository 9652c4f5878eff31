"""`identical`: one function that sees whether nothing was replaced at all, which is so nearly always.

Of a small network's attributes there are hundreds, and comparing them one by one takes longer than what is computed.
Written out as one expression they take a few microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Conditions", "identical"]

_MOST = 1500  # conditions worth writing out: the steps of larger networks take far longer than comparing does


class Conditions:
    """Conditions as Python, and the objects that they name."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.values: dict[str, Any] = {}
        self._names: dict[int, str] = {}

    def value(self, thing: Any) -> str:
        """The name of an object."""
        if id(thing) not in self._names:
            self._names[id(thing)] = f"v{len(self.values)}"
            self.values[self._names[id(thing)]] = thing
        return self._names[id(thing)]

    def add(self, condition: str) -> None:
        self.written.append(condition)

    def same(self, expression: str, before: Any) -> None:
        """That an expression gives the very object that it gave."""
        self.add(f"{expression} is {self.value(before)}")

    def entries(self, thing: str, keys: Iterable[Any], before: Iterable[Any]) -> None:
        """That what has a name here holds these under its keys."""
        for key, value in zip(keys, before):
            written = repr(key) if type(key) in (str, int) else self.value(key)
            self.same(f"{thing}[{written}]", value)

    def asks(self, function: Callable[[], bool]) -> None:
        """That a function gives True."""
        self.add(f"{self.value(function)}()")


def identical(checks: Iterable[Callable[[Conditions], None]]) -> Callable[[], bool]:
    """A function that gives True where all is the very same, and False where one has to look closer.

    Args:
        checks: each adds its conditions.
    """
    conditions = Conditions()
    for check in checks:
        check(conditions)
    if len(conditions.written) > _MOST:
        return lambda: False
    lines = "\n            and ".join(conditions.written or ["True"])
    source = f"""def same():
    try:
        return (
            {lines}
        )
    except (AttributeError, LookupError, ValueError):  # something is gone, or a variable of a function has no value
        return False
"""
    exec(compile(source, "<eagerflow guards>", "exec"), conditions.values)
    same: Callable[[], bool] = conditions.values.pop("same")
    return same
