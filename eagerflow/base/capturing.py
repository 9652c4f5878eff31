"""Which step is captured in the running context, what a replay calls again, and what it looks at before it.

A captured step is a list of kernels on arrays. What isn't mathematics on arrays - an optimizer's step, a metric's
state, random draws, checks of values - stays a call of Python, made again in each replay: `replayed` marks it. What
the whole process shares and may be set, such as the policy of new layers, is compared before each replay of a step that
has asked for it: `shared` marks the functions that ask, and listeners for calls find them. (See
`eagerflow/capture`.)
"""

from __future__ import annotations

import contextlib
import contextvars
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

__all__ = ["Capturing", "Shared", "asked_by", "beside_the_step", "calling_again", "capturing", "once_only", "replayed"]
__all__ += ["replayed_assignment", "replayed_check", "replayed_draw", "shared"]

F = TypeVar("F", bound=Callable[..., Any])
P = ParamSpec("P")
R = TypeVar("R")


class Capturing(Protocol):
    """What records a step."""

    read_losses: Any  # hears of layers that are called, and of those whose losses somebody asks for

    def end(self, why: str) -> None: ...
    def call_again(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...
    def walk(self, walk: Any, seeds: dict[int, Any]) -> dict[int, Any] | None: ...


capturing: contextvars.ContextVar[Capturing | None] = contextvars.ContextVar("capturing", default=None)
# What records a step of which a function runs just now that each replay calls again.
calling_again: contextvars.ContextVar[Capturing | None] = contextvars.ContextVar("calling_again", default=None)


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


def replayed_draw(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that only draws random numbers: replays may draw before they compute."""
    function.only_draws = True  # type: ignore[attr-defined]
    return replayed(function)


def replayed_assignment(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that only changes variables which it is given: it may run later.

    It gives nothing, and holds no array that it was given.
    """
    function.only_assigns = True  # type: ignore[attr-defined]
    function.lets_go = lambda owner: True  # type: ignore[attr-defined]
    return replayed(function)


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


_sharing: dict[int, tuple[FunctionType, tuple[Shared, ...]]] = {}  # by the identity of their codes


def shared(*things: Shared) -> Callable[[F], F]:
    """Mark a function of ours that gives, sets or goes by what the whole process shares.

    Args:
        things: what that is.
    """

    def mark(function: F) -> F:
        plain: Any = inspect.unwrap(function)
        _sharing[id(plain.__code__)] = plain, things
        return function

    return mark


def asked_by(code: Any) -> tuple[Shared, ...]:
    """What the function with this code asks for."""
    found = _sharing.get(id(code))
    return () if found is None else found[1]


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
