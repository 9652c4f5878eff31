"""`viz.trace(on_nonfinite=...)`: looks at what every op and rule made, and speaks up at the first that isn't finite.

Usual arrays cost one scalar product. All else (which op, which line, which numbers) is only worked out once
something is wrong.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.core import observe
from viz.facts.json_data import finite
from viz.facts.schema import Op, Record, Stats
from viz.frameworks.objects import PLAIN_TENSORS, array_of, is_tensor
from viz.nonfinite.examples import examples_of, given_by_place
from viz.nonfinite.finding import Nonfinite, NonfiniteError, NonfiniteWarning
from viz.nonfinite.first_culprit import explain
from viz.nonfinite.fit_rows import note_rows
from viz.nonfinite.segments import Segments, located
from viz.recorder import tensor_stats
from viz.recorder.capture import Capture
from viz.recorder.compositions import guilty_part
from viz.recorder.descriptions import flat
from viz.recorder.finite_check import SAFE, has_nonfinite_number, is_finite, nonfinite
from viz.recorder.kept_values import as_numpy
from viz.recorder.step_tracker import StepTracker
from viz.recording import Recording

__all__ = ["ACTIONS", "Guard"]

ACTIONS = ("raise", "warn")


class Guard(observe.Observer):
    """Hears of everything, and watches the numbers.

    Args:
        action: `"raise"` or `"warn"`.
        segments: records what is needed to tell where something went wrong.
        capture: does that instead; it must hear of every event before this guard does.
    """

    def __init__(self, action: str, segments: Segments, capture: Capture | None = None) -> None:
        self._spare, self._capture, self._raises = segments, capture, action == "raise"
        self._segments = segments if capture is None else None
        self._quiet = False
        self._steps = segments.steps = StepTracker()
        self._step: int | None = None  # that of the event in question, where a loop by hand doesn't mark its steps
        self._count = 0  # of ops and rules, where there is no trail
        self._passed: dict[int, tuple[list[Stats | None], list[Stats | None]]] = {}
        self._warned: set[tuple[str, str, str]] = set()
        self._stats: dict[int, Stats] = {}  # by the tensor's id in the recording
        self._examples: dict[str, list[dict[str, Any]]] = {}
        self._parts: dict[str, int] = {}  # of fused ops, the guilty part
        self._snapshot: Recording | None = None

    def finish(self, record: Record | None = None) -> Record:
        """The recording as it should be kept: of the step in question, with what was found out."""
        if self._segments is not None:
            self._segments.close()
        if self._snapshot is not None and (record is None or not self._raises):
            return self._snapshot
        if self._segments is None:
            return self._marked(record)
        latest = self._segments.latest()
        latest.meta["watched_steps"] = self._steps.upcoming  # of which it has the last that ran otherwise than before
        return latest

    def _marked(self, record: Any) -> Any:
        for i, measured in self._stats.items():
            if i < len(record.tensors):
                record.tensors[i].stats = measured
        if self._examples:
            record.meta["nonfinite_examples"] = self._examples
        if self._step is not None:
            record.meta["nonfinite_step"] = self._step
        if self._parts:
            record.meta.setdefault("nonfinite_parts", {}).update(self._parts)
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
        if not self._steps.begun:
            self._steps.on_op(outputs)
        segments = self._segments
        if segments is not None:
            segments.trail.append(op)
            if segments.recorder is not None:
                segments.recorder.on_op(op, inputs, settings, outputs, started, ended, error)
        else:
            self._count += 1
        if op.means in SAFE or outputs is None or self._quiet:
            return
        if outputs.__class__ in PLAIN_TENSORS:
            if is_finite(outputs.data):
                return
        elif all([is_finite(x.data) for x in flat(outputs)]):
            return
        self._suspect_op(op, inputs, settings, outputs, started, ended, error)

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
        event = (op, out_keys, in_keys, gradients, results, started, ended, error)
        segments = self._segments
        if segments is not None:
            segments.trail.append(op)
            if segments.recorder is not None:
                segments.recorder.on_rule(*event)
        else:
            self._count += 1
        if op.means in SAFE or self._quiet:
            return
        for result in results:
            if result is not None and not is_tensor(result) and not is_finite(result):
                names = tuple(["g"] * len(gradients))
                self._found(gradients, results, names, ("on_rule", *event))
                return

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._quiet = False
        self._steps.on_gradient(sources, results)
        if self._segments is not None and self._segments.recorder is not None:
            self._segments.recorder.on_gradient(targets, sources, results)

    def on_update(self, *event: Any) -> None:
        self._steps.on_update(event[1])
        if self._segments is not None and self._segments.recorder is not None:
            self._segments.recorder.on_update(*event)

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if scope.kind == "step":
            self._quiet = False
        self._steps.on_scope_begin(scope)
        if self._segments is not None:
            self._segments.on_scope_begin(scope)
            if not self._segments.trail:
                self._passed.clear()

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        if self._segments is not None:
            self._segments.on_scope_end(scope, outputs, error)
        self._steps.on_scope_end(scope)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        if self._segments is not None and self._segments.recorder is not None:
            self._segments.recorder.on_logs(kind, step, logs)

    # ------------------------------------------------------------------ the slow way

    def _suspect_op(
        self, op: Any, inputs: tuple[Any, ...], settings: tuple[Any, ...], outputs: Any, *rest: Any
    ) -> None:
        """Something the op made isn't finite. Infinities that came in, or that the code asked for, are let pass."""
        given = [x for x in flat(inputs) if x is not None]
        made = list(flat(outputs))
        if not any(nonfinite(array_of(x))[0] for x in made):
            numbers = [x for x in given if not hasattr(x, "dtype")]
            came_in = any(nonfinite(array_of(x))[2] for x in given)
            if came_in or has_nonfinite_number((*numbers, *settings)):
                read = [_counts(x) for x in given if hasattr(x, "dtype")]
                self._passed[self._ran() - 1] = read, [_counts(x) for x in made]
                return
        self._found(given, made, None, ("on_op", op, inputs, settings, outputs, *rest))

    def _found(
        self, given: Sequence[Any], made: Sequence[Any], names: tuple[str, ...] | None, event: tuple[Any, ...]
    ) -> None:
        """Work out where it began, and say so."""
        self._step = self._steps.upcoming if event[0] == "on_rule" else self._steps.running(event[4])
        recording = self._recording(event)
        op = recording.ops[-1]
        self._measure(op.inputs, [array_of(x) for x in given if hasattr(x, "dtype")])
        self._measure(op.outputs, [array_of(x) for x in made if x is not None])
        self._note_examples(op, given, made, names)
        if event[0] == "on_op" and (number := guilty_part(*event[1:4])) is not None:
            self._parts[str(op.id)] = number
        self._marked(recording)
        if (found := explain(recording)) is not None and found.kind == "data":
            note_rows(recording)
            found = explain(recording)
        if found is None:
            return
        if self._snapshot is None:
            self._snapshot = recording
            recording.notes.append(found.message)
        if self._raises:
            raise NonfiniteError(found)
        self._warn(found)

    def _ran(self) -> int:
        return self._count if self._segments is None else len(self._segments.trail)

    def _recording(self, event: tuple[Any, ...]) -> Recording:
        """What ran up to the event, which is its last op."""
        found = located(self._capture, self._count) if self._capture is not None else self._spare.here()
        recording, ops = found or (None, [])
        if recording is None or not ops or ops[-1] is None:
            return self._spare.alone(*event)
        for number, (read, made) in self._passed.items():
            at = ops[number]
            if at is not None:
                op = recording.ops[at]
                for i, stats_ in (*zip(op.inputs, read), *zip(op.outputs, made)):
                    if stats_ is not None:
                        self._stats.setdefault(i, stats_)
        return recording

    def _warn(self, found: Nonfinite) -> None:
        self._quiet = True
        place = (found.op, found.phase, str(found.source or found.layer))
        if place in self._warned:
            return
        self._warned.add(place)
        warnings.warn(found.message, NonfiniteWarning, stacklevel=5)

    def _measure(self, tensors: Sequence[int], arrays: Sequence[Any]) -> None:
        """Note full statistics, where the tensors of the recording can be told apart."""
        if len(tensors) != len(arrays):
            return
        for i, array in zip(tensors, arrays):
            with numpy.errstate(all="ignore"):
                measured = tensor_stats.measure(as_numpy(array), "full")
            if measured is not None:
                self._stats[i] = measured

    def _note_examples(self, op: Op, given: Sequence[Any], made: Sequence[Any], names: tuple[str, ...] | None) -> None:
        tensors = [x for x in given if x is not None]
        known = names or _names(op, tensors)
        inputs = {name: as_numpy(array_of(x)) for name, x in zip(known, tensors)}
        for i, x in zip(op.outputs, [x for x in made if x is not None]):
            self._keep(i, examples_of(as_numpy(array_of(x)), given_by_place(op.name, inputs)))
        for i, x in zip(op.inputs, [x for x in tensors if hasattr(x, "dtype")]):
            self._keep(i, examples_of(as_numpy(array_of(x)), {}))

    def _keep(self, tensor: int, examples: Sequence[Any]) -> None:
        if examples:
            self._examples[str(tensor)] = finite([dataclasses.asdict(example) for example in examples])


def _names(op: Op, given: Sequence[Any]) -> list[str]:
    """What the parameters of an op's inputs are called; numbers stand among its settings."""
    tensors = iter(op.input_names)
    numbers = iter(op.settings)
    return [next(tensors if hasattr(x, "dtype") else numbers, "") for x in given]


def _counts(x: Any) -> Stats | None:
    """How many elements aren't finite, where any."""
    nan, infinite, both = nonfinite(array_of(x))
    return Stats(nan=nan, inf=infinite) if both else None
