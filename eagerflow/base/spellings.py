"""Older spellings of arguments, accepted beside the present ones; and names that are looked for in vain."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from eagerflow.base.errors import no_attribute
from eagerflow.base.tracebacks import shorten

__all__ = ["Elsewhere", "accepts", "also", "behaviour", "ignores"]


class _Behaviour:
    """What differs between Keras 2 and 3 under the same name.

    Attributes:
        keras_2: whether programs get Keras 2's way; `compat.install` says so.
    """

    __slots__ = ("keras_2",)

    def __init__(self) -> None:
        self.keras_2 = False


behaviour = _Behaviour()


def accepts(**spellings: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for methods (mostly `__init__`) that lets old argument names stand for the present ones.

    The signature that users see stays the present one.

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

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            for old in spellings.keys() & kwargs.keys():
                new = spellings[old]
                if new in kwargs:
                    raise TypeError(
                        f"{type(self).__name__}: {old!r} is the older name of {new!r}; give one of them."
                    )
                kwargs[new] = kwargs.pop(old)
            try:
                return method(self, *args, **kwargs)
            except BaseException as error:
                shorten(error)
                raise

        return call

    return decorate


def also(**spellings: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
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

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            for old in spellings.keys() & kwargs.keys():
                new = spellings[old]
                if new in kwargs:
                    raise TypeError(
                        f"{function.__name__}: {old!r} is the older name of {new!r}; give one of them."
                    )
                kwargs[new] = kwargs.pop(old)
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                shorten(error)
                raise

        return call

    return decorate


def ignores(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for methods that drops old arguments which never changed what is computed.

    The signature that users see stays the present one.

    Args:
        *names: the arguments.

    >>> class Reader:
    ...     @ignores("workers")
    ...     def read(self, rows=3):
    ...         return rows
    >>> Reader().read(rows=2, workers=8)
    2
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            for name in names:
                kwargs.pop(name, None)
            try:
                return method(self, *args, **kwargs)
            except BaseException as error:
                shorten(error)
                raise

        return call

    return decorate


class Elsewhere:
    """A class attribute for a name that other libraries have: asking for it says what to use here.

    `hasattr` of an instance stays false, and one may have an attribute of that name.

    Args:
        way: what to use instead, as a sentence.

    Raises:
        AttributeError: whenever it is asked for.

    >>> class Box:
    ...     weigh = Elsewhere("Use `box.weight`.")
    >>> Box().weigh
    Traceback (most recent call last):
        ...
    AttributeError: 'Box' has no attribute 'weigh'. Use `box.weight`.
    """

    def __init__(self, way: str) -> None:
        self.way = way
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        raise no_attribute(
            f"{type(instance).__name__!r} has no attribute {self.name!r}. {self.way}", self.name
        )
