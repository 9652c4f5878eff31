"""Checks of the arguments of `fit`, `evaluate` and `predict`, and of how steps take data apart."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.config import max_epochs
from eagerflow.base.signatures import refuses
from eagerflow.data.feed import Feed

__all__ = ["at_least_one", "checked_step", "explain_unpacking", "fraction", "is_own_step", "split", "takes"]
__all__ += ["verbosity", "with_an_end", "within_max_epochs"]


@functools.lru_cache(maxsize=128)
def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether the function has an argument of this name."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def at_least_one(method: str, name: str, value: Any, lowest: int = 1) -> int | None:
    """`value` as an int of at least `lowest`; None stays.

    Raises:
        TypeError: when it is no whole number.
        ValueError: when it is too small.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, numpy.integer)):
        raise TypeError(f"{method}({name}={value!r:.60}): expected an integer of at least {lowest}.")
    if value < lowest:
        raise ValueError(f"{method}({name}={value}): expected an integer of at least {lowest}.")
    return int(value)


def with_an_end(method: str, name: str, feed: Feed) -> Feed:
    """The feed, whose epochs end.

    Raises:
        ValueError: when its data repeat for ever, and nobody said how many batches are meant.
    """
    if feed.endless:
        raise ValueError(f"{method}: the Dataset has no end: pass {name}, or leave out its repeat().")
    return feed


def within_max_epochs(epochs: int) -> int:
    """`epochs`, or the process-wide limit where that is lower, with a warning."""
    limit = max_epochs()
    if limit is None or epochs <= limit:
        return epochs
    warnings.warn(f"config.set_max_epochs limits every fit to {limit} epochs.", stacklevel=2)
    return limit


def verbosity(method: str, verbose: Any) -> int:
    """0, 1 or 2; "auto" is 1.

    Raises:
        ValueError: for anything else.
    """
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(f"{method}(verbose={verbose!r}): expected 0 (silent), 1 (a bar), 2 (lines) or 'auto'.")
    return int(verbose)


def fraction(value: Any) -> float:
    """`validation_split`: from 0 up to, but not reaching, 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, numpy.number)):
        raise TypeError(f"fit(validation_split={value!r}): expected a number from 0 to 1.")
    if not 0 <= value < 1:
        raise ValueError(
            f"fit(validation_split={value}): expected a number from 0 to below 1, the part of the data for validation."
        )
    return float(value)


def split(feed_parts: tuple[Any, ...], rows: int, part: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The first and the last rows of all arrays; the last `part` of them are for validation.

    Raises:
        ValueError: when one of both would be empty.
    """
    at = int(rows * (1.0 - part))
    if not 0 < at < rows:
        raise ValueError(
            f"fit(validation_split={part}): {rows} samples can't be split that way; one part would be empty."
        )

    def rows_of(index: slice) -> tuple[Any, ...]:
        return tuple([None if s is None else tree.map_structure(lambda a: _cut(a, index), s) for s in feed_parts])

    return rows_of(slice(None, at)), rows_of(slice(at, None))


def _cut(array: Any, index: slice) -> Any:
    return None if array is None else array[index]


def is_own_step(model: Any, name: str, base: type) -> bool:
    """Is a step the user's own, and not that of the base class? Then it takes the batch in one argument.

    Raises:
        TypeError: where it takes another number of them.
    """
    own = getattr(type(model), name) is not getattr(base, name)
    step = getattr(model, name)
    if own and refuses(step, None):
        taken = inspect.signature(step)
        begins = "x = data[0]" if name == "predict_step" else f"{', '.join(taken.parameters)} = data"
        parts = f", which begins with {begins}" if len(taken.parameters) > 1 else ""
        raise TypeError(
            f"{type(model).__name__}.{name} is called with (data), and this takes {taken}. Write "
            f"def {name}(self, data){parts}."
        )
    return own


def checked_step(model: Any, name: str, base: type) -> Any:
    """A step of a model's, which takes the batch in one argument.

    Raises:
        TypeError: see `is_own_step`.
    """
    is_own_step(model, name, base)
    return getattr(model, name)


def explain_unpacking(error: BaseException, step: str, data: Any) -> None:
    """Say what data a custom step gets, if it unpacked them into another number of parts."""
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    unpacked = type(error) is ValueError and "values to unpack" in str(error)
    if trail is None or not unpacked or trail.tb_frame.f_code.co_name != step or not isinstance(data, tuple):
        return
    parts = "x, y, sample_weight" if len(data) == 3 else "x, y" if len(data) == 2 else "x"
    cure = "x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data), where what isn't there is None"
    error.args = (f"{error}. {step} was given ({parts}): write {cure}.",)
