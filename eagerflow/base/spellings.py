"""Older spellings of arguments, accepted beside the present ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from eagerflow.base.tracebacks import boundaries, check_flags, flags_of, reworded, shorten, wrappers

__all__ = ["accepts", "also", "behaviour", "ignores", "only", "renamed", "respelled", "without"]

F = TypeVar("F", bound=Callable[..., Any])
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Change = Callable[[tuple[Any, ...], dict[str, Any]], Arguments]


class _Behaviour:
    """What differs between Keras 2 and 3 under the same name.

    Attributes:
        keras_2: whether programs get Keras 2's way; `compat.install` says so.
        shape: makes the shapes that `build` and `compute_output_shape` are given; TensorFlow's have methods.
    """

    __slots__ = ("keras_2", "shape")

    def __init__(self) -> None:
        self.keras_2 = False
        self.shape: Callable[[Any], tuple[Any, ...]] = tuple


behaviour = _Behaviour()


class _Respelled(NamedTuple):
    """What a function made by `respelled` does: changes, the outermost decorator's first, and then the method."""

    method: Callable[..., Any]
    changes: tuple[Change, ...]
    names: frozenset[str] | None


_made: WeakKeyDictionary[Callable[..., Any], _Respelled] = WeakKeyDictionary()


def respelled(change: Change, *names: str) -> Callable[[F], F]:
    """A decorator: what is called with one of `names` is called with the arguments that `change` makes of them.

    The signature that users see stays the present one. However many of these decorators a function has, they are one
    frame around it, which cuts tracebacks as `boundary` does, and a call with today's names pays one look at them.

    Args:
        change: the new arguments for positional ones (`self` among them) and a dict of named ones, which it may change.
        *names: the older names; none: every call is asked.

    >>> @respelled(lambda args, kwargs: (args, {"width": kwargs["w"]}), "w")
    ... def line(width=1):
    ...     return "-" * width
    >>> line(w=3)
    '---'
    """

    def decorate(function: F) -> F:
        own = frozenset(names) or None
        inner = _made.get(function, _Respelled(function, (), frozenset()))
        method, changes = inner.method, (change, *inner.changes)
        known = None if own is None or inner.names is None else own | inner.names

        flags = flags_of(method)

        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                if known is None or not known.isdisjoint(kwargs):
                    for each in changes:
                        args, kwargs = each(args, kwargs)
                if flags:
                    check_flags(flags, method, args, kwargs)
                return method(*args, **kwargs)
            except BaseException as error:
                shorten(error)
                found = reworded(error, method, args, kwargs) if method.__name__ == "__init__" else None
                if found is not None:
                    raise found from None
                raise

        _made[call] = _Respelled(method, changes, known)
        boundaries.add(call)
        wrappers.add(call.__code__)  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate


def renamed(spellings: dict[str, str], whose: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by their present names.

    Args:
        spellings: the present name for every old one.
        whose: the class or function, for the message.
        kwargs: the arguments, which are changed.

    Raises:
        TypeError: when there are both.
    """
    for old in spellings.keys() & kwargs.keys():
        new = spellings[old]
        if new in kwargs:
            raise TypeError(f"{whose}: {old!r} is the older name of {new!r}; give one of them.")
        kwargs[new] = kwargs.pop(old)
    return kwargs


def without(allowed: dict[str, tuple[Any, str]], whose: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments without those that have one value here.

    Args:
        allowed: for every argument its one value, and what to write instead of another.
        whose: the class, for the message.
        kwargs: the arguments, which are changed.

    Raises:
        ValueError: for another value.
    """
    for name in allowed.keys() & kwargs.keys():
        value, advice = allowed[name]
        given = kwargs.pop(name)
        if given is not None and given != value:
            raise ValueError(f"{whose}({name}={given!r}) isn't possible here. {advice}")
    return kwargs


def accepts(**spellings: str) -> Callable[[F], F]:
    """A decorator for methods (mostly `__init__`) that lets old argument names stand for the present ones.

    Args:
        **spellings: the present name for every old one.

    Raises:
        TypeError: by the decorated method, when a call gives both.

    >>> class Slope:
    ...     @accepts(alpha="negative_slope")
    ...     def __init__(self, negative_slope=0.3):
    ...         self.negative_slope = negative_slope
    >>> Slope(alpha=0.1).negative_slope
    0.1
    """

    def change(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return args, renamed(spellings, type(args[0]).__name__, kwargs)

    return respelled(change, *spellings)


def also(**spellings: str) -> Callable[[F], F]:
    """`accepts` for functions.

    Args:
        **spellings: the present name for every old one.

    Raises:
        TypeError: by the decorated function, when a call gives both.

    >>> @also(nb_words="num_words")
    ... def read(num_words=None):
    ...     return num_words
    >>> read(nb_words=9)
    9
    """

    def decorate(function: F) -> F:
        def change(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
            return args, renamed(spellings, function.__name__, kwargs)

        return respelled(change, *spellings)(function)

    return decorate


def ignores(*names: str) -> Callable[[F], F]:
    """A decorator for methods that drops old arguments which never changed what is computed.

    Args:
        *names: the arguments.

    >>> class Reader:
    ...     @ignores("workers")
    ...     def read(self, rows=3):
    ...         return rows
    >>> Reader().read(rows=2, workers=8)
    2
    """

    def change(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return args, {name: value for name, value in kwargs.items() if name not in names}

    return respelled(change, *names)


def only(**allowed: tuple[Any, str]) -> Callable[[F], F]:
    """A decorator for methods that take arguments which have one value here, and refuse any other.

    Args:
        **allowed: for every argument its one value, and what to write instead of another.

    Raises:
        ValueError: by the decorated method, for another value.

    >>> class Reader:
    ...     @only(backwards=(False, "Turn the rows round yourself."))
    ...     def read(self, rows):
    ...         return rows
    >>> Reader().read(3, backwards=False)
    3
    """

    def change(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return args, without(allowed, type(args[0]).__name__, kwargs)

    return respelled(change, *allowed)
