"""Attributes of our classes and modules that programs of Keras 2 see otherwise, from `install` to `uninstall`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple

from eagerflow.base.tracebacks import boundaries, shorten, wrappers

__all__ = ["Override", "added", "instead_of", "put_back", "put_in", "standing"]

_MISSING: Any = object()
_before: list[tuple[Any, str, Any]] = []


class Override(NamedTuple):
    """An attribute, and what stands there meanwhile."""

    owner: Any
    name: str
    value: Callable[[Any], Any]  # given what stood there


def instead_of(owner: Any, name: str, function: Callable[..., Any]) -> Override:
    """A function or method is replaced by `function`, which gets the original one as its first argument."""

    def replaced(original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(original, *args, **kwargs)
            except BaseException as error:
                shorten(error)
                raise

        boundaries.add(call)
        wrappers.add(call.__code__)  # type: ignore[attr-defined]
        return call

    return Override(owner, name, replaced)


def added(owner: Any, names: Iterable[str], source: type) -> list[Override]:
    """Methods and properties that stand in `source` are those of a class, too."""
    return [standing(owner, name, vars(source)[name]) for name in names]


def standing(owner: Any, name: str, value: Any) -> Override:
    """A value stands there, whatever stood there before."""
    return Override(owner, name, lambda _: value)


def put_in(overrides: Iterable[Override]) -> None:
    """Replace attributes, until `put_back`."""
    for owner, name, value in overrides:
        found = vars(owner).get(name, _MISSING)
        _before.append((owner, name, found))
        setattr(owner, name, value(found))


def put_back() -> None:
    """Give all attributes their own values again."""
    while _before:
        owner, name, value = _before.pop()
        if value is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, value)
