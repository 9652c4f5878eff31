"""Do rows of a batch mix? The gradient of one row's outputs with respect to another row's inputs must be zero."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import GradientTape, Tensor, no_grad, ops, tree
from eagerflow.core.observe import Scope, observing
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import Subject, leaves
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at
from viz.dry_run.recorded_ops import RecordedModel
from viz.recorder.descriptions import flat
from viz.recorder.listening import Listening

__all__ = ["check_rows_apart"]

_ROWS = 8  # of a batch, which are enough to see it
_ROUNDING = 1e-6  # of the row's own gradient: sums of a product may be rounded together
_VANISHED = 1e-25  # a gradient of outputs that is so small that another row's would be too small for float32
_CHANGED = 1e-4  # of the size of the outputs
_FIX = (
    "look for a mean, a sum, a softmax or a reshape over axis 0: what a model computes of a row must depend on that "
    "row alone"
)


def check_rows_apart(subject: Subject) -> Row:
    """✗ where an output of one row depends on another row, in inference mode: BatchNormalization mixes in training."""
    data = subject.part(_ROWS)
    x = data[0] if isinstance(data, tuple) else data
    rows = next((each.shape[0] for each in flat(x) if getattr(each, "shape", ())), 0)
    if rows < 2:
        return nothing_to_ask(f"the batch has {rows} row{'s' * (rows != 1)}: nothing could mix", subject.place)
    if not isinstance(x, (Tensor, list, tuple, dict)):
        return open_question(f"the inputs are a {type(x).__name__}, which can't be taken apart", subject.place)
    floats = [each for each in flat(x) if isinstance(each, Tensor) and each.data.dtype.kind == "f"]
    others = [each for each in flat(x) if isinstance(each, Tensor) and each.data.dtype.kind in "iub"]
    asked = [_by_gradients(subject, x, floats, rows)] if floats else []
    asked += [_by_exchange(subject, x, rows)] if others or not floats else []
    return next((row for verdict in ("fault", "ok", "open") for row in asked if row.verdict == verdict), asked[0])


def _outputs_of_layers(made: list[tuple[Any, Any]]) -> Listening:
    """Keeps each layer, in the order in which they end, with what it gave."""

    def ended(scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scope.kind in ("layer", "model") and outputs is not None:
            made.append((scope.owner, outputs))

    return Listening(on_scope_end=ended)


def _by_gradients(subject: Subject, x: Any, floats: list[Tensor], rows: int) -> Row:
    made = list[tuple[Any, Any]]()
    with GradientTape(persistent=True) as tape, observing(_outputs_of_layers(made)):
        for each in floats:
            tape.watch(each)
        outputs = subject.outputs(x)
    found = _with_rows(outputs, rows)
    if not found:
        return _without_rows(outputs, rows, subject)
    own, mixed, pair = _mixing(tape, found, floats, rows)
    if not own and not mixed:
        return open_question("the outputs don't change with the inputs (gradient 0), so nothing is seen", subject.place)
    if max(own, mixed) < _VANISHED:
        return open_question(
            f"the outputs hardly change with the inputs (gradient {max(own, mixed):.1g}: are they saturated?), so "
            "nothing is seen",
            subject.place,
        )
    if mixed <= _ROUNDING * own:
        return fine(
            f"no row's outputs depend on another row (gradients; in inference mode{_why_inference(subject.model)})",
            subject.place,
            rows=rows,
            largest=mixed,
        )
    guilty = subject.model
    for owner, outputs in made:  # in the order in which they ended: inner layers first
        given = _with_rows(outputs, rows)
        if given and _is_mixed(*_mixing(tape, given, floats, rows)[:2]):
            guilty = owner
            break
    return _mixed(subject, guilty, pair, mixed, own)


def _is_mixed(own: float, mixed: float) -> bool:
    return mixed > _ROUNDING * own


def _mixed(subject: Subject, guilty: Any, pair: tuple[int, int], mixed: float, own: float) -> Row:
    i, j = pair
    name = layer_label(guilty) or type(guilty).__name__
    whole = guilty is subject.model
    if isinstance(subject.model, RecordedModel):
        return open_question(
            f"answer {i} depends on input row {j} (gradient {mixed:.2g}, and {own:.2g} on its own row): as it should "
            "for a batch normalization written by hand, and for nothing else",
            made_at(guilty) or subject.place,
            row=i,
            other=j,
        )
    return fault(
        f"output row {i} depends on input row {j}: its gradient there is {mixed:.2g}, and {own:.2g} on its own row"
        f"{'' if whole else f'; first in layer {name!r}'}",
        _FIX,
        made_at(guilty) or subject.place,
        row=i,
        other=j,
        gradient=mixed,
        own=own,
        layer=name,
    )


def _with_rows(outputs: Any, rows: int) -> list[Tensor]:
    """The outputs of floats that have a row for each of the inputs'."""
    return [
        t
        for t in flat(outputs)
        if isinstance(t, Tensor) and t.shape and t.shape[0] == rows and t.data.dtype.kind == "f"
    ]


def _without_rows(outputs: Any, rows: int, subject: Subject) -> Row:
    shapes = ", ".join([str(getattr(each, "shape", type(each).__name__)) for each in flat(outputs)])
    return open_question(f"the outputs have no row for each of the {rows} rows: {shapes}", subject.place)


def _mixing(tape: Any, outputs: list[Tensor], floats: list[Tensor], rows: int) -> tuple[float, float, tuple[int, int]]:
    """The largest gradient on a row's own inputs, the largest on another row's, and which rows these were."""
    rng = numpy.random.default_rng(0)
    own = mixed = 0.0
    pair = (0, 0)
    for i in sorted({0, rows // 2, rows - 1}):
        seeds = []
        for output in outputs:
            # Not ones: outputs of a softmax sum to 1, whatever the inputs.
            seed = numpy.zeros(output.shape, output.data.dtype)
            seed[i] = rng.uniform(0.5, 1.5, output.shape[1:])
            seeds.append(ops.convert_to_tensor(seed))
        gradients = tape.gradient(outputs, floats, output_gradients=seeds)
        for gradient in [g for g in gradients if g is not None]:
            if not gradient.shape or gradient.shape[0] != rows:
                continue
            sizes = numpy.abs(next(leaves(gradient))).reshape(rows, -1).max(axis=1, initial=0.0)
            own = max(own, float(sizes[i]))
            sizes[i] = 0.0
            if sizes.max() > mixed:
                mixed, pair = float(sizes.max()), (i, int(sizes.argmax()))
    return own, mixed, pair


def _by_exchange(subject: Subject, x: Any, rows: int) -> Row:
    """For inputs that have no gradient: another row instead of the last one must leave the others as they are."""

    def exchanged(each: Any) -> Any:
        if not getattr(each, "shape", ()) or each.shape[0] != rows:
            return each
        values = next(leaves(each)).copy()
        values[-1] = values[0]
        return ops.convert_to_tensor(values)

    runs = []
    for given in (x, tree.map_structure(exchanged, x)):
        made = list[tuple[Any, Any]]()
        with subject.undone(), no_grad(), observing(_outputs_of_layers(made)):
            outputs = subject.outputs(given)
        runs.append([(owner, [next(leaves(t)) for t in _with_rows(o, rows)]) for owner, o in made])
    if not _with_rows(outputs, rows):
        return _without_rows(outputs, rows, subject)
    own, others, row = _changed(runs[0][-1][1], runs[1][-1][1])
    if others > _CHANGED:
        first = next((a[0] for a, b in zip(*runs) if a[1] and _changed(a[1], b[1])[1] > _CHANGED), subject.model)
        name = layer_label(first) or type(first).__name__
        return fault(
            f"output row {row} changes when input row {rows - 1} is replaced, by {others:.2g} of the outputs' size"
            f"{'' if first is subject.model else f'; first in layer {name!r}'}",
            _FIX,
            made_at(first) or subject.place,
            row=row,
            other=rows - 1,
            change=others,
            layer=name,
        )
    if not own:
        return open_question(
            f"input row {rows - 1} was replaced by row 0, and no output changed: nothing is seen", subject.place
        )
    return fine(
        "with another last row, all other rows' outputs stay as they are (inference mode)", subject.place, rows=rows
    )


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


def _why_inference(model: Any) -> str:
    """Of a model with batch normalization, why it isn't asked in training."""
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else []
    mixes = any(type(layer).__name__ == "BatchNormalization" for layer in layers)
    return ": BatchNormalization mixes rows in training" if mixes else ""
