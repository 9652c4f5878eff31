"""What the step changes around its ops and calls, where a replay, which leaves that out, would go another way."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import numpy

from eagerflow.capture.dependence.called_again import CalledAgain
from eagerflow.capture.dependence.guards import Guards
from eagerflow.capture.hearing.handled import where_handled
from eagerflow.capture.hearing.named import called
from eagerflow.capture.needed import NEVER_RAISE
from eagerflow.core.primitive import Op
from eagerflow.core.tensor import Tensor

__all__ = ["RAISE_FOR_NO_VALUES", "Watch"]

Line = tuple[str, int] | None
# These raise for no values, either. (What isn't computed where nobody takes it, is in `NEVER_RAISE`.)
RAISE_FOR_NO_VALUES = NEVER_RAISE | frozenset(
    """
    all any arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin argsort bessel_i bitwise cbrt ceil conj
    copy cosh cumsum depthwise_conv dot_product_attention equal erfc erfcinv erfinv floor floor_divide fourier greater
    greater_equal gru imag isfinite less less_equal log10 log2 logical_and logical_or lstm max_pool mod normalize_batch
    not_equal pad prod real rms_norm roll round sign_of simple_rnn sinh sparsemax stack tan trunc
    """.split()
)


class Watch:
    """Watches one run of a step.

    Args:
        recorder: ends the capture, for a reason and at a line. It has this, and goes, with all it has, after the run.

    Attributes:
        calling: whether a function runs that each replay calls again.
        ran_users_code: whether code of the user's ran in the last one.
        has_risked: whether something ran that may raise, depending on values.
        may_swallow: why an error under a `with` may be lost, and the line.
    """

    def __init__(self, recorder: Any) -> None:
        self._recorder = weakref.proxy(recorder)
        self.calling = self.ran_users_code = self.has_risked = False
        self.may_swallow: tuple[str, Line] | None = None
        self._called_again: CalledAgain | None = None
        self._guards: Guards | None = None

    def begin(self, called_again: CalledAgain, guards: Guards | None) -> None:
        """The run before tells what is called again.

        Args:
            called_again: what that reads.
            guards: what the step depends on, as it is now; None where others than the step may change it.
        """
        self._called_again, self._guards = called_again, guards
        if guards is not None:
            guards.changed_by_the_step()  # which writes its conditions out, before somebody listens to each call

    @contextlib.contextmanager
    def call(self, function: Callable[..., Any]) -> Iterator[None]:
        """Inside the block, a function runs that each replay calls again."""
        if self._called_again is not None and (changed := self._called_again.changed()) is not None:
            why = f"the step changes {changed} before {called(function)}"
            self._recorder.end(f"{why}, which each replay calls again with what was there", None)
            self._called_again = None
        self.calling, self.ran_users_code = True, False
        try:
            yield
        except BaseException as error:
            self._recorder.end(f"{called(function)} raised {type(error).__name__}", None)
            raise
        finally:
            self.calling = False
        if self._called_again is not None:
            self._called_again.has_run()

    def finish(self) -> None:
        """The step is over. What it depends on is let go: a recorder lives until the garbage collector comes by."""
        if self._called_again is not None and (changed := self._called_again.changed()) is not None:
            self._recorder.end(f"the step changes {changed}, which functions read that each replay calls again", None)
        self._called_again = self._guards = None

    def has_called(self, function: Callable[..., Any], given: Iterable[Any], frames: Iterable[FrameType]) -> None:
        """A function has run that each replay calls again; it may be one that raises for some values."""
        if self.ran_users_code or _looks_at_values(function, given):
            self.may_raise(called(function), frames, self.ran_users_code)

    def has_computed(self, op: Op, given: list[Any], frames: Iterable[FrameType]) -> None:
        """An op has run; it may be one that raises for some values.

        Args:
            op: it.
            given: its arrays.
            frames: of the step around it.
        """
        if op.name == "power" and any(getattr(x, "dtype", numpy.dtype(int)).kind in "fc" for x in given):
            return  # integers have no negative powers
        if op.name not in RAISE_FOR_NO_VALUES:
            self.may_raise(op.name, frames)

    def may_raise(self, name: str, frames: Iterable[FrameType], with_users_code: bool = False) -> None:
        """What ran raises for some values: is there anybody who acts after that, or anything else than in a replay?

        Args:
            name: of it.
            frames: of the step around it, from there outwards.
            with_users_code: whether code of the user's was a part of it.
        """
        self.has_risked = True
        way, line = where_handled(frames)
        does = "has a `finally` for that" if way == "finally" else "goes on after an error"
        why = f"{name} may raise, depending on values, and the step {does}"
        if way in ("except", "finally"):
            self._recorder.end(why, line)
        elif way == "with":
            self.may_swallow = self.may_swallow or (why, line)
        if self._guards is not None and (changed := self._guards.changed_by_the_step()) is not None:
            who = f"the step, or code of yours that {name} calls," if with_users_code else "the step"
            before = "" if with_users_code else f" before {name}, which may raise, depending on values"
            self._recorder.end(f"{who} changes {changed}{before}: do that outside, or make it a Variable", None)
            self._guards = None


def _looks_at_values(function: Callable[..., Any], given: Iterable[Any]) -> bool:
    """Whether a function of ours raises for some values of tensors: a check, or a draw between bounds."""
    if getattr(function, "only_checks", False):
        return True
    return function.__module__.startswith("eagerflow.random") and any(isinstance(x, Tensor) for x in given)
