"""What the first weight sees: its range, type and layout; and what augmentation makes of the data."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy

from eagerflow import no_grad
from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.check.broken_numbers import broken_inputs
from viz.check.row import Row, fault, fine, nothing_to_ask, open_question
from viz.check.subject import FEW, Subject, leaves
from viz.doctor import thresholds as limits
from viz.doctor.facts.fit_arrays import inputs_of
from viz.doctor.facts.host_arrays import number, rms
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at
from viz.dry_run.first_weight import PRODUCTS, Seen, at_first_weight
from viz.dry_run.kept_state import put_back

__all__ = ["check_augmentation", "check_inputs"]

_NEARLY_CONSTANT = 10.0  # times their differences are the values of columns
_HARDLY = 0.05  # the standard deviation of columns that should have one of about 1
_DRAWS = 16  # a flip leaves a single row as it is every other time
_GROWN = 2.0  # times the range of the data before augmentation
_RANDOM = ("Random", "Gaussian", "Dropout", "CutMix", "MixUp", "AugMix", "AutoContrast", "Solarization")


def _first_inputs(subject: Subject, training: bool) -> Seen | None:
    """What the first weight sees of the first batch."""
    with no_grad():
        return at_first_weight(lambda: subject.outputs(subject.x, training))


def check_inputs(subject: Subject) -> Row:
    """✗ for values far from 1, none at all, NaN, all equal, and for pictures whose colours are on another axis.

    Of arrays all rows are looked at for NaN, of what else a script trains with the first batch.
    """
    broken = _broken(subject)
    if broken is not None:
        return broken
    with subject.undone():
        seen = _first_inputs(subject, training=False)
    found = open_question("no op with a weight was seen") if seen is None else _row_of(subject, seen)
    others = [_row_of(subject, each) for each in _seen_by_others(subject)] if found.verdict != "fault" else []
    wrong = next((row for row in others if row.verdict == "fault"), None)
    if wrong is None:
        found.message = "; ".join(dict.fromkeys([found.message, *[row.message for row in others]]))
    return wrong or found


def _seen_by_others(subject: Subject) -> list[Seen]:
    """What the first weights of a loop's other calls see of data, as a GAN's discriminator does of real rows."""
    found = []
    last = {id(each.owner): each for each in subject.first.others if each.of_data}  # of each model or layer
    for call in last.values():
        inputs = call.inputs if isinstance(call.inputs, tuple) else (call.inputs,)
        unknown = contextlib.suppress(Exception)  # what a call may take besides isn't announced
        with unknown, no_grad(), put_back(call.owner):
            found.append(at_first_weight(lambda: call.owner(*inputs, training=False)))  # noqa: B023
    return [each for each in found if each is not None]


def _row_of(subject: Subject, seen: Seen) -> Row:
    """What is to be said of one array."""
    place = made_at(seen.layer)
    values = seen.values
    name = layer_label(seen.layer) or seen.op
    words = f"{name!r} sees {'×'.join(map(str, values.shape))} {values.dtype}"
    if values.dtype.kind not in "fiub" or not values.size:
        return open_question(f"{words}: no numbers", place)
    finite = values[numpy.isfinite(values)].astype("float64")
    if finite.size < values.size:
        words = f"{words}, {values.size - finite.size} of its numbers are NaN or infinite"
        return fault(words, "look for missing values in the data, and divisions by a standard deviation of 0")
    low, high, size = float(finite.min()), float(finite.max()), rms(finite)
    words += f", {number(low)} to {number(high)}"
    evidence = {"lowest": low, "highest": high, "rms": size, "shape": list(values.shape), "dtype": str(values.dtype)}
    if seen.op in ("take", "embedding", "one_hot") and values.dtype.kind in "iu":
        table = getattr(seen.layer, "input_dim", None)  # numbers of words beyond that fail in the step itself
        return fine(f"{words} of {table}" if isinstance(table, int) else words, place, **evidence)
    if low == high and low and values.size == len(values):
        words += ": all are equal, one number for each row, as for weights that are learnt without an input"
        return open_question(words, place, **evidence)
    if low == high and len(values) < FEW:  # which may well be all zeros
        return open_question(f"{words}: all are equal, in the {len(values)} rows of the first batch", place, **evidence)
    if low == high:
        return fault(f"{words}: all are equal", "look at how the data is read", **evidence)
    if seen.op in PRODUCTS and size > limits.UNSCALED:
        words = f"{words} (root mean square {number(size)}); weights are made for inputs around ±1"
        fix = "divide pictures by 255; for tables use a Normalization layer, adapted to the training data"
        return fault(words, fix, **evidence)
    apart = _rows_apart(values)
    if seen.op in PRODUCTS and apart is not None and apart * _NEARLY_CONSTANT < size and apart < _HARDLY:
        return _constant_columns(subject, words, place, {**evidence, "apart": apart})
    note = "; on the large side" if seen.op in PRODUCTS and size > limits.UNSCALED_HINT else ""
    return fine(f"{words}{note}", place, **evidence)


def _broken(subject: Subject) -> Row | None:
    """✗ where rows to train with hold NaN or infinities: of arrays any, of a data set those of a while."""
    fit = subject.first.fit
    if fit is None or isinstance(subject.x, (tuple, list, dict)):
        return None
    arrays = inputs_of(fit.feed)
    if arrays:
        return broken_inputs(subject, arrays, "rows to train with")
    for at, batch in enumerate(subject.epoch(), 1):
        found = broken_inputs(subject, list(leaves(unpack_x_y_sample_weight(batch)[0])), f"rows of batch {at}")
        if found is not None:
            return found
    return None


def _rows_apart(values: numpy.ndarray) -> float | None:
    """The standard deviation of columns, all together; None where there are few rows, or whole numbers."""
    if len(values) < FEW or values.ndim < 2 or values.dtype.kind != "f" or bool((values == values.round()).all()):
        return None
    return rms((values - values.mean(axis=0, dtype="float64")).astype("float64"))


def _constant_columns(subject: Subject, words: str, place: Place | None, evidence: dict[str, Any]) -> Row:
    """Rows that are all but equal: a fault where a Normalization should have seen to it, else a question."""
    words = f"{words}: columns are nearly constant, their standard deviation is {number(evidence['apart'])}"
    adapted = next((e for e in layers_in(subject.model) if type(e).__name__ == "Normalization"), None)
    if adapted is None:
        return open_question(f"{words}; weights are made for about 1", place, **evidence)
    words = f"{words}. Layer {layer_label(adapted)!r} was adapted to other data than it is given"
    fix = "scale the data once only: adapt the layer to what fit is given"
    return fault(words, fix, made_at(adapted) or place, **evidence)


def check_augmentation(subject: Subject) -> tuple[Row, tuple[numpy.ndarray, numpy.ndarray] | None]:
    """What the model's augmentation does to the first batch; ✗ where it leaves the range of the data, or all else."""
    unlike = open_question("what the first weight sees can't be compared"), None
    with subject.undone():
        plain = _first_inputs(subject, training=False)
    if plain is None:
        return unlike
    before = plain.values.astype("float64")
    layers = [each for each in layers_in(subject.model) if any(kind in type(each).__name__ for kind in _RANDOM)]
    random = [type(layer).__name__ for layer in layers]
    with subject.undone():
        for _ in range(_DRAWS if random else 1):
            changed = _first_inputs(subject, training=True)
            if changed is None or changed.values.shape != before.shape:
                return unlike
            after = changed.values.astype("float64")
            if not numpy.array_equal(before, after, equal_nan=True):
                break
        else:
            if not random:
                words = "no layer changes the data in training; what the script does before isn't seen here"
                return nothing_to_ask(words), None
            named = ", ".join(dict.fromkeys(random))
            verbs = "come after it, or change" if ", " in named else "comes after it, or changes"
            words = f"the data reach the first weight unchanged: {named} {verbs} nothing"
            return open_question(words), None
    share = float((before != after).mean())
    varied = before.std() > 0 and after.std() > 0
    near = float(numpy.corrcoef(before.reshape(-1), after.reshape(-1))[0, 1]) if varied else 0.0
    low, high = float(before.min()), float(before.max())
    new_low, new_high = float(after.min()), float(after.max())
    of_data = [name for name in random if "Dropout" not in name]
    names = ", ".join(dict.fromkeys(of_data or random)) or "layers before the first weight"
    words = (
        f"{names}: {share:.0%} of the numbers change, correlation with the data {near:.2f}, range {number(low)} to "
        f"{number(high)} → {number(new_low)} to {number(new_high)}"
    )
    place = next((made_at(layer) for layer in layers if made_at(layer)), None)
    evidence = {"changed": share, "correlation": near, "before": [low, high], "after": [new_low, new_high]}
    grown = new_high - new_low > _GROWN * (high - low) and "Dropout" not in names
    ranged = any(hasattr(layer, "value_range") for layer in layers) and "GaussianNoise" not in names
    drowned = grown and not ranged and abs(near) < limits.ALIKE  # noise may well leave the range of the data
    row = fine(words, place, **evidence)
    if drowned:
        row = fault(words, "add less noise, as by a smaller stddev", place, **evidence)
    elif not numpy.isfinite(after).all() or (grown and ranged) or after.std() < _HARDLY * before.std():
        row = fault(words, "set value_range to that of the data, and smaller factors", place, **evidence)
    return row, (plain.values, changed.values)
