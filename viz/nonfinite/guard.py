"""`viz.trace(on_nonfinite=...)`: looks at what every op and rule made, and speaks up at the first that isn't finite.

Usual arrays cost one scalar product. All else (which op, which line, which numbers) is only worked out once something is
wrong, from what the capture beside it wrote down.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Tensor
from eagerflow.core import observe
from viz import stats
from viz.build import build
from viz.capture import Capture
from viz.nonfinite.check import SAFE, has_nonfinite_number, is_finite, nonfinite
from viz.nonfinite.facts import NonfiniteError, NonfiniteWarning
from viz.nonfinite.search import examples_of, explain
from viz.plain import flat
from viz.recording import Recording
from viz.schema import Op, Record, Stats

__all__ = ["ACTIONS", "Guard"]

ACTIONS = ("raise", "warn")


class Guard(observe.Observer):
    """Stands behind a capture, which hears of every event first.

    Args:
        capture: what records the run.
        action: `"raise"` or `"warn"`.
    """

    def __init__(self, capture: Capture, action: str) -> None:
        self._capture, self._raises = capture, action == "raise"
        self._quiet = False
        self._warned: set[tuple[str, str, str]] = set()
        self._stats: dict[int, Stats] = {}  # by the tensor's id in the recording
        self._examples: dict[str, list[dict[str, Any]]] = {}
        self._snapshot: Recording | None = None

    def finish(self, record: Record) -> Record:
        """The recording as it should be kept: with what was found out, and where it was, of the step in question."""
        if self._snapshot is not None and not self._raises:
            return self._snapshot
        return self._marked(record)

    def _marked(self, record: Record) -> Record:
        for i, measured in self._stats.items():
            if i < len(record.tensors):
                record.tensors[i].stats = measured
        if self._examples:
            record.meta["nonfinite_examples"] = self._examples
        return record

    # ------------------------------------------------------------------ the fast way

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
        if op.name in SAFE or outputs is None or self._quiet:
            return
        if outputs.__class__ is Tensor:
            if is_finite(outputs.data):
                return
        elif all([is_finite(x.data) for x in flat(outputs)]):
            return
        self._suspect_op(inputs, settings, outputs)

    def on_rule(
        self,
        op: Any,
        out_keys: tuple[int | None, ...],
        in_keys: tuple[int | None, ...],
        gradients: tuple[Any, ...],
        results: tuple[Any, ...],
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if op.name in SAFE or self._quiet:
            return
        for result in results:
            if result is not None and not isinstance(result, Tensor) and not is_finite(result):
                self._found(gradients, results, ("g",) * len(gradients))
                return

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._quiet = False

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if scope.kind == "step":
            self._quiet = False

    # ------------------------------------------------------------------ the slow way

    def _suspect_op(self, inputs: tuple[Any, ...], settings: tuple[Any, ...], outputs: Any) -> None:
        """Something the op made isn't finite. Infinities that came in, or that the code asked for, are let pass."""
        given = list(flat(inputs))
        made = list(flat(outputs))
        counts = {id(x): nonfinite(_array(x)) for x in (*given, *made)}
        if not any(counts[id(x)][0] for x in made):
            came_in = any(counts[id(x)][2] for x in given)
            numbers = [x for x in given if not hasattr(x, "dtype")]
            if came_in or has_nonfinite_number((*numbers, *settings)):
                self._let_pass([x for x in (*given, *made) if counts[id(x)][2]], counts)
                return
        self._found(given, made, None)

    def _let_pass(self, tensors: list[Any], counts: dict[int, tuple[int, int, int]]) -> None:
        """Remember which tensors are infinite, in case they become NaN."""
        capture = self._capture
        for x in tensors:
            known = capture.seen.get(getattr(x, "serial", None))
            position = capture.argument(x) if known is None else known
            if isinstance(position, int):
                nan, infinite, _ = counts[id(x)]
                capture.measured.setdefault(position, Stats(nan=nan, inf=infinite))

    def _found(self, given: Sequence[Any], made: Sequence[Any], names: tuple[str, ...] | None) -> None:
        """Work out where it began, and say so."""
        recording = Recording.pending()
        recording.fill(build(self._capture))
        if not recording.ops:
            return
        op = recording.ops[-1]
        self._measure(op.inputs, [_array(x) for x in given if hasattr(x, "dtype")])
        self._measure(op.outputs, [_array(x) for x in made if x is not None])
        self._note_examples(op, given, made, names)
        self._marked(recording)
        found = explain(recording)
        if found is None:
            return
        if self._raises:
            raise NonfiniteError(found)
        self._warn(found, recording)

    def _warn(self, found: Any, recording: Recording) -> None:
        self._quiet = True
        place = (found.op, found.phase, str(found.source or found.layer))
        if place in self._warned:
            return
        self._warned.add(place)
        if self._snapshot is None:
            self._snapshot = recording
            recording.notes.append(found.message)
        warnings.warn(found.message, NonfiniteWarning, stacklevel=5)

    def _measure(self, tensors: Sequence[int], arrays: Sequence[Any]) -> None:
        """Note full statistics, where the tensors of the recording can be told apart."""
        if len(tensors) != len(arrays):
            return
        for i, array in zip(tensors, arrays):
            with numpy.errstate(all="ignore"):
                measured = stats.measure(array, "full")
            if measured is not None:
                self._stats[i] = measured

    def _note_examples(
        self, op: Op, given: Sequence[Any], made: Sequence[Any], names: tuple[str, ...] | None
    ) -> None:
        tensors = [x for x in given if x is not None]
        known = names or _names(op, tensors)
        inputs = {name: _host(_array(x)) for name, x in zip(known, tensors)}
        for i, x in zip(op.outputs, [x for x in made if x is not None]):
            self._keep(i, examples_of(_host(_array(x)), inputs))
        for i, x in zip(op.inputs, [x for x in tensors if hasattr(x, "dtype")]):
            self._keep(i, examples_of(_host(_array(x)), {}))

    def _keep(self, tensor: int, examples: Sequence[Any]) -> None:
        if examples:
            self._examples[str(tensor)] = [
                {"index": list(e.index), "value": _text(e.value), "inputs": {k: _text(v) for k, v in e.inputs.items()}}
                for e in examples
            ]


def _names(op: Op, given: Sequence[Any]) -> list[str]:
    """What the parameters of an op's inputs are called; numbers stand among its settings."""
    tensors = iter(op.input_names)
    numbers = iter([n for n in op.settings])
    return [next(tensors if hasattr(x, "dtype") else numbers, "") for x in given]


def _array(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _host(array: Any) -> Any:
    return array.get() if hasattr(array, "get") else numpy.asarray(array)


def _text(value: float) -> float | str:
    """A number as strict JSON can hold it."""
    return value if math.isfinite(value) else str(value)
