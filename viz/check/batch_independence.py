"""Do rows of a batch mix? With another row in the place of the last one, the outputs of all others must stay."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import no_grad, ops, tree
from eagerflow.core.observe import Scope, observing
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import FEW, ROUNDING, Subject, leaves, name_of
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.user_code import made_at
from viz.frameworks.objects import TENSORS, is_tensor
from viz.recorder.descriptions import flat
from viz.recorder.listening import Listening

__all__ = ["check_rows_apart"]

_FIX = (
    "look for a mean, a sum, a softmax or a reshape over axis 0: what a model computes of a row must depend on that "
    "row alone"
)


def check_rows_apart(subject: Subject) -> Row:
    """✗ where an output of one row depends on another row, in inference mode: BatchNormalization mixes in training."""
    data = subject.part(FEW)
    x = data[0] if isinstance(data, tuple) else data
    rows = next((each.shape[0] for each in flat(x) if getattr(each, "shape", ())), 0)
    if rows < 2:
        return nothing_to_ask(f"the batch has {rows} row{'s' * (rows != 1)}: nothing could mix")
    if not isinstance(x, (*TENSORS, list, tuple, dict)):
        return open_question(f"the inputs are a {type(x).__name__}, which can't be taken apart")
    runs = [_run(subject, given, rows) for given in (x, tree.map_structure(lambda each: _exchanged(each, rows), x))]
    if not runs[0][-1][1]:
        return open_question(f"the outputs have no row for each of the {rows} rows of the batch")
    own, others, row = _changed(runs[0][-1][1], runs[1][-1][1])
    if others > ROUNDING:
        return _mixed(subject, runs, others, row, rows - 1)
    if not own:
        words = f"input row {rows - 1} was replaced by another, and no output changed (are they saturated?)"
        return open_question(f"{words}: nothing is seen")
    words = f"with another last row, all other rows' outputs stay as they are (inference mode{_why_inference(subject)})"
    return fine(words, rows=rows, largest=others)


_Made = list[tuple[Any, list[numpy.ndarray]]]


def _run(subject: Subject, x: Any, rows: int) -> _Made:
    """What each layer gave with a row for each of the inputs', in the order in which they ended, and the model."""
    made: _Made = []

    def ended(scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scope.kind in ("layer", "model") and outputs is not None:
            made.append((scope.owner, _with_rows(outputs, rows)))

    with subject.undone(), no_grad(), observing(Listening(on_scope_end=ended)):
        outputs = subject.outputs(x)
    return [*made, (subject.model, _with_rows(outputs, rows))]


def _exchanged(each: Any, rows: int) -> Any:
    """The same with another row in the place of the last one."""
    if not getattr(each, "shape", ()) or each.shape[0] != rows:
        return each
    values = next(leaves(each)).copy()
    values[-1] = next((row for row in values[:-1] if (row != values[-1]).any()), values[0])
    return ops.convert_to_tensor(values)


def _mixed(subject: Subject, runs: list[_Made], others: float, row: int, other: int) -> Row:
    guilty = next((a[0] for a, b in zip(*runs) if a[1] and _changed(a[1], b[1])[1] > ROUNDING), subject.model)
    place, name = made_at(guilty), name_of(guilty)
    words = f"output row {row} changes when input row {other} is replaced, by {others:.2g} of the outputs' size"
    where = "" if guilty is subject.model else f"; first in layer {name!r}"
    return fault(f"{words}{where}", _FIX, place, row=row, other=other, change=others, layer=name)


def _with_rows(outputs: Any, rows: int) -> list[numpy.ndarray]:
    """The outputs of floats that have a row for each of the inputs'."""
    tensors = [t for t in flat(outputs) if is_tensor(t) and t.shape and t.shape[0] == rows]
    return [next(leaves(t)) for t in tensors if t.data.dtype.kind == "f"]


def _changed(before: list[numpy.ndarray], after: list[numpy.ndarray]) -> tuple[float, float, int]:
    """How much the last row changed, the others at most, and which of these, as parts of the size of all."""
    own = others = 0.0
    row = 0
    for a, b in zip(before, after):
        scale = float(numpy.abs(a).max(initial=0.0)) or 1.0
        sizes = numpy.abs(a.astype("float64") - b).reshape(len(a), -1).max(axis=1, initial=0.0) / scale
        own = max(own, float(sizes[-1]))
        if sizes[:-1].max() > others:
            others, row = float(sizes[:-1].max()), int(sizes[:-1].argmax())
    return own, others, row


def _why_inference(subject: Subject) -> str:
    """Of a model with batch normalization, why it isn't asked in training."""
    mixes = any(type(layer).__name__ == "BatchNormalization" for layer in layers_in(subject.model))
    return ": BatchNormalization mixes rows in training" if mixes else ""
