"""`viz.trace`: record what runs inside a block or a function."""

from __future__ import annotations

import contextlib
import functools
import numbers
import sys
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from eagerflow.core.observe import Observer
from eagerflow.distribution.joining import joined
from viz.boundary import boundary
from viz.facts.selection import ended_by
from viz.frameworks import observing, ranks_of_torch
from viz.nonfinite.guard import ACTIONS, Guard
from viz.nonfinite.segments import Segments
from viz.recorder.all_ranks import AllRanks
from viz.recorder.capture import Capture, Options
from viz.recorder.kept_values import Keeper
from viz.recorder.record_builder import build
from viz.recorder.steps import StepGate, checked_steps
from viz.recorder.tensor_stats import LEVELS
from viz.recording import Recording

__all__ = ["Tracer", "trace"]

_FIELDS_OF_EACH = 14  # that the journal has of an op, more or less

P = ParamSpec("P")
R = TypeVar("R")


class Tracer:
    """The result of `viz.trace`, which records what runs in a `with` block or, as a decorator, in a function.

    >>> import eagerflow as ef
    >>> import viz
    >>> with viz.trace("hello") as t:  # viz.trace gives a Tracer, and the block the recording
    ...     y = ef.ops.tanh(1.0)
    >>> type(viz.trace()).__name__, type(t).__name__
    ('Tracer', 'Recording')
    """

    def __init__(self, options: Options, crashed: Callable[[BaseException], None] | None = None) -> None:
        self._options = options
        self._crashed = crashed
        self._capture: Capture | None = None
        self._observing: contextlib.ExitStack | None = None
        self._gate: StepGate | None = None
        self._guard: Guard | None = None
        self._recording: Recording | None = None
        self._ranks: AllRanks | None = None
        # Hears, before all that was noted is put in order, about how many ops that is: it may take long.
        self._ending: Callable[[int], None] | None = None

    @property
    def options(self) -> Options:
        """The options, which are the arguments of `viz.trace`.

        >>> import viz
        >>> viz.trace("hello", stats="basic").options.stats
        'basic'
        """
        return self._options

    if not TYPE_CHECKING:  # for which a name that isn't here is an error

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or not hasattr(Recording, name):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            over = self._recording is not None and self._observing is None
            why = "the recording is what `as` gives, and not the tracer" if over else "nothing is recorded yet"
            raise AttributeError(
                f"{why}, so there is no .{name}: write `with viz.trace() as t:` around what is to be recorded, and "
                f"t.{name} after that block"
            )

    def __enter__(self) -> Recording:
        if self._observing is not None:
            raise RuntimeError("this trace is open already; use a new viz.trace() for the inner block")
        frame = sys._getframe(1)
        if self._options.ranks:
            ranks = ranks_of_torch() or joined()
            self._ranks = AllRanks(ranks) if ranks.size > 1 else None
        listeners = self._listeners(frame)
        self._recording = Recording.pending()
        self._observing = contextlib.ExitStack()
        for listener in listeners:
            self._observing.enter_context(observing(listener))
        if self._gate is not None:
            self._gate.open()
        return self._recording

    def _started(self, frame: FrameType) -> Capture:
        capture = Capture(self._options, self._crashed)
        capture.start(frame)
        return capture

    def _listeners(self, frame: FrameType) -> list[Observer]:
        options = self._options
        if options.on_nonfinite is not None and options.stats == "none" and options.values is None:
            self._guard = Guard(options.on_nonfinite, Segments(options, frame))
            return [self._guard]
        if options.steps is not None:
            self._gate = StepGate(functools.partial(self._started, frame), options.steps)
            return [self._gate, self._gate.relay]
        self._capture = capture = self._started(frame)
        if options.on_nonfinite is not None:
            self._guard = Guard(options.on_nonfinite, Segments(options, frame, idle=True), capture)
            return [capture, self._guard]
        return [capture]

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if self._observing is None or self._recording is None:
            raise RuntimeError("this trace is not open")
        capture, self._capture = self._capture, None
        if self._gate is not None:
            self._gate.close()
            capture = self._gate.capture
        if capture is not None:
            capture.stop()
        self._observing.close()
        self._observing = None
        if self._ending is not None and capture is not None:
            self._ending(len(capture.journal.log) // _FIELDS_OF_EACH)
        record = None if capture is None else build(capture)
        if record is not None and self._gate is not None and self._gate.untraced is not None:
            record.meta["untraced_step"] = self._gate.untraced
        if self._guard is not None:
            record = self._guard.finish(record)
        if record is not None and self._ranks is not None and error is None:
            record.meta["part_of_rank_0"] = self._ranks.together(record) is None
        if record is not None:
            self._recording.fill(record)
        if error is not None:
            self._recording.notes.append(ended_by(error))

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Trace every call of `function`; the recording of the last one is its attribute `recording`."""

        @functools.wraps(function)
        def traced(*args: P.args, **kwargs: P.kwargs) -> R:
            name = self._options.name or getattr(function, "__name__", None)
            with Tracer(self._options._replace(name=name)) as recording:
                traced.recording = recording  # type: ignore[attr-defined]
                return function(*args, **kwargs)

        return traced


@overload
def trace(
    name: str | None = None,
    *,
    backward: bool = True,
    stats: Literal["none", "basic", "full"] = "none",
    time: bool = True,
    memory: bool = True,
    source: bool = True,
    max_ops: int = 1_000_000,
    values: str | None = None,
    steps: int | Iterable[int] | None = None,
    on_nonfinite: Literal["raise", "warn"] | None = None,
    ranks: bool = False,
) -> Tracer: ...
@overload
def trace(name: Callable[P, R], /) -> Callable[P, R]: ...
@boundary
def trace(
    name: Any = None,
    *,
    backward: bool = True,
    stats: Literal["none", "basic", "full"] = "none",
    time: bool = True,
    memory: bool = True,
    source: bool = True,
    max_ops: int = 1_000_000,
    values: str | None = None,
    steps: int | Iterable[int] | None = None,
    on_nonfinite: Literal["raise", "warn"] | None = None,
    ranks: bool = False,
) -> Any:
    """Records the ops, layers (scopes) and gradients that run in a `with` block or in a function.

    The recording can be read when the block has ended. If an exception ended it, it contains everything up to there,
    and the failed op has the exception in its `error`. Traces may be nested; each thread is recorded separately.

    Args:
        name: a title for pictures and tables. (A function here makes `@viz.trace` a decorator.)
        backward: whether to record the ops of backward passes, too.
        stats: which statistics of tensors to record: `"none"`; `"basic"` for minimum, maximum, mean, standard deviation
            and the number of non-finite elements; `"full"` also for zeros, L2 norm, a histogram and the first elements.
            They cost a few passes over each tensor.
        time: whether to record when each op began and ended.
        memory: whether to record which tensors share memory, and when it was freed.
        source: whether to record which line of your program ran each op.
        max_ops: the largest number of ops to record; a note in the recording says how many were left out.
        values: a regular expression; tensors whose label it matches are copied into the recording's `values`.
            Labels are `"model/layer/op"` for the result of an op, a variable's path for a variable, and
            `"gradients/..."` of those for gradients.
        steps: the numbers of the training steps to record, counted from 0 in the block; default: all. Each batch of
            `fit` is a step; in a custom loop each update of the weights ends one, or each `with viz.step():` is one.
        on_nonfinite: `"raise"` stops the program with a `viz.NonfiniteError` at the first op, forward or backward, that
            makes NaN or infinity from finite numbers (or gets such data or weights), before weights are updated with
            it; `"warn"` only warns. The message names op, layer and line. This is cheap enough for a whole training:
            without `stats` or `values`, the recording only contains the training step in which it happened, without
            memory.
        ranks: where several processes (ranks) run this block, whether to record them together: then the recording of
            rank 0 contains those of all ranks, on one clock (see `Recording.ranks`, `Recording.rank`). By default, the
            recording of each rank contains only its own part.

    Returns:
        A context manager whose value is a `Recording`; or the decorated function, which has the recording of
        its last call as its attribute `recording`.

    Raises:
        ValueError: for another `stats` or `on_nonfinite`, for `on_nonfinite` together with `steps`, for a negative
            `max_ops` or step, or when `values` isn't a regular expression.
        TypeError: when `steps` or `max_ops` aren't integers, or `name` or `values` isn't a string.

    >>> import eagerflow as ef, viz
    >>> with viz.trace() as t:
    ...     y = ef.ops.tanh(ef.ops.ones((2, 3)))
    >>> t.ops[-1].name, t.tensors[t.ops[-1].outputs[0]].shape
    ('tanh', (2, 3))
    """
    if stats not in LEVELS:
        raise ValueError(f"viz.trace(stats={stats!r}): expected one of {', '.join(map(repr, LEVELS))}")
    if on_nonfinite not in (None, *ACTIONS):
        raise ValueError(f"viz.trace(on_nonfinite={on_nonfinite!r}): expected 'raise' or 'warn', or None")
    if on_nonfinite is not None and steps is not None:
        raise ValueError("viz.trace(on_nonfinite=..., steps=...): every step is watched; leave steps out")
    if not isinstance(max_ops, numbers.Integral) or isinstance(max_ops, bool):
        raise TypeError(f"viz.trace(max_ops={max_ops!r}): expected a whole number of ops")
    if max_ops < 0:
        raise ValueError(f"viz.trace(max_ops={max_ops!r}): expected a number of ops ≥ 0")
    if callable(name):
        return trace(None)(name)
    if name is not None and not isinstance(name, str):
        raise TypeError(f"viz.trace(name): expected a title or a function; got {type(name).__name__}")
    if values is not None:
        if not isinstance(values, str):
            raise TypeError(
                f"viz.trace(values={values!r}): expected a regular expression for labels, such as 'kernel$'; "
                "'' keeps all"
            )
        Keeper(values)  # refuses what is no regular expression
    chosen = None if steps is None else checked_steps("viz.trace(steps=...)", steps)
    options = Options(name, backward, stats, time, memory, source, max_ops, values, chosen, on_nonfinite, bool(ranks))
    return Tracer(options)
