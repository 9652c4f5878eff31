"""What the whole process shares and may be set, such as the policy of new layers: who asks for it, and what it is now.

A captured step (see `eagerflow/capture`) runs no Python in its replays. While it is captured, whoever listens to calls
finds the functions that are marked here, and what they ask for is compared before each replay from then on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

__all__ = ["Shared", "asked_by", "shared"]

F = TypeVar("F", bound=Callable[..., Any])


class Shared(NamedTuple):
    """Something that all of the process shares.

    Attributes:
        name: what messages call it.
        state: the dict that holds it; or a function that gives what it is: objects, numbers, texts, tuples of these.
    """

    name: str
    state: dict[Any, Any] | Callable[[], Any]

    @property
    def is_table(self) -> bool:
        """Whether it is a dict, which may be large, and whose changes are seen without a look into it."""
        return isinstance(self.state, dict)


_functions: dict[int, tuple[FunctionType, tuple[Shared, ...]]] = {}  # by the identity of their codes


def shared(*things: Shared) -> Callable[[F], F]:
    """Mark a function of ours that gives, sets or goes by what the whole process shares.

    Args:
        things: what that is.
    """

    def mark(function: F) -> F:
        plain: Any = inspect.unwrap(function)
        _functions[id(plain.__code__)] = plain, things
        return function

    return mark


def asked_by(code: Any) -> tuple[Shared, ...]:
    """What the function with this code asks for."""
    found = _functions.get(id(code))
    return () if found is None else found[1]
