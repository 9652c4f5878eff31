"""Which step is captured in the running context, and what a replay of it calls again.

A captured step is a list of kernels on arrays. What isn't mathematics on arrays - an optimizer's step, a metric's
state, random draws, checks of values - stays a call of Python, made again in each replay: `replayed` marks it.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

__all__ = ["Capturing", "capturing", "not_replayable", "replayed"]
__all__ += ["replayed_assignment", "replayed_check", "replayed_draw"]

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
    """The same for a function that looks at values, may raise, and changes nothing."""
    function.only_checks = True  # type: ignore[attr-defined]
    return replayed(function)


def replayed_draw(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that only draws random numbers: replays may draw before they compute."""
    function.only_draws = True  # type: ignore[attr-defined]
    return replayed(function)


def replayed_assignment(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that only changes variables which it is given: it may run later.

    It returns nothing, and keeps no array that it was given.
    """
    function.only_assigns = True  # type: ignore[attr-defined]
    function.lets_go = lambda owner: True  # type: ignore[attr-defined]
    return replayed(function)


def not_replayable(why: str) -> None:
    """What runs gives something else in each call, and no replay would call it again: a capture ends here."""
    recorder = capturing.get()
    if recorder is not None:
        recorder.end(why)
