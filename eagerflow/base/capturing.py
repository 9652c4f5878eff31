"""Which step is being captured in the running context, and what a replay calls again (see `eagerflow/capture`).

A captured step is a list of kernels on arrays. What isn't mathematics on arrays - an optimizer's step, a metric's
state, random draws, checks of values - stays a call of Python, made again in each replay: `replayed` marks it.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

__all__ = ["Capturing", "beside_the_step", "capturing", "once_only", "replayed", "replayed_check"]

P = ParamSpec("P")
R = TypeVar("R")


class Capturing(Protocol):
    """What records a step."""

    def end(self, why: str) -> None: ...
    def call_again(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...
    def walk(self, walk: Any, seeds: dict[int, Any]) -> dict[int, Any] | None: ...


capturing: contextvars.ContextVar[Capturing | None] = contextvars.ContextVar("capturing", default=None)


def replayed(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function of ours that a captured step calls again in each replay, instead of the ops inside.

    It may read values, draw random numbers and change variables. It gives None, tensors or arrays; its arguments may
    be tensors, in lists, tuples and dicts, too.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        recorder = capturing.get()
        if recorder is None:
            return function(*args, **kwargs)
        found: R = recorder.call_again(function, args, kwargs)
        return found

    return call


def replayed_check(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that looks at values, may raise, and changes nothing: replays with it may overlap."""
    function.only_checks = True  # type: ignore[attr-defined]
    return replayed(function)


def once_only(what: str) -> None:
    """What runs gives something else in each call, and a replay wouldn't call it again: a capture ends here.

    Args:
        what: is said of the step.
    """
    recorder = capturing.get()
    if recorder is not None:
        recorder.end(what)


@contextlib.contextmanager
def beside_the_step() -> Iterator[None]:
    """Do something that a step being captured doesn't depend on: its calls aren't heard."""
    listening = sys.getprofile()
    if not getattr(listening, "hears_a_step", False):  # a profiler of the user's hears all
        yield
        return
    sys.setprofile(None)
    try:
        yield
    finally:
        sys.setprofile(listening)
