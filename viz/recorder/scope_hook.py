"""What every scope pays for while it is recorded: `Capture.on_scope_begin` and `on_scope_end`, written for speed."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Collection, Sized
from types import CodeType, FrameType
from typing import Any

from numpy import ndarray

from eagerflow.core import observe
from viz.frameworks.objects import PLAIN_TENSORS, TENSORS
from viz.recorder import scopes
from viz.recorder.descriptions import described, flat
from viz.recorder.names.input_names import name_inputs, names_of_outputs
from viz.recorder.scopes import OpenScope
from viz.recorder.source_lines import is_internal

__all__ = ["Here", "RecordedScope", "scope_recorder"]

_NO_TENSORS = frozenset([bool, int, float, str, type(None)])
_MOST_TENSORS = 64  # of those that a scope was given or returned
_WITHOUT_INPUTS = ("optimizer", "backward")  # theirs are gradients and targets, which their ops have too
_OF_STEPS = ("step", "optimizer")
_NAMED = ("step", "backward")  # whose arrays are looked for in the user's code
_JUDGES = ("loss", "metric")  # what is given a target and an output of the model
_STEPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.py")
_CAPTURE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(observe.__file__))), "capture", "")
_TORCH = os.path.join(os.path.dirname(os.path.dirname(_STEPS)), "frameworks", "torch", "")
_MACHINERY = frozenset(
    [
        observe.__file__,
        contextlib.__file__,
        scopes.__file__,
        _STEPS,
        _CAPTURE + "forwarding.py",
        _CAPTURE + "observed.py",
        *[_TORCH + name for name in ("front.py", "scopes.py", "updates.py")],
    ]
)

# Where the program is: the innermost open scope, the scope whose stack continues a walk, and the frame where walks
# end. A plain tuple: a named one is slow to unpack.
Here = tuple[int | None, int | None, FrameType | None]


class RecordedScope(OpenScope):
    """What is written down of a scope. While it is open, it knows the scope, its owner and where the program was."""

    __slots__ = tuple("asked_at base before began_with ended ended_with error facts inner_base inputs name".split())
    __slots__ += tuple("outputs parent places rate started target".split())

    asked_at: int | None  # of the result of a metric: how much was written down before
    base: int | None
    before: Here
    began_with: int  # so many pieces of memory had been given back (`Memory.gone`)
    ended: int | None
    ended_with: int
    error: str | None
    facts: dict[str, Any] | None  # of the owner
    inner_base: int | None  # of what runs inside
    inputs: tuple[int, ...]
    name: str
    outputs: tuple[int, ...]
    parent: int | None
    places: Any
    rate: float | None  # of an optimizer: its learning rate in this step
    started: int
    target: str  # what the user's code calls that which gradients are asked of


def scope_recorder(capture: Any) -> tuple[Callable[[observe.Scope], None], Callable[..., None]]:
    """The `on_scope_begin` and `on_scope_end` of a capture."""
    positions = _positions(capture)
    return _beginner(capture, positions), _ender(capture, positions)


def _beginner(capture: Any, positions: Callable[[Any], tuple[int, ...]]) -> Callable[[observe.Scope], None]:
    recorded_scopes, opened, limit, walk = capture.scopes, capture.open, capture.limit, capture.walk
    new, getframe, block = object.__new__, sys._getframe, observe.scope
    input_names, output_names, made_up_names = capture.input_names, capture.output_names, capture.made_up_names
    gone, (name, waiting) = capture.gone, _namer(capture)
    callers, codes, begin_step = dict[int, Collection[int] | None](), list[CodeType](), capture.begin_step

    def on_scope_begin(scope: observe.Scope) -> None:
        if (number := len(recorded_scopes)) >= limit:
            return
        # What enters a block is machinery, too; it isn't looked at, for Python makes an object of a frame that is.
        frame: FrameType | None = getframe(2 if scope.__class__ is block else 1)
        by_user: Collection[int] | None = ()
        while frame is not None:  # to the code that opened the scope: the first outside of the observer's own machinery
            code = id(frame.f_code)
            try:
                by_user = callers[code]
            except KeyError:
                codes.append(frame.f_code)  # so that its number stays its own
                by_user = callers[code] = _kind_of_caller(frame)
            if by_user is not None:
                break
            frame = frame.f_back
        before, kind = capture.here, scope.kind
        recorded = new(RecordedScope)
        recorded.scope, recorded.kind, recorded.owner, recorded.before = scope, kind, scope.owner, before
        recorded.name, recorded.started = scope.name, scope.started
        recorded.parent, recorded.base, until = before
        recorded.places = walk(frame, until) if walk is not None else ()
        recorded.inputs = () if kind in _WITHOUT_INPUTS else positions(scope.inputs)
        recorded.outputs, recorded.began_with, recorded.target = (), len(gone), ""
        recorded.ended = recorded.error = recorded.facts = recorded.rate = recorded.asked_at = None
        recorded_scopes.append(recorded)
        opened.append(recorded)
        # A layer's own frame ends the walks of the ops in it; below it the stack is that of the scope.
        if by_user is _INTERNAL or (by_user and frame is not None and frame.f_lineno not in by_user):
            recorded.inner_base = number
            capture.here = (number, number, frame)
        else:
            recorded.inner_base = before[1]
            capture.here = (number, before[1], until)
        if waiting or kind in _NAMED:
            name(recorded, scope, frame)
        if kind == "backward":
            capture.parts.clear()
        elif kind in _OF_STEPS:
            begin_step(recorded, scope)
        elif kind == "metric" and scope.inputs is None:  # its result is asked for
            recorded.asked_at = capture.know_state(scope.owner)
        elif output_names and kind in _JUDGES:
            output = next((output_names[i] for i in recorded.inputs if i in output_names), "")
            if output and output not in recorded.name:  # as `fit` calls its metrics
                recorded.name = f"{output}_{recorded.name}"
            if output and recorded.inputs[0] not in output_names:
                input_names.setdefault(recorded.inputs[0], f"{output} target")
        elif kind == "model":  # the outermost model's names come first, and stay
            name_inputs(scope.owner, scope.inputs, positions, input_names, made_up_names)

    return on_scope_begin


def _namer(capture: Any) -> tuple[Callable[[RecordedScope, observe.Scope, FrameType | None], None], Sized]:
    """What finds names for arrays as a scope begins, unless the user's code isn't looked at; and what has none yet."""
    names, seen = capture.names, capture.seen
    if names is None:
        return lambda recorded, scope, frame: None, ()

    def name(recorded: RecordedScope, scope: observe.Scope, frame: FrameType | None) -> None:
        if scope.kind == "step":
            if recorded.inputs and scope.owner is not None:
                names.note_batch(recorded.inputs, frame, scope.name == "test_step")
            return
        if scope.kind == "backward" and scope.inputs:
            recorded.target = names.target(scope.inputs[0], frame)
            names.targets[seen.get(getattr(scope.inputs[0], "serial", None), -1)] = recorded.target
        if names.waiting:
            names.look_again(frame)

    return name, names.waiting


def _ender(capture: Any, positions: Callable[[Any], tuple[int, ...]]) -> Callable[..., None]:
    output_names, recorded_scopes, log = capture.output_names, capture.scopes, capture.journal.log
    opened, owner_of, meet_state, clock = capture.open, capture.owner, capture.meet_state, observe.clock
    names, end_step, gone = capture.names, capture.end_step, capture.gone

    def on_scope_end(scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        if not opened or opened[-1].scope is not scope:  # one that never said that it ended is inside, or nobody knows
            inner = opened.left_open(scope)
            if inner is None:
                return
            for each in inner:
                close(each, None, error)
        close(opened.pop(), outputs, error)
        if error is not None and not opened and capture.crashed is not None:
            capture.crashed(error)

    def close(recorded: RecordedScope, outputs: Any, error: BaseException | None) -> None:
        recorded.ended, recorded.ended_with = clock(), len(gone)
        if recorded.kind == "metric" and recorded.inputs:  # what of it no op has read, it read with NumPy
            capture.note("reading", "update_state", recorded.started, recorded.ended, (), recorded.inputs, (), ())
        capture.here = recorded.before
        if recorded.owner is not None:  # before its outputs are met: they may be weights that it keeps
            recorded.facts = owner_of(recorded.owner, recorded.kind)
            if recorded.kind == "optimizer":
                meet_state(recorded.owner, recorded.facts["number"], recorded.started)
        if recorded.kind in _OF_STEPS:
            end_step(recorded.scope)
        if outputs is not None:
            recorded.outputs = positions(outputs)
            if names is not None and len(recorded.outputs) > 1 and recorded.kind in ("layer", "model"):
                names.expect(recorded.outputs, flat(outputs))
            if recorded.kind == "model":  # the outermost model's names come last
                for name, x in names_of_outputs(recorded.owner, outputs):
                    output_names.update(dict.fromkeys(positions(x), name))
        if error is not None:
            recorded.error = described(error)
        if recorded.asked_at is not None:
            capture.gathered.clear()
        if recorded.asked_at == len(log) and recorded_scopes[-1] is recorded:  # no op ran: there is nothing to tell
            recorded_scopes.pop()
        del recorded.scope, recorded.owner, recorded.before  # which live on by themselves, if at all

    return on_scope_end


_USERS: tuple[int, ...] = ()
_INTERNAL = frozenset([-1])


def _kind_of_caller(frame: FrameType) -> Collection[int] | None:
    """What kind of code opens a scope: None for the observer's machinery; `_USERS`; `_INTERNAL`.

    And for a captured step the lines where it replays a scope that the user's code opened, and not a layer, say.
    """
    file = frame.f_code.co_filename
    if file in _MACHINERY:
        return None
    lines: Collection[int] | None = frame.f_globals.get("<by user>")
    return lines or _INTERNAL if is_internal(file) else _USERS


def _positions(capture: Any) -> Callable[[Any], tuple[int, ...]]:
    """What gives the positions of the tensors in what a scope was given or returned."""
    seen, argument, argument_of, array_position = capture.seen, capture.argument, capture.argument_of, capture.array
    tensors, arrays, plain_tensors = TENSORS, (*TENSORS, ndarray), PLAIN_TENSORS

    def positions(nested: Any) -> tuple[int, ...]:
        found: list[int]
        kind = nested.__class__
        if kind in plain_tensors:
            try:
                known = seen.get(nested.serial)
            except AttributeError:
                known = None
            return (argument(nested) if known is None else known,)
        if kind is not tuple and isinstance(nested, tensors):
            return (argument_of(nested),)
        if kind is tuple and len(nested) < 8:
            found = []
            for x in nested:
                if x.__class__ is ndarray:
                    found.append(array_position(x))
                elif isinstance(x, tensors):
                    try:
                        known = seen.get(x.serial)
                    except AttributeError:
                        known = None
                    found.append(argument(x) if known is None else known)
                elif x.__class__ not in _NO_TENSORS:
                    break
            else:
                return tuple(found)
        if kind is list and len(nested) <= _MOST_TENSORS:  # gradients
            found = []
            for x in nested:
                if x.__class__ in plain_tensors:
                    if x.data.shape != ():
                        found.append(argument_of(x))
                elif x is not None:
                    break
            else:
                return tuple(found)
        leaves = itertools.islice(flat(nested), _MOST_TENSORS)
        return tuple([argument_of(x) for x in leaves if isinstance(x, arrays) and x.shape != ()])

    return positions
