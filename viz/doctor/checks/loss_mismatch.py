"""`loss_mismatch`: predictions and a loss that don't belong together."""

from __future__ import annotations

import linecache
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.loss_questions import (
    CROSSENTROPIES,
    function_name,
    is_answer_of_own_loss,
    is_ours,
    labels_and_answers,
    loss_kind,
)
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at

__all__ = ["Mismatch"]

_SMOOTHED = 0.9  # of each label: 0.1 is usual, and may be meant

_SQUASHED = ("softmax", "sigmoid")
# Activations that give no probabilities, and what they give.
_OTHERWISE = dict.fromkeys(("relu", "softplus", "exp"), "any number from 0 up") | {"tanh": "numbers from -1 to 1"}
_DIFFERENCES = ("mean_squared_error", "mean_absolute_error")

_FIXES = {
    "loss_mismatch.sequences": (
        "Leave out return_sequences=True in the last recurrent layer, which then gives its last state alone; if each "
        "step is to be answered, give one label for each: (rows, steps, 1)."
    ),
    "loss_mismatch.twice": "Keep one of the two.",
    "loss_mismatch.one_unit": (
        "Use a sigmoid with binary_crossentropy for yes or no, two units with softmax, or no activation for a number."
    ),
    "loss_mismatch.from_logits": "Leave out the activation of the last layer, or from_logits=True.",
    "loss_mismatch.with_logits": "Leave out the activation of the last layer: this function takes logits.",
    "loss_mismatch.logits": (
        "Give the last layer activation='softmax' (for yes-or-no labels 'sigmoid'), or the loss from_logits=True."
    ),
    "loss_mismatch.logits_binary": ("Give the last layer activation='sigmoid', or give the loss from_logits=True."),
    "loss_mismatch.logits_classes": ("Give the last layer activation='softmax', or give the loss from_logits=True."),
    "loss_mismatch.elementwise": (
        "For classes use sparse_categorical_crossentropy (or to_categorical(y)); for a number give the last "
        "layer one unit."
    ),
    "loss_mismatch.numbers": "Use sparse_categorical_crossentropy, or utils.to_categorical(y).",
    "loss_mismatch.one_hot": "Use categorical_crossentropy, or y.argmax(axis=-1).",
    "loss_mismatch.single": "Use binary_crossentropy with a sigmoid, or as many units as classes.",
    "loss_mismatch.binary": (
        "Use categorical_crossentropy (sparse_categorical_crossentropy for class numbers) with a softmax."
    ),
    "loss_mismatch.divergence": (
        "Take the softmax of both first: kl(ops.softmax(teacher / temperature), ops.softmax(student / temperature)); "
        "the labels of a divergence, which come first, are the shares that the predictions should have."
    ),
    "loss_mismatch.several": (
        "Give the last layer activation='sigmoid': each class is then a yes-or-no question of its own, as "
        "the loss has it."
    ),
    "loss_mismatch.smoothing": (
        "Smooth less: label_smoothing=0.1 leaves 0.9 of each label where it is, and spreads 0.1 over all classes."
    ),
    "loss_mismatch.hinge": (
        "For classes use sparse_categorical_crossentropy or categorical_crossentropy; hinge wants labels of -1 and "
        "1, and "
        "outputs without softmax or sigmoid."
    ),
    "softmax_axis.by_hand": (
        "Take ops.softmax(z, axis=-1); by hand: e = ops.exp(z - ops.max(z, axis=-1, keepdims=True)), and "
        "e / ops.sum(e, axis=-1, keepdims=True)."
    ),
    "class_loss": (
        "For classes, crossentropies have larger gradients where the answer is wrong: categorical_crossentropy with "
        "softmax, binary_crossentropy with a sigmoid."
    ),
}


class Mismatch(Check):
    """Softmax twice, logits taken for probabilities, softmax over one unit, the wrong crossentropy."""

    fixes = _FIXES

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
        if part < _SMOOTHED:
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
