"""What a model, or any function of tensors, really runs: its ops in order, for inputs of several sizes.

What is exported is what ran, so custom layers, Lambdas and methods need no converter of their own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.core.custom_gradient import no_grad
from eagerflow.core.observe import Observer, Scope, observing, unobserved
from eagerflow.core.tensor import Tensor

__all__ = ["ExportError", "Step", "Trace", "traced"]

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class ExportError(ValueError):
    """Something that ran can't be expressed; the message names layer, line of code and op."""


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:38]}…{text[-38:]}"


class Step(NamedTuple):
    """One op that ran.

    Attributes:
        op: the `Op`; None where outputs are inputs under another name.
        inputs: one per array parameter: a Tensor, array, number, None, or a list of such.
        settings: its other arguments, in order.
        outputs: tensors.
        path: the names of the scopes around it, outermost first.
        place: the user's line, as `file:line`; "" where there is none.
    """

    op: Any
    inputs: tuple[Any, ...]
    settings: tuple[Any, ...]
    outputs: tuple[Tensor, ...]
    path: tuple[str, ...]
    place: str

    def where(self) -> str:
        """Layer, line and op, for messages."""
        at = f"layer {_short('/'.join(self.path))!r}, " if self.path else ""
        line = f"line {_short(self.place)}, " if self.place else ""
        return f"{at}{line}op {self.op.name}"


class Trace(NamedTuple):
    """Steps, and the tensors that went in and came out."""

    steps: list[Step]
    inputs: list[Tensor]
    outputs: list[Tensor]


class _Recorder(Observer):
    """Notes the ops; those that `opens` tells of are replaced by the ops of their references."""

    def __init__(self, opens: Callable[[Any], bool]) -> None:
        self.opens = opens
        self.steps: list[Step] = []
        self.path: list[str] = []

    def on_op(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        outputs: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if error is not None:
            return
        made = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        place = _users_line(sys._getframe(2))
        if not self.opens(op):
            self.steps.append(Step(op, inputs, settings, made, tuple(self.path), place))
            return
        inner = _Recorder(self.opens)
        inner.path = [*self.path, op.name]
        with unobserved(), observing(inner):
            found = op.reference(*[_as_tensor(x) for x in inputs], **dict(zip(op.settings, settings)))
        found = (found,) if isinstance(found, Tensor) else tuple(found)
        self.steps += [step._replace(place=place) for step in inner.steps]
        self.steps.append(Step(None, found, (), made, tuple(self.path), place))

    def on_scope_begin(self, scope: Scope) -> None:
        self.path.append(scope.name)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        self.path.pop()

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        raise ExportError(
            f"the variable {variable.path!r} is changed in inference (by {name}), which a file of fixed weights "
            "can't do. Export a model without stateful layers."
        )


def _as_tensor(x: Any) -> Any:
    return Tensor(x) if isinstance(x, numpy.ndarray) else x


def _users_line(frame: Any) -> str:
    """The innermost line that isn't ours."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_OURS, "<")) and os.sep + "contextlib" not in name:
            return f"{os.path.basename(name)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def traced(
    run: Callable[[Sequence[Tensor]], Sequence[Tensor]], arrays: Sequence[Any], opens: Callable[[Any], bool]
) -> Trace:
    """Run a function and note its ops.

    Args:
        run: takes a list of tensors and gives a list of tensors.
        arrays: what it is given.
        opens: whether an op is to be replaced by the ops of its reference.
    """
    inputs = [Tensor(numpy.array(array)) for array in arrays]
    recorder = _Recorder(opens)
    with unobserved(), observing(recorder), no_grad():
        outputs = list(run(inputs))
    return Trace(recorder.steps, inputs, outputs)
