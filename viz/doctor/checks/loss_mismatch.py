"""`loss_mismatch`: predictions and a loss that don't belong together, or are given to it the wrong way round."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor, number, tracked, values_of
from viz.doctor.facts.loss_questions import CROSSENTROPIES, is_answer_of_own_loss, is_ours, loss_kind
from viz.doctor.facts.step_facts import Loss
from viz.doctor.program import Origin, layer_label
from viz.doctor.user_code import made_at
from viz.frameworks.contract import Tensor

__all__ = ["Mismatch"]

_SQUASHED = ("softmax", "sigmoid")
# Activations that give no probabilities, and what they give.
_OTHERWISE = dict.fromkeys(("relu", "softplus", "exp"), "any number from 0 up") | {"tanh": "numbers from -1 to 1"}
_DIFFERENCES = ("mean_squared_error", "mean_absolute_error")
_LOGITS = "the outputs{whose} {are}, but the loss takes them for probabilities (from_logits=False)"


class Mismatch(Check):
    """Softmax twice, logits taken for probabilities, softmax over one unit, the wrong crossentropy.

    And a relu or a Dropout right before a softmax, or arguments of a loss in the order of PyTorch's.
    """

    rules = {
        "loss_mismatch.swapped": Rule.error(
            "{loss} is given the network's answers first, where it takes the labels, and the labels second (whole "
            "numbers from {low!n} to {high!n}, which no weight changes)",
            "Give the labels first: loss(y_true, y_pred).",
        ),
        "loss_mismatch.relu": Rule.warning(
            "the outputs of layer {name} come from relu, and a softmax is taken of them: a class whose unit is at 0 "
            "gets no gradient through it, and none can be made less likely than that",
            "Leave out that relu: the last layer before a softmax has no activation.",
        ),
        "dropout_high.outputs": Rule.warning(
            "layer {name} drops {rate:.0%} of the {what}: one that is dropped is 0, whatever the network knows, and "
            "the loss counts that as its answer",
            "Move the Dropout before the last Dense: it belongs between hidden layers.",
        ),
        "loss_mismatch.sequences": Rule.error(
            "layer {name} gives its state after each of {steps} steps (return_sequences=True), so there are {steps} "
            "answers for each row, but one label",
            "Leave out return_sequences=True in the last recurrent layer, which then gives its last state alone; if "
            "each step is to be answered, give one label for each: (rows, steps, 1).",
        ),
        "loss_mismatch.twice": Rule.error("{by} of values that {made_by} made already: {so}", "Keep one of the two."),
        "loss_mismatch.one_unit": Rule.error(
            "{whose}softmax over one unit is always 1, whatever the input (shape {shape})",
            "Use a sigmoid with binary_crossentropy for yes or no, two units with softmax, or no activation for a "
            "number.",
        ),
        "loss_mismatch.from_logits": Rule.error(
            "the loss takes its input as logits and applies {applied}, but the predictions went through "
            "{activation} already{whose}",
            "Leave out the activation of the last layer; or, where the loss has it, from_logits=True.",
        ),
        "loss_mismatch.logits": Rule.error(
            _LOGITS,
            "Give the last layer activation='softmax' (for yes-or-no labels 'sigmoid'), or the loss from_logits=True.",
        ),
        "loss_mismatch.logits_binary": Rule.error(
            _LOGITS, "Give the last layer activation='sigmoid', or give the loss from_logits=True."
        ),
        "loss_mismatch.logits_classes": Rule.error(
            _LOGITS, "Give the last layer activation='softmax', or give the loss from_logits=True."
        ),
        "loss_mismatch.elementwise": Rule.error(
            "{loss} compares element by element, but labels {labels} are one number each (predictions {shape})",
            "For classes use sparse_categorical_crossentropy (or to_categorical(y)); for a number give the last layer "
            "one unit.",
        ),
        "loss_mismatch.numbers": Rule.error(
            "labels {labels} are class numbers, but categorical_crossentropy takes one-hot rows (predictions {shape})",
            "Use sparse_categorical_crossentropy, or utils.to_categorical(y).",
        ),
        "loss_mismatch.one_hot": Rule.error(
            "labels {labels} are one-hot rows, but sparse_categorical_crossentropy takes class numbers (predictions "
            "{shape})",
            "Use categorical_crossentropy, or y.argmax(axis=-1).",
        ),
        "loss_mismatch.single": Rule.error(
            "a crossentropy of classes over one unit: there is no second class to choose from (predictions {shape})",
            "Use binary_crossentropy with a sigmoid, or as many units as classes.",
        ),
        "loss_mismatch.binary": Rule.error(
            "binary_crossentropy on {units} units that exclude each other, with labels {labels}: it treats every class "
            "as a yes-or-no question of its own (predictions {shape})",
            "Use categorical_crossentropy (sparse_categorical_crossentropy for class numbers) with a softmax.",
        ),
        "loss_mismatch.several": Rule.error(
            "{share:.0%} of the rows of labels have several ones, but softmax's outputs sum to 1: they are the "
            "chances of classes of which one alone is right",
            "Give the last layer activation='sigmoid': each class is then a yes-or-no question of its own, as the loss "
            "has it.",
        ),
        "softmax_axis": Rule.error(
            "{whose}{by} of the predictions {shaped} goes over {along}, not over the {classes} classes (the last axis)",
            "Take the softmax over the classes: axis=-1; by hand: e = ops.exp(z - ops.max(z, axis=-1, keepdims=True)), "
            "and e / ops.sum(e, axis=-1, keepdims=True).",
        ),
        "class_loss": Rule.info(
            "{loss} compares {activation}'s answers with {labels}: where such an answer is certain and wrong, its "
            "gradient is next to nothing",
            "For classes, crossentropies have larger gradients where the answer is wrong: categorical_crossentropy "
            "with softmax, binary_crossentropy with a sigmoid.",
        ),
    }

    begins = ("loss",)

    def begin(self) -> None:
        self._of_several: set[int] = set()  # losses some of whose labels have several ones in a row
        self._axes: dict[int, tuple[int, str]] = {}  # over which axis a softmax was taken, by the key of its output
        self._logs: dict[int, tuple[int, int, int, Any]] = {}  # the same of logarithms: axes, axis, classes and line
        self._model: Any = None  # the one that answered last
        self._before: dict[int, Origin] = {}  # what a softmax was taken of, by the key of its output
        self._shares: set[Any] = set()  # keys of answers that a loss of the user's divided, by their sum perhaps
        self._squashed: set[Any] = set()  # keys of what a softmax or a sigmoid was taken of

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = getattr(inputs[0], "key", None) if inputs else None
        if op.means in _SQUASHED and not self.watch.inside("metric"):
            self._squashed.add(key)
        if op.means in ("softmax", "log_softmax"):
            self._softmax(op, inputs[0], settings, outputs)
        elif op.means in ("add", "subtract", "multiply", "logsumexp") and tracked(outputs):
            self._mixture(op, inputs, settings, outputs)
        elif op.means in CROSSENTROPIES:
            self._from_logits(op, inputs[1])
            if op.means != "sigmoid_crossentropy":
                self._last_layer(self.watch.origin(inputs[1]), softmax=True)
        elif op.means == "clip" and _clips_probabilities(inputs) and not self.watch.inside("metric"):
            if key in self._shares or not self.watch.inside("loss") or is_answer_of_own_loss(self.watch, inputs[0]):
                self._as_probabilities(inputs[0], None)
        elif op.means in ("divide", "sigmoid") and is_answer_of_own_loss(self.watch, inputs[0]):
            made_by = self.watch.made_by(inputs[0])
            if op.means == "divide":
                self._shares.add(getattr(outputs, "key", None))
            elif made_by in _SQUASHED:
                so = "they only come from 0.5 to 0.73"
                self._report("twice", op=op.name, place=self.watch.place(), by=op.name, made_by=made_by, so=so)

    def _softmax(self, op: Any, x: Any, settings: Any, outputs: Any) -> None:
        if not is_tensor(x) or outputs is None or outputs.key is None:
            return
        shape, axis, layer = x.data.shape, settings[0], self.watch.layer()
        before = self.watch.origin(x)
        if before is not None:
            self._before[outputs.key] = before
        made_by = self.watch.made_by(x)
        if made_by in _SQUASHED:
            about = {"layer": layer, "place": self.watch.place(), "so": "the result is nearly uniform"}
            self._report("twice", op=op.name, by=op.name, made_by=made_by, **about)
        elif isinstance(axis, int):
            self._axes[outputs.key] = axis % len(shape), op.name
            if op.means == "log_softmax" and len(shape) > 1:
                self._logs[outputs.key] = len(shape), axis % len(shape), shape[-1], self.watch.place()
            if len(shape) == 2 and shape[axis] == 1:
                self._one_unit(shape, layer, op.name, self.watch.place())

    def _mixture(self, op: Any, inputs: Any, settings: Any, outputs: Any) -> None:
        """Shares over one axis, by log_softmax, are summed up over another one."""
        logs = next((x for x in inputs if tracked(x) and x.key in self._logs), None)
        if logs is None or len(logs.data.shape) != self._logs[logs.key][0]:
            return
        known = axes, axis, size, place = self._logs[logs.key]
        summed = settings[0] if op.means == "logsumexp" and settings else None
        summed = summed[0] if isinstance(summed, (list, tuple)) and len(summed) == 1 else summed
        if op.means != "logsumexp":
            self._logs[outputs.key] = known
        elif isinstance(summed, int) and summed % axes != axis:
            about = {"whose": "", "by": "log_softmax", "along": f"axis {axis}", "classes": size}
            about |= {"shaped": str(tuple(logs.data.shape)), "axis": axis, "shape": list(logs.data.shape)}
            self.tell("softmax_axis", op="log_softmax", place=place, **about)

    def _one_unit(self, shape: Any, layer: Any, op: str, place: Any) -> None:
        whose = f"layer {layer_label(layer)!r}: " if layer is not None else ""
        self._report("one_unit", layer=layer, op=op, place=place, whose=whose, shape=list(shape))

    def on_step_end(self) -> None:
        for known in (self._axes, self._logs, self._shares, self._squashed, self._before):
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
            about = {"whose": whose, "by": op, "along": along, "classes": shape[-1], "shaped": str(tuple(shape))}
            at = {"layer": origin.layer, "op": op, "place": origin.place}
            self.tell("softmax_axis", axis=axis, shape=list(shape), **at, **about)

    def _from_logits(self, op: Any, logits: Any) -> None:
        made_by = self.watch.made_by(logits) if is_tensor(logits) else ""
        if made_by not in _SQUASHED or self._goes_on_from(logits):
            return
        layer = self._layer_of(logits)
        about = {"applied": op.means.split("_")[-2], "activation": made_by}
        about["whose"] = f", in layer {layer_label(layer)!r}" if layer is not None else ""
        self._report("from_logits", layer=layer, op=op.name, place=self.watch.place(), **about)

    def _goes_on_from(self, logits: Any) -> bool:
        """Was the loss given probabilities, and goes on from what the last softmax or sigmoid was taken of?"""
        opened = self.watch.scopes.innermost("loss")
        if opened is not None and is_ours(opened.owner) and loss_kind(opened.owner) != "other":
            return not getattr(opened.owner, "settings", {}).get("from_logits")
        return logits.key in self._squashed

    def _layer_of(self, x: Any) -> Any:
        origin = self.watch.origin(x)
        return None if origin is None else origin.layer

    def on_call(self, opened: Any) -> None:
        if opened.kind == "model" and self.watch.outermost():
            self._model = opened.owner

    def on_loss(self, loss: Loss) -> None:
        before = self._before.get(loss.answers.key or -1)
        self._last_layer(before or self.watch.origin(loss.answers), softmax=before is not None)
        if loss.labels is None:
            return
        self._axis(loss.answers)
        if loss.ours and self._each_step(loss):
            return
        if loss.kind == "other":
            if loss.ours:
                self._compared(loss, loss.labels)
            return
        one_unit = loss.kind != "binary" and loss.shape[-1:] == (1,)  # no activation makes classes of it
        other = loss.kind == "binary" and loss.labels.size != loss.answers.data.size
        if not loss.logits and not one_unit and not other:
            self._as_probabilities(loss.answers, loss)
        self._shapes(loss, loss.labels)

    def on_answer(self, opened: Any, outputs: Any) -> None:
        """Chances that no loss object is given, as a policy's."""
        before = self._before.get(getattr(outputs, "key", None) or -1)
        if before is not None and outputs.data.ndim == 2 and before.made_by == "relu":
            before.layer = before.layer if before.layer is not None else opened.owner
            self._last_layer(before, softmax=True)

    def _last_layer(self, origin: Origin | None, softmax: bool) -> None:
        if origin is None or origin.layer is None:
            return
        layer = origin.layer
        if softmax and origin.made_by == "relu":
            self.tell("loss_mismatch.relu", layer=layer, op="relu", place=origin.place, high=0.0)
        rate = getattr(layer, "rate", None)
        if "Dropout" in type(layer).__name__ and isinstance(rate, float) and rate > 0:
            what, layers = "logits, right before the softmax" if softmax else "predictions", [layer_label(layer)]
            about = {"layer": layer, "place": made_at(layer), "layers": layers, "noise": rate}
            self.tell("dropout_high.outputs", rate=rate, what=what, **about)

    def on_scope_begin(self, opened: Any) -> None:
        given, loss = opened.scope.inputs, opened.owner
        if not isinstance(given, tuple) or len(given) != 2 or loss_kind(loss) == "other":
            return
        if tracked(given[0]) and not tracked(given[1]):
            found = values_of(given[1])
            if _are_labels(found):
                ends = {"low": float(found.min()), "high": float(found.max())}
                about = {"place": self.watch.called_at(), "key": ("loss_mismatch", "swapped")}
                self.tell("loss_mismatch.swapped", loss=getattr(loss, "name", "the loss"), **about, **ends)

    def _compared(self, loss: Loss, labels: numpy.ndarray) -> None:
        """Losses of no chances: class numbers for several outputs, and differences of classes."""
        shape, size = loss.shape, loss.answers.data.size
        made_by, place = self.watch.made_by(loss.answers), made_at(loss.owner) or self.watch.called_at()
        if labels.size != size and shape and shape[-1] > 1 and labels.size * shape[-1] == size:
            self._wrong("elementwise", loss, labels)
        columns, ones = labels.shape[1] if labels.ndim == 2 else 0, labels == 1
        yes_or_no = columns and labels.shape == shape and bool((ones | (labels == 0)).all()) and ones.any()
        one_hot = yes_or_no and (columns == 1 or (ones.sum(axis=1) == 1).all())
        if loss.name in _DIFFERENCES and made_by in _SQUASHED and one_hot:
            rows = "one-hot rows" if columns > 1 else "0 and 1"
            about = {"loss": loss.name, "activation": made_by, "labels": rows}
            self.tell("class_loss", place=place, columns=columns, **about)

    def _each_step(self, loss: Loss) -> bool:
        """An answer for each step of a sequence, as the last recurrent layer gives all its states, but one label."""
        shape, labels = loss.shape, loss.labels
        if labels is None or len(shape) != 3 or labels.ndim > 2 or labels.shape[:1] != shape[:1]:
            return False
        readers = [each for each in getattr(self._model, "layers", ()) if hasattr(each, "return_sequences")]
        if labels.shape[1:2] == shape[1:2] or not readers or not readers[-1].return_sequences:
            return False
        self._report("sequences", layer=readers[-1], place=made_at(readers[-1]), steps=shape[1], shape=list(shape))
        return True

    def _as_probabilities(self, predicted: Any, loss: Loss | None) -> None:
        """Values that a loss takes for probabilities, and which are none."""
        if not tracked(predicted):
            return
        one_of_many = loss is not None and loss.kind != "binary"  # then they should sum to 1
        made_by, values = self.watch.made_by(predicted), host(predicted.data)
        if made_by == "softmax" or (made_by == "sigmoid" and not one_of_many):
            return
        if not values.size or values.dtype.kind != "f" or not numpy.isfinite(values).all():
            return
        low, high = float(values.min()), float(values.max())
        total = float(numpy.median(values.sum(axis=-1))) if one_of_many and values.ndim > 1 else 1.0
        if loss is not None and made_by in _OTHERWISE:
            are = f"come from {made_by}, which gives {_OTHERWISE[made_by]}"
        elif low < -limits.OUT_OF_RANGE or high > 1 + limits.OUT_OF_RANGE:
            kind = "logits" if low < 0 else "no probabilities"
            are = f"range from {number(low)} to {number(high)}: they are {kind}"
        elif abs(total - 1) > limits.ROW_SUM:
            are = f"sum to {number(total)} in each row: they are no chances of classes that exclude each other"
        else:
            return
        layer = self._layer_of(predicted)
        binary = (values.ndim > 1 and values.shape[-1] == 1) or (loss is not None and loss.kind == "binary")
        way = "logits_binary" if binary else "logits" if loss is None else "logits_classes"  # their cures differ
        place = (made_at(loss.owner) if loss is not None else None) or self.watch.place()
        whose = f" of layer {layer_label(layer)!r}" if layer is not None else ""
        ends = {"high": high} if made_by in _OTHERWISE and loss is not None else {"high": high, "low": low}
        self._report(way, layer=layer, place=place, whose=whose, are=are, **ends)

    def _shapes(self, loss: Loss, labels: numpy.ndarray) -> None:
        """The crossentropy that doesn't go with the shape of its labels."""
        shape, kind = loss.shape, loss.kind
        units = shape[-1] if shape else 1
        numbers = labels.ndim == len(shape) - 1 or (labels.ndim == len(shape) and labels.shape[-1:] == (1,))
        one_hot = labels.ndim == len(shape) and labels.shape[-1:] == (units,) and units > 1
        if kind == "binary" and units > 1 and (numbers or self.watch.made_by(loss.answers) == "softmax"):
            if one_hot and _several_ones(labels).any():
                self._softmax_of_several(loss, labels)
            elif id(loss.owner) not in self._of_several:
                self._wrong("binary", loss, labels, class_numbers=numbers, units=units)
        elif kind == "categorical" and numbers and units > 1:
            self._wrong("numbers", loss, labels)
        elif kind == "sparse" and one_hot:
            self._wrong("one_hot", loss, labels)
        elif kind != "binary" and units == 1:
            self._wrong("single", loss, labels)

    def _softmax_of_several(self, loss: Loss, labels: numpy.ndarray) -> None:
        """The loss is right for several ones in a row: the softmax lets one alone be right.

        Earlier rows may have had one each, and so looked like classes that exclude each other.
        """
        origin, called = self.watch.origin(loss.answers), self.watch.called_at()
        if id(loss.owner) in self._of_several:
            return
        self._of_several.add(id(loss.owner))
        self.watch.retract(("loss_mismatch", None, *(made_at(loss.owner) or called or (None, None))))
        layer, place = (None, called) if origin is None else (origin.layer, origin.place)
        self._report("several", layer=layer, place=place, share=float(_several_ones(labels).mean()))

    def _wrong(self, way: str, loss: Loss, labels: numpy.ndarray, **about: Any) -> None:
        place, name = made_at(loss.owner) or self.watch.called_at(), getattr(loss.owner, "name", "the loss")
        shapes = {"labels": str(labels.shape), "shape": list(loss.shape)}
        self._report(way, place=place, loss=name, **shapes, **about)

    def _report(self, way: str, **about: Any) -> None:
        self.tell(f"loss_mismatch.{way}", **about)


def _several_ones(labels: numpy.ndarray) -> numpy.ndarray:
    """Which rows of labels, of zeros and ones, say that several classes are right at once; none for other labels."""
    several = labels.astype("float64").sum(axis=-1) > 1 + limits.ROW_SUM
    return several if ((labels == 0) | (labels == 1)).all() else numpy.zeros_like(several)


def _clips_probabilities(inputs: Any) -> bool:
    """As crossentropies do with what they take for probabilities: to [1e-7, 1 - 1e-7]."""
    low, high = inputs[1:3]
    return isinstance(low, float) and isinstance(high, float) and 0 < low < 1e-4 and 1 - 1e-4 < high < 1


def _are_labels(values: numpy.ndarray) -> bool:
    """Are they whole numbers from 0 on?"""
    if not values.size or values.dtype.kind not in "fiub":
        return False
    return bool(numpy.isfinite(values).all() and values.min() >= 0 and (values == numpy.floor(values)).all())
