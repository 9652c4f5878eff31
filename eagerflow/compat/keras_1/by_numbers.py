"""`Convolution2D` and its kin: names under which Keras 1 kept convolutions, with its arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from eagerflow.base.tracebacks import warn
from eagerflow.compat.keras_1.arguments import OF_CONVOLUTION

__all__ = ["OlderName", "by_numbers"]

_OF_KERAS_3 = {"data_format", "padding"}
_UNMISTAKABLE = {*OF_CONVOLUTION, "dim_ordering", "strides"}


class OlderName(type):
    """The class of a class that makes layers of another one: of its base, with arguments translated first.

    `isinstance`, `issubclass` and `==` take both for the same class, and subclasses of it get the translation with
    their `super().__init__`.
    """

    made: Callable[..., Any]
    __base__: type  # there always is one

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """A layer of the present class."""
        return cls.made(*args, **kwargs) if "made" in cls.__dict__ else super().__call__(*args, **kwargs)

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, cls.__base__) if "made" in cls.__dict__ else super().__instancecheck__(x)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.__base__) if "made" in cls.__dict__ else super().__subclasscheck__(kind)

    def __eq__(cls, other: object) -> bool:
        return other is cls or ("made" in cls.__dict__ and other is cls.__base__)

    def __hash__(cls) -> int:
        return hash(cls.__base__) if "made" in cls.__dict__ else super().__hash__()


def by_numbers(present: Any, name: str, *, sure: bool = False) -> Any:
    """A class that reads numbers by position as lengths of the window: `Convolution2D(8, 3, 3)`."""

    def translated(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if not _are_lengths(args[1:], present.rank, kwargs):
            return args
        if present.rank == 2 and not kwargs.keys() & _UNMISTAKABLE:
            if kwargs.keys() & _OF_KERAS_3 and not sure:
                return args
            if args[2] < args[1] and not sure:  # windows that are higher than wide are rare, steps within them usual
                _say_strides(name, *args)
                return args
            _decide(name, present.__name__, args, sorted(kwargs.keys() & _OF_KERAS_3))
        return args[0], args[1:]

    @wraps(present.__init__)
    def start(self: Any, *args: Any, **kwargs: Any) -> None:
        present.__init__(self, *translated(args, kwargs), **kwargs)

    def made(*args: Any, **kwargs: Any) -> Any:
        return present(*translated(args, kwargs), **kwargs)

    body = {"__init__": start, "made": staticmethod(made), "__doc__": present.__doc__, "__module__": "older names"}
    kind = OlderName(name, (present,), body)
    kind.__module__ = __name__  # only now: configurations know the present class alone
    return kind


def _are_lengths(lengths: tuple[Any, ...], rank: int, kwargs: dict[str, Any]) -> bool:
    """Whether the numbers behind the filters are one for each axis; with ones it makes no difference."""
    whole = len(lengths) == rank and all(isinstance(n, int) for n in lengths)
    return whole and lengths != (1,) * rank and "kernel_size" not in kwargs


def _decide(name: str, present: str, args: tuple[Any, ...], modern: list[str]) -> None:
    """Say how two numbers are read, or that nobody can know.

    Raises:
        ValueError: together with arguments that only Keras 3 has.
    """
    filters, length, other = args
    window = f"{present}({filters}, ({length}, {other}), ...)"
    strides = f"{present}({filters}, {length}, strides={other}, ...)"
    if modern:
        others = ", ".join([f"{argument}=..." for argument in modern])
        raise ValueError(
            f"{name}({filters}, {length}, {other}, {others}): Keras 1's name means windows of {(length, other)}, "
            f"the other arguments a window of {length} with strides of {other}. Write {window} or {strides}."
        )
    warn(
        f"{name}({filters}, {length}, {other}) is read as Keras 1 and 2 did: windows of {(length, other)}, no strides. "
        f"Write {window}, or {strides} where strides are meant."
    )


def _say_strides(name: str, filters: Any, length: int, other: int) -> None:
    warn(
        f"{name}({filters}, {length}, {other}) is read as Keras 3 does: windows of {(length, length)}, strides of "
        f"{other}. Write {name}({filters}, {length}, strides={other}, ...), or {name}({filters}, ({length}, {other}), "
        "...) where windows are meant, as in Keras 1."
    )
