"""`loss_mismatch` and `label_range`: predictions, labels and loss that don't belong together."""

from __future__ import annotations

import linecache
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.checks.own_losses.out_of_reach import RANGES, reach_of
from viz.doctor.loss_questions import CROSSENTROPIES, is_answer_of_own_loss, is_ours, own_loss, reaches
from viz.doctor.program import layer_label
from viz.doctor.user_code import loss_weights, made_at

__all__ = ["Labels", "Mismatch", "function_name", "is_ours", "labels_and_answers", "loss_kind"]

_SQUASHED = ("softmax", "sigmoid")
# Activations that give no probabilities, and what they give.
_OTHERWISE = dict.fromkeys(("relu", "softplus", "exp"), "any number from 0 up") | {"tanh": "numbers from -1 to 1"}
_DIFFERENCES = ("mean_squared_error", "mean_absolute_error")


def function_name(loss: Any) -> str:
    """What the function of a loss object is called; empty where it has none with a name."""
    return getattr(getattr(loss, "fn", None), "__name__", "") or ""


def loss_kind(loss: Any) -> str:
    """`"sparse"`, `"categorical"`, `"binary"` or `"other"`, for a loss object.

    What users wrote themselves is "other", whatever its name: only the ops that run in it tell what it computes.
    """
    if not is_ours(loss):
        return "other"
    name = f"{function_name(loss)} {type(loss).__name__}".lower()
    if "crossentropy" not in name and "cross_entropy" not in name:
        return "other"
    return "sparse" if "sparse" in name else "binary" if "binary" in name else "categorical"


def labels_and_answers(opened: Any) -> tuple[Any, Any] | None:
    """Labels and predictions of a loss, where each is one array."""
    given = opened.scope.inputs
    if opened.kind != "loss" or not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], Tensor):
        return None
    labels = given[0].data if isinstance(given[0], Tensor) else numpy.asarray(given[0])
    return (host(labels), given[1]) if labels.dtype.kind in "fiub" else None


class Mismatch(Check):
    """Softmax twice, logits taken for probabilities, softmax over one unit, the wrong crossentropy."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._of_several: set[int] = set()  # losses some of whose labels have several ones in a row
        self._axes: dict[int, tuple[int, str]] = {}  # over which axis a softmax was taken, by the key of its output
        self._model: Any = None  # the one that answered last
        self._shares: set[Any] = set()  # keys of answers that a loss of the user's divided, by their sum perhaps
        self._squashed: set[Any] = set()  # keys of what a softmax or a sigmoid was taken of
        self._negated: dict[Any, Any] = {}  # of what these are the negative: a crossentropy of logits has softplus(-x)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name in _SQUASHED and not self.watch.inside("metric"):
            self._squashed.add(getattr(inputs[0], "key", None))
        if op.name in ("softmax", "log_softmax"):
            self._softmax(op, inputs[0], settings, outputs)
        elif op.name in CROSSENTROPIES:
            self._from_logits(op, inputs[1])
        elif op.name == "softplus" and not self.watch.inside("layer", "metric"):
            self._from_logits(op, self._negated.get(getattr(inputs[0], "key", None), inputs[0]))
        elif op.name == "negative" and isinstance(outputs, Tensor) and outputs.key is not None:
            self._negated[outputs.key] = inputs[0]
        elif op.name == "clip" and _clips_probabilities(inputs) and not self.watch.inside("metric"):
            shares = getattr(inputs[0], "key", None) in self._shares
            if shares or not self.watch.inside("loss") or is_answer_of_own_loss(self.watch, inputs[0]):
                self._as_probabilities(inputs[0], None)
        elif op.name == "divide" and is_answer_of_own_loss(self.watch, inputs[0]):
            self._shares.add(getattr(outputs, "key", None))
        elif op.name == "sigmoid" and is_answer_of_own_loss(self.watch, inputs[0]):
            self._second_sigmoid(op, inputs[0])

    def _softmax(self, op: Any, x: Any, settings: Any, outputs: Any) -> None:
        if not isinstance(x, Tensor) or outputs is None or outputs.key is None:
            return
        shape, axis, layer = x.data.shape, settings[0], self.watch.layer()
        made_by = self.watch.made_by(x)
        if made_by in _SQUASHED:
            what = f"{op.name} of values that {made_by} made already: the result is nearly uniform"
            self._report("twice", what, layer, op.name, self.watch.place(), twice=True)
        elif isinstance(axis, int):
            self._axes[outputs.key] = axis % len(shape), op.name
            if len(shape) == 2 and shape[axis] == 1:
                self._one_unit(shape, layer, op.name, self.watch.place())

    def _second_sigmoid(self, op: Any, x: Any) -> None:
        """A loss of the user's takes a sigmoid of what went through one in the last layer."""
        made_by = self.watch.made_by(x)
        if made_by in _SQUASHED:
            what = f"{op.name} of values that {made_by} made already: they only come from 0.5 to 0.73"
            self._report("twice", what, None, op.name, self.watch.place(), twice=True)

    def _one_unit(self, shape: Any, layer: Any, op: str, place: Any) -> None:
        whose = f"layer {layer_label(layer)!r}: " if layer is not None else ""
        what = f"{whose}softmax over one unit is always 1, whatever the input (shape {tuple(shape)})"
        self._report("one_unit", what, layer, op, place, shape=list(shape))

    def on_step_end(self) -> None:
        for known in (self._axes, self._negated, self._shares, self._squashed):
            known.clear()

    def _axis(self, predicted: Tensor) -> None:
        """A softmax that the loss is given, over another axis than the classes'."""
        shape, origin = predicted.data.shape, self.watch.origin(predicted)
        axis, op = self._axes.get(predicted.key or -1, (len(shape) - 1, ""))
        if origin is None or not op:
            return
        if len(shape) > 2 and axis == len(shape) - 1 and shape[-1] == 1:  # elsewhere, attention over one key
            self._one_unit(shape, origin.layer, op, origin.place)
        elif len(shape) > 1 and axis != len(shape) - 1 and shape[-1] > 1:
            along = "the rows of the batch, which then depend on each other" if not axis else f"axis {axis}"
            whose = f"layer {layer_label(origin.layer)!r}: " if origin.layer is not None else ""
            self.watch.report(
                "softmax_axis",
                "error",
                f"{whose}{op} of the predictions {tuple(shape)} goes over {along}, not over the {shape[-1]} classes "
                "(the "
                "last axis)",
                layer=origin.layer,
                op=op,
                place=origin.place,
                evidence={"axis": axis, "shape": list(shape)},
            )

    def _from_logits(self, op: Any, logits: Any) -> None:
        made_by = self.watch.made_by(logits) if isinstance(logits, Tensor) else ""
        if made_by not in _SQUASHED or self._goes_on_from(logits):
            return
        applied = "sigmoid" if op.name == "softplus" else op.name.split("_")[-2]
        layer = self._layer_of(logits)
        where = f", in layer {layer_label(layer)!r}" if layer is not None else ""
        place = self.watch.place()
        by_name = place is not None and "_with_logits" in linecache.getline(place.file, place.line)
        what = (
            f"the loss takes its input as logits{'' if by_name else ' (from_logits=True)'} and applies {applied}, but "
            f"the predictions went through {made_by} already{where}"
        )
        way = "with_logits" if by_name else "from_logits"
        self._report(way, what, layer, op.name, place, activation=made_by)

    def _goes_on_from(self, logits: Any) -> bool:
        """Was the loss given probabilities, and goes on from what the last softmax or sigmoid was taken of?"""
        opened = self.watch.scopes.innermost("loss")
        if opened is not None and is_ours(opened.owner) and loss_kind(opened.owner) != "other":
            return not getattr(opened.owner, "settings", {}).get("from_logits")
        return logits.key in self._squashed

    def _layer_of(self, x: Any) -> Any:
        origin = self.watch.origin(x)
        return None if origin is None else origin.layer

    # ------------------------------------------------------------------ loss objects

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "model" and self.watch.outermost():
            self._model = opened.owner
        pair = labels_and_answers(opened)
        if pair is None:
            return
        labels, predicted = pair
        kind, settings = loss_kind(opened.owner), getattr(opened.owner, "settings", {})
        self._axis(predicted)
        self._smoothed(opened.owner, float(settings.get("label_smoothing") or 0.0))
        if is_ours(opened.owner) and self._each_step(labels, predicted):
            return
        if kind == "other":
            self._elementwise(labels, predicted, opened.owner)
            self._squared(labels, predicted, opened.owner)
            self._divergence(labels, predicted, opened.owner)
            return
        one_unit = kind != "binary" and predicted.data.shape[-1:] == (1,)  # no activation makes classes of it
        other = kind == "binary" and labels.size != predicted.data.size
        if not settings.get("from_logits") and not one_unit and not other:
            self._as_probabilities(predicted, opened.owner)
        self._shapes(kind, labels, predicted, opened.owner)

    def _smoothed(self, loss: Any, part: float) -> None:
        if part < limits.SMOOTHED:
            return
        what = (
            f"label_smoothing={part:g} spreads {part:.0%} of each label over all classes: what is left of the right "
            f"one is {1 - part:.0%}"
        )
        self._report("smoothing", what, None, None, made_at(loss) or self.watch.called_at(), high=part)

    def _elementwise(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        """A loss that compares element by element, given class numbers for several outputs."""
        shape = predicted.data.shape
        fits = labels.size == predicted.data.size or not shape or shape[-1] < 2 or not is_ours(loss)
        if not fits and labels.size * shape[-1] == predicted.data.size:
            name = getattr(loss, "name", "the loss")
            what = f"{name} compares element by element, but labels {labels.shape} are one number each"
            self._wrong("elementwise", loss, what, predicted)

    def _squared(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        """Hinge after softmax or sigmoid, and squared or absolute differences for classes (a hint)."""
        if not is_ours(loss):
            return
        name = function_name(loss)
        made_by, place = self.watch.made_by(predicted), made_at(loss) or self.watch.called_at()
        if name in ("hinge", "squared_hinge") and made_by in _SQUASHED and predicted.key is not None:
            what = (
                f"{name} wants outputs of either sign, for labels of -1 and 1; {made_by} gives 0 to 1: -1 is out "
                "of reach"
            )
            self._report("hinge", what, self._layer_of(predicted), None, place, activation=made_by)
        if (
            name not in _DIFFERENCES
            or labels.shape != predicted.data.shape
            or labels.ndim != 2
            or made_by not in _SQUASHED
        ):
            return
        columns, ones = labels.shape[1], labels == 1
        if not (ones | (labels == 0)).all() or (columns > 1 and not (ones.sum(axis=1) == 1).all()) or not ones.any():
            return
        rows = "one-hot rows" if columns > 1 else "0 and 1"
        self.watch.report(
            "class_loss",
            "info",
            f"{name} compares {made_by}'s answers with {rows}: where such an answer is certain and wrong, its gradient "
            "is next "
            "to nothing",
            place=place,
            evidence={"columns": columns, "loss": name},
        )

    def _each_step(self, labels: numpy.ndarray, predicted: Tensor) -> bool:
        """An answer for each step of a sequence, as the last recurrent layer gives all its states, but one label."""
        shape = predicted.data.shape
        if len(shape) != 3 or labels.ndim > 2 or labels.shape[:1] != shape[:1] or labels.shape[1:2] == shape[1:2]:
            return False
        readers = [each for each in getattr(self._model, "layers", ()) if hasattr(each, "return_sequences")]
        if not readers or not readers[-1].return_sequences:
            return False
        words = (
            f"layer {layer_label(readers[-1])!r} gives its state after each of {shape[1]} steps "
            f"(return_sequences=True), so there are {shape[1]} answers for each row, but one label "
            f"(labels {labels.shape}, predictions {shape})"
        )
        self._report("sequences", words, readers[-1], None, made_at(readers[-1]), shape=list(shape))
        return True

    def _divergence(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        """A Kullback-Leibler divergence of what are no chances, but the logits that chances are made of."""
        name = function_name(loss)
        if name != "kl_divergence" or not is_ours(loss):
            return
        for what, values in (("labels", labels), ("predictions", host(predicted.data))):
            low, high = float(values.min()), float(values.max())
            if low < -limits.OUT_OF_RANGE or high > 1 + limits.OUT_OF_RANGE:
                words = (
                    f"{name} compares chances, from 0 to 1, but its {what} range from {number(low)} to {number(high)}: "
                    "they are logits, of which all that is below 0 or above 1 is cut off"
                )
                place = made_at(loss) or self.watch.called_at()
                self._report("divergence", words, None, None, place, low=low, high=high)
                return

    def _as_probabilities(self, predicted: Any, loss: Any) -> None:
        """Values that a loss takes for probabilities, and which are none."""
        if not isinstance(predicted, Tensor) or predicted.key is None:
            return
        one_of_many = loss is not None and loss_kind(loss) != "binary"  # then they should sum to 1
        made_by = self.watch.made_by(predicted)
        if made_by == "softmax" or (made_by == "sigmoid" and not one_of_many):
            return
        values = host(predicted.data)
        if loss is not None and made_by in _OTHERWISE:
            layer = self._layer_of(predicted)
            whose = f" of layer {layer_label(layer)!r}" if layer is not None else ""
            what = (
                f"the outputs{whose} come from {made_by}, which gives {_OTHERWISE[made_by]}, but the loss takes them "
                "for probabilities (from_logits=False)"
            )
            place = made_at(loss) or self.watch.place()
            self._report(_logits_of(values, loss), what, layer, None, place, high=float(values.max()))
        elif values.size and values.dtype.kind == "f" and numpy.isfinite(values).all():
            self._judge(values, one_of_many and values.ndim > 1, self.watch.origin(predicted), loss)

    def _judge(self, values: numpy.ndarray, one_of_many: bool, origin: Any, loss: Any) -> None:
        layer = None if origin is None else origin.layer
        low, high = float(values.min()), float(values.max())
        whose = f" of layer {layer_label(layer)!r}" if layer is not None else ""
        total = float(numpy.median(values.sum(axis=-1))) if one_of_many else 1.0
        if low < -limits.OUT_OF_RANGE or high > 1 + limits.OUT_OF_RANGE:
            are = "logits" if low < 0 else "no probabilities"
            what = (
                f"the outputs{whose} range from {number(low)} to {number(high)}: they are {are}, but the loss "
                "takes them for probabilities (from_logits=False)"
            )
        elif abs(total - 1) > limits.ROW_SUM:
            if self._sums_otherwise(values, origin):
                return
            what = (
                f"the outputs{whose} sum to {number(total)} in each row: they are no probabilities of classes that "
                "exclude each other"
            )
        else:
            return
        place = made_at(loss) or self.watch.place()
        self._report(_logits_of(values, loss), what, layer, None, place, low=low, high=high)

    def _sums_otherwise(self, values: numpy.ndarray, origin: Any) -> bool:
        """Is it the columns, or all numbers together, that sum to 1, as of a softmax by hand over the wrong axis?"""
        if values.ndim != 2 or values.shape[0] < limits.FIRST or origin is None:
            return False
        sums = values.sum(axis=0, dtype="float64")
        columns = bool((abs(sums - 1) < limits.ROW_SUM).all())
        if not columns and abs(float(sums.sum()) - 1) > limits.ROW_SUM:
            return False
        over = "each column sums to 1" if columns else "all of them together sum to 1"
        self.watch.report(
            "softmax_axis.by_hand",
            "error",
            f"the predictions {values.shape} are no shares of {values.shape[1]} classes: {over}, where each row "
            "should. They are divided by a sum over the rows of the batch, which then depend on each other",
            layer=origin.layer,
            op=origin.op,
            place=origin.place,
            evidence={"axis": 0, "shape": list(values.shape)},
        )
        return True

    def _shapes(self, kind: str, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        """The crossentropy that doesn't go with the shape of its labels."""
        shape = predicted.data.shape
        units = shape[-1] if shape else 1
        numbers = labels.ndim == len(shape) - 1 or (labels.ndim == len(shape) and labels.shape[-1:] == (1,))
        one_hot = labels.ndim == len(shape) and labels.shape[-1:] == (units,) and units > 1
        chosen = next(
            (
                way
                for way, applies in (
                    ("numbers", kind == "categorical" and numbers and units > 1),
                    ("one_hot", kind == "sparse" and one_hot),
                    ("single", kind != "binary" and units == 1),
                    (
                        "binary",
                        kind == "binary" and units > 1 and (numbers or self.watch.made_by(predicted) == "softmax"),
                    ),
                )
                if applies
            ),
            None,
        )
        if chosen == "binary" and one_hot and _several_ones(labels).any():
            self._softmax_of_several(labels, predicted, loss)
        elif chosen is not None and id(loss) not in self._of_several:
            message = _WRONG[chosen].format(labels=labels.shape, units=units)
            self._wrong(chosen, loss, message, predicted, class_numbers=numbers)

    def _softmax_of_several(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        """The loss is right for several ones in a row: the softmax lets one alone be right.

        Earlier rows may have had one each, and so looked like classes that exclude each other.
        """
        origin, share = self.watch.origin(predicted), float(_several_ones(labels).mean())
        if id(loss) in self._of_several:
            return
        self._of_several.add(id(loss))
        self.watch.retract(("loss_mismatch", None, *(made_at(loss) or self.watch.called_at() or (None, None))))
        self.watch.report(
            "loss_mismatch.several",
            "error",
            f"{share:.0%} of the rows of labels have several ones, but softmax's outputs sum to 1: they are the "
            "chances of classes of which one alone is right",
            layer=origin.layer if origin is not None else None,
            place=origin.place if origin is not None else self.watch.called_at(),
            evidence={"share": share},
        )

    def _wrong(self, way: str, loss: Any, message: str, predicted: Tensor, **evidence: Any) -> None:
        shape = predicted.data.shape
        place = made_at(loss) or self.watch.called_at()
        self._report(way, f"{message} (predictions {shape})", None, None, place, shape=list(shape), **evidence)

    def _report(self, way: str, message: str, layer: Any, op: str | None, place: Any, **evidence: Any) -> None:
        self.watch.report(f"loss_mismatch.{way}", "error", message, layer=layer, op=op, place=place, evidence=evidence)


def _several_ones(labels: numpy.ndarray) -> numpy.ndarray:
    """Which rows of labels, of zeros and ones, say that several classes are right at once; none for other labels."""
    several = labels.astype("float64").sum(axis=-1) > 1 + limits.ROW_SUM
    return several if ((labels == 0) | (labels == 1)).all() else numpy.zeros_like(several)


def _logits_of(values: numpy.ndarray, loss: Any) -> str:
    """The way of a mistake with logits, by whose cure differs: a softmax of one unit would be the next mistake."""
    if (values.ndim > 1 and values.shape[-1] == 1) or (loss is not None and loss_kind(loss) == "binary"):
        return "logits_binary"
    return "logits" if loss is None else "logits_classes"


def _clips_probabilities(inputs: Any) -> bool:
    """As crossentropies do with what they take for probabilities: to [1e-7, 1 - 1e-7]."""
    low, high = inputs[1:3]
    return isinstance(low, float) and isinstance(high, float) and 0 < low < 1e-4 and 1 - 1e-4 < high < 1


_WRONG = {
    "numbers": "labels {labels} are class numbers, but categorical_crossentropy takes one-hot rows",
    "one_hot": "labels {labels} are one-hot rows, but sparse_categorical_crossentropy takes class numbers",
    "single": "a crossentropy of classes over one unit: there is no second class to choose from",
    "binary": "binary_crossentropy on {units} units that exclude each other, with labels {labels}: it treats "
    "every class as a yes-or-no question of its own",
}


class Labels(Check):
    """Labels that the outputs can't reach, or that are no class at all."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._asked: dict[int, tuple[Any, bool]] = {}  # losses of the user's: do they take labels as they are?

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self.watch.inside("metric"):
            return
        if op.name in ("sparse_softmax_crossentropy", "sigmoid_crossentropy"):
            if self.watch.inside("loss") and own_loss(self.watch) is None:
                return  # which was given the labels as they are
            if op.name == "sigmoid_crossentropy":
                self._binary(host(inputs[0].data), own_loss(self.watch))
            else:
                self._classes(inputs[0], inputs[1])

    def _classes(self, labels: Any, predicted: Any, ignored: Any = None) -> None:
        """Class numbers below 0, or not below the number of classes."""
        found = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        shape = (predicted.data if isinstance(predicted, Tensor) else numpy.asarray(predicted)).shape
        if not found.size or not shape or shape[-1] < 2 or found.dtype.kind not in "fiub":
            return
        low, high, classes = float(found.min()), float(found.max()), shape[-1]
        if found.dtype.kind == "f" and (found != numpy.floor(found)).any():
            what = (
                f"labels are fractions, from {number(low)} to {number(high)}, where class numbers are wanted: each "
                "counts as "
                "the whole number below it"
            )
            self._tell("label_range.fractions", what, low, high)
            return
        if ignored is not None:
            kept = found[found != ignored]
            low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 0.0)
        if low < 0 or high >= classes:
            origin = self.watch.origin(predicted)
            layer = origin.layer if origin is not None else None
            hint = " (counted from 1?)" if low >= 1 and high == classes else ""
            what = (
                f"labels go from {number(low)} to {number(high)}, but {classes} outputs stand for the classes 0 to "
                f"{classes - 1}{hint}"
            )
            self._tell("label_range.classes", what, low, high, layer)

    def on_scope_begin(self, opened: Any) -> None:
        pair = labels_and_answers(opened)
        if pair is None:
            return
        labels, predicted = pair
        labels, predicted = _weighed(opened, labels, predicted)
        kind = loss_kind(opened.owner)
        if kind == "sparse":
            ignored = getattr(opened.owner, "settings", {}).get("ignore_class")
            if labels.shape != predicted.data.shape or predicted.data.shape[-1:] == (1,):
                self._classes(labels, predicted, ignored=ignored)
        elif kind == "binary":
            self._binary(labels, next((each for each in self.watch.scopes if each.kind == "loss"), None))
        elif kind == "categorical" and labels.shape == predicted.data.shape:
            self._rows(labels)
        elif kind == "other" and labels.size == predicted.data.size:
            self._reachable(labels, predicted, opened.owner)

    def _binary(self, labels: numpy.ndarray, around: Any = None) -> None:
        """Labels of a binary crossentropy, which may be a part of a loss that the user wrote."""
        outside = labels.size and (labels.min() < -limits.NOISY_LABEL or labels.max() > 1 + limits.NOISY_LABEL)
        pair = None if around is None else labels_and_answers(around)
        own = None if pair is None or is_ours(around.owner) else around.owner
        if outside and own is not None and pair is not None:
            outside = self._counts(own, pair[0], 0.0, 1.0, self.watch.made_by(pair[1]) != "sigmoid")
        if outside:
            low, high = float(labels.min()), float(labels.max())
            what = (
                f"labels go from {number(low)} to {number(high)}, but binary crossentropy takes 0 and 1: the loss can "
                "fall without limit"
            )
            mask = high > 1 and set(numpy.unique(labels)) == {0, high}
            self._tell("label_range.mask" if mask and high == limits.BYTES else "label_range.binary", what, low, high)

    def _rows(self, labels: numpy.ndarray) -> None:
        sums = labels.astype("float64").sum(axis=-1)
        if not sums.size or _weighs_rows(labels, sums):
            return
        several = float((sums > 1 + limits.ROW_SUM).mean())
        if several >= limits.ROWS_OFF and ((labels == 0) | (labels == 1)).all():
            what = (
                f"{several:.0%} of the rows of labels have several ones, up to {number(float(sums.max()))}, but "
                "categorical crossentropy takes the outputs for the chances of classes of which one alone is right"
            )
            self._tell("label_range.multi_hot", what, float(labels.min()), float(labels.max()))
            return
        padding = (sums == 0).any() and (abs(sums - 1) < limits.ROW_SUM).any()
        if not padding and float(numpy.median(abs(sums - 1))) > limits.ROW_SUM:
            what = (
                f"rows of labels sum to {number(float(numpy.median(sums)))}, but categorical crossentropy takes "
                "one-hot rows or probabilities, which sum to 1"
            )
            self._tell("label_range.rows", what, float(labels.min()), float(labels.max()))

    def _reachable(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        activation = self.watch.made_by(predicted)
        if activation == "softmax" and not is_ours(loss):
            return  # it may multiply logarithms of the answers by counts, or by rewards
        if activation not in RANGES or not labels.size or labels.dtype.kind == "b":
            return
        if activation == "softmax" and self._several(labels, predicted):
            return
        low, high = RANGES[activation]
        outside = (labels < low - limits.OUT_OF_RANGE) | (labels > high + limits.OUT_OF_RANGE)
        if float(outside.mean()) < limits.OUT_OF_REACH or not self._counts(loss, labels, low, high):
            return
        origin = self.watch.origin(predicted)
        least, most = float(labels.min()), float(labels.max())
        what = (
            f"labels go from {number(least)} to {number(most)}, but the outputs come from {activation}, which "
            f"{reach_of(activation)}: {outside.mean():.0%} of the labels are out of reach"
        )
        self._tell("label_range", what, least, most, origin.layer if origin is not None else None)

    def _counts(self, loss: Any, labels: numpy.ndarray, low: float, high: float, logits: bool = False) -> bool:
        """Does a loss take labels as they are? One that the user wrote may leave some out, or scale them."""
        if is_ours(loss):
            return True
        known = self._asked.get(id(loss))
        if known is None:
            known = self._asked[id(loss)] = loss, reaches(loss, labels, low, high, logits=logits) is False
        return known[1]

    def _several(self, labels: numpy.ndarray, predicted: Tensor) -> bool:
        """Rows of labels that don't sum to 1, as the rows of a softmax do."""
        if labels.ndim < 2 or labels.shape != predicted.data.shape or labels.shape[-1] < 2 or labels.min() < 0:
            return False
        sums = labels.astype("float64").sum(axis=-1)
        other = float((abs(sums - 1) > limits.ROW_SUM).mean())
        if other < limits.ROWS_OFF:
            return False
        origin = self.watch.origin(predicted)
        self.watch.report(
            "label_range.several",
            "error",
            f"rows of labels sum to {number(float(sums.min()))} to {number(float(sums.max()))}, but softmax's "
            "outputs sum to "
            f"1: {other:.0%} of the rows are out of reach",
            layer=origin.layer if origin is not None else None,
            place=origin.place if origin is not None else None,
            evidence={"lowest": float(sums.min()), "highest": float(sums.max()), "share": other},
        )
        return True

    def _tell(self, kind: str, message: str, low: float, high: float, layer: Any = None) -> None:
        self.watch.report(
            kind, "error", message, layer=layer, place=self.watch.called_at(), evidence={"lowest": low, "highest": high}
        )


def _weighed(opened: Any, labels: numpy.ndarray, predicted: Tensor) -> tuple[numpy.ndarray, Tensor]:
    """Labels without those rows whose weight is 0, as of rows whose label nobody knows."""
    weights = loss_weights(opened.frame)
    data = (
        host(weights.data if isinstance(weights, Tensor) else numpy.asarray(weights)) if weights is not None else None
    )
    if (
        data is None
        or data.size != len(labels)
        or data.dtype.kind not in "fiub"
        or labels.shape != predicted.data.shape
    ):
        return labels, predicted
    return labels[data.reshape(-1) != 0], predicted


def _weighs_rows(labels: numpy.ndarray, sums: numpy.ndarray) -> bool:
    """Is each row one-hot, times a number of its own, as rewards weigh what was done?"""
    single = bool(((labels != 0).sum(axis=-1) <= 1).all())
    return single and (len(numpy.unique(sums[sums != 0])) > 2 or bool(sums.min() < 0 < sums.max()))
