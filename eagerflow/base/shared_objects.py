"""Objects that stand in several places of a configuration: each place has the object's number, as in Keras."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["Made", "described_together", "made_together", "number_of", "numbers_shared", "reading", "shared_number"]

F = TypeVar("F", bound=Callable[..., Any])
_SHARED = "shared_object_id"


class Made:
    """What was made by one reading of a config."""

    def __init__(self) -> None:
        self.by_number: dict[Any, Any] = {}
        self.handed: Any = None  # the settings that a `from_config` is being called with


_described_so_far: contextvars.ContextVar[dict[int, tuple[int, Any]] | None] = contextvars.ContextVar(
    "described_so_far", default=None
)
_made_so_far: contextvars.ContextVar[Made | None] = contextvars.ContextVar("made_so_far", default=None)


def reading() -> Made | None:
    """What the running reading has made so far; None outside of `made_together`."""
    return _made_so_far.get()


def number_of(config: Mapping[str, Any]) -> Any:
    """The number of a described object; None where it stands in one place."""
    return config.get(_SHARED)


def shared_number(obj: Any) -> dict[str, int]:
    """What the description of an object says of its number; empty outside of `described_together`."""
    numbers = _described_so_far.get()
    return {} if numbers is None else {_SHARED: numbers.setdefault(id(obj), (len(numbers) + 1, obj))[0]}


@contextlib.contextmanager
def made_together(settings: Any = None) -> Iterator[Made]:
    """One object is made for each number inside the block; a `from_config` that was called for a part joins the rest.

    Args:
        settings: what that `from_config` was called with.
    """
    around = _made_so_far.get()
    if around is not None and around.handed is settings is not None:
        yield around
        return
    token = _made_so_far.set(made := Made())
    try:
        yield made
    finally:
        _made_so_far.reset(token)


@contextlib.contextmanager
def described_together() -> Iterator[None]:
    """Each layer that is described inside the block has a number in its description, always the same one."""
    token = _described_so_far.set({})
    try:
        yield
    finally:
        _described_so_far.reset(token)


def numbers_shared(describe: F) -> F:
    """Mark what describes an object and others in it: those that stand in several places are numbered."""

    @functools.wraps(describe)
    def described(*args: Any) -> Any:
        if _described_so_far.get() is not None:
            return describe(*args)
        with described_together():
            config = describe(*args)
        numbered = list(_numbered(config))
        times = Counter(entry[_SHARED] for entry in numbered)
        for entry in numbered:
            if times[entry[_SHARED]] == 1:
                del entry[_SHARED]
        return config

    return described  # type: ignore[return-value]


def _numbered(config: Any) -> Iterator[dict[str, Any]]:
    if isinstance(config, dict) and _SHARED in config:
        yield config
    if isinstance(config, (dict, list, tuple)):
        for part in config.values() if isinstance(config, dict) else config:
            if isinstance(part, (dict, list, tuple)):
                yield from _numbered(part)
