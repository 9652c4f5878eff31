"""`loss_mismatch` and `label_range`: predictions, labels and loss that don't belong together."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check import Check, host, layer_label, number, tensors
from viz.doctor.place import made_at
from viz.source import is_internal

__all__ = ["Labels", "Mismatch", "is_ours", "loss_kind"]

_FROM_LOGITS = ("softmax_crossentropy", "sparse_softmax_crossentropy", "sigmoid_crossentropy")
_SQUASHED = {"softmax": "softmax", "sigmoid": "sigmoid"}


def loss_kind(loss: Any) -> str:
    """`"sparse"`, `"categorical"`, `"binary"` or `"other"`, for a loss object."""
    function = getattr(getattr(loss, "fn", None), "__name__", "") or ""
    name = f"{function} {type(loss).__name__}".lower()
    if "crossentropy" not in name and "cross_entropy" not in name:
        return "other"
    return "sparse" if "sparse" in name else "binary" if "binary" in name else "categorical"


def is_ours(loss: Any) -> bool:
    """Is this a loss of eagerflow's, not one that the user wrote?"""
    code = getattr(getattr(loss, "fn", None) or getattr(type(loss), "call", None), "__code__", None)
    return code is not None and is_internal(code.co_filename)


def _pair(opened: Any) -> tuple[Any, Any] | None:
    """Labels and predictions of a loss, where each is one array."""
    given = opened.scope.inputs
    if opened.kind != "loss" or not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], Tensor):
        return None
    labels = given[0].data if isinstance(given[0], Tensor) else numpy.asarray(given[0])
    return (host(labels), given[1]) if getattr(labels, "dtype", None) is not None and labels.dtype.kind in "fiub" else None


class Mismatch(Check):
    """Softmax twice, logits taken for probabilities, softmax over one unit, the wrong crossentropy."""

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name in ("softmax", "log_softmax"):
            self._softmax(op, inputs[0], settings, outputs)
        elif op.name in _FROM_LOGITS:
            self._from_logits(op, inputs[1])
        elif op.name == "clip" and self._clips_probabilities(inputs) and not self.watch.inside("loss", "metric"):
            self._as_probabilities(inputs[0], 2)

    def _softmax(self, op: Any, x: Any, settings: Any, outputs: Any) -> None:
        if not isinstance(x, Tensor) or outputs is None or outputs.key is None:
            return
        shape, axis = x.data.shape, settings[0]
        if self.watch.made_by(x) in ("softmax", "sigmoid"):
            self._report(
                "error", f"{op.name} of values that {self.watch.made_by(x)} made already: the result is nearly uniform",
                "Keep one of the two.", self.watch.layer(), op.name, self.watch.place(), twice=True,
            )  # fmt: skip
        elif isinstance(axis, int) and shape and shape[axis] == 1 and len(shape) == 2:
            layer = self.watch.layer()
            name = f"layer {layer_label(layer)!r}: " if layer is not None else ""
            self._report(
                "error", f"{name}softmax over one unit is always 1, whatever the input (shape {shape})",
                "Use a sigmoid with binary_crossentropy for yes or no, two units with softmax, or no activation for a "
                "number.", layer, op.name, self.watch.place(), shape=list(shape),
            )  # fmt: skip

    def _from_logits(self, op: Any, logits: Any) -> None:
        made_by = self.watch.made_by(logits)
        if made_by in _SQUASHED:
            origin = self.watch.origin(logits)
            layer = origin.layer if origin is not None else None
            where = f" by layer {layer_label(layer)!r}" if layer is not None else ""
            self._report(
                "error", f"the loss takes its input as logits (from_logits=True) and applies {op.name.split('_')[-2]}, but "
                f"the predictions went through {made_by} already{where}",
                "Leave out the activation of the last layer, or from_logits=True.", layer, op.name, self.watch.place(),
                activation=made_by,
            )  # fmt: skip

    @staticmethod
    def _clips_probabilities(inputs: Any) -> bool:
        low, high = inputs[1:3]
        return isinstance(low, float) and isinstance(high, float) and 0 < low < 1e-4 and 1 - 1e-4 < high < 1

    # ------------------------------------------------------------------ loss objects

    def on_scope_begin(self, opened: Any) -> None:
        pair = _pair(opened)
        if pair is None:
            return
        labels, predicted = pair
        kind, settings = loss_kind(opened.owner), getattr(opened.owner, "settings", {})
        if kind == "other":
            self._elementwise(labels, predicted, opened.owner)
            return
        if not settings.get("from_logits") and not (kind == "binary" and labels.shape != predicted.data.shape):
            self._as_probabilities(predicted, 1 if kind == "binary" else 2, opened.owner)
        self._shapes(kind, labels, predicted, opened.owner)

    def _elementwise(self, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        """A loss that compares element by element, given class numbers for several outputs."""
        shape = predicted.data.shape
        fits = labels.size == predicted.data.size or not shape or shape[-1] < 2 or not is_ours(loss)
        if not fits and labels.size * shape[-1] == predicted.data.size:
            self._wrong(loss, f"{getattr(loss, 'name', 'the loss')} compares element by element, but labels {labels.shape} "
                        "are one number each", "For classes use sparse_categorical_crossentropy (or to_categorical(y)); for "
                        "a number give the last layer one unit.", predicted)  # fmt: skip

    def _as_probabilities(self, predicted: Any, rank: int, loss: Any = None) -> None:
        """Values that a loss takes for probabilities, and which are none."""
        if not isinstance(predicted, Tensor) or predicted.key is None or self.watch.made_by(predicted) in _SQUASHED:
            wrong_sum = self._made_by_sigmoid(predicted) and rank == 2 and loss is not None
            if not wrong_sum:
                return
        values = host(predicted.data)
        if not values.size or values.dtype.kind != "f" or not numpy.isfinite(values).all():
            return
        low, high = float(values.min()), float(values.max())
        sums = values.sum(axis=-1) if rank == 2 and values.ndim > 1 else None
        outside = low < -limits.OUT_OF_RANGE or high > 1 + limits.OUT_OF_RANGE
        off = sums is not None and loss is not None and float(numpy.median(abs(sums - 1))) > limits.ROW_SUM
        if not outside and not off:
            return
        origin = self.watch.origin(predicted)
        layer = origin.layer if origin is not None else None
        name = f" of layer {layer_label(layer)!r}" if layer is not None else ""
        if outside:
            what = f"the outputs{name} range from {number(low)} to {number(high)}: they are logits, but the loss takes them"
            what += " for probabilities (from_logits=False)"
        else:
            assert sums is not None
            what = f"the outputs{name} sum to {number(float(numpy.median(sums)))} in each row: they are no probabilities of"
            what += " classes that exclude each other"
        self._report(
            "error", what, "Give the last layer activation='softmax' (for yes-or-no labels 'sigmoid'), or the loss "
            "from_logits=True.", layer, None, made_at(loss) or self.watch.place(), low=low, high=high,
        )  # fmt: skip

    def _made_by_sigmoid(self, predicted: Any) -> bool:
        return self.watch.made_by(predicted) == "sigmoid"

    def _shapes(self, kind: str, labels: numpy.ndarray, predicted: Tensor, loss: Any) -> None:
        shape = predicted.data.shape
        if not shape:
            return
        numbers = labels.ndim == len(shape) - 1 or (labels.ndim == len(shape) and labels.shape[-1] == 1)
        one_hot = labels.ndim == len(shape) and labels.shape[-1] == shape[-1] > 1
        if kind == "categorical" and numbers and shape[-1] > 1:
            self._wrong(loss, f"labels {labels.shape} are class numbers, but categorical_crossentropy takes one-hot rows",
                        "Use sparse_categorical_crossentropy, or utils.to_categorical(y).", predicted)  # fmt: skip
        elif kind == "sparse" and one_hot:
            self._wrong(loss, f"labels {labels.shape} are one-hot rows, but sparse_categorical_crossentropy takes class "
                        "numbers", "Use categorical_crossentropy, or y.argmax(axis=-1).", predicted)  # fmt: skip
        elif kind == "sparse" and shape[-1] == 1:
            self._wrong(loss, "sparse_categorical_crossentropy over one unit: there is no second class to choose",
                        "Use binary_crossentropy with a sigmoid, or as many units as classes.", predicted)  # fmt: skip
        elif kind == "categorical" and shape[-1] == 1:
            self._wrong(loss, "categorical_crossentropy over one unit, which is always right",
                        "Use binary_crossentropy with a sigmoid.", predicted)  # fmt: skip
        elif kind == "binary" and shape[-1] > 1 and self.watch.made_by(predicted) == "softmax":
            self._wrong(loss, f"binary_crossentropy on a softmax over {shape[-1]} classes counts every class as a "
                        "question of its own", "Use categorical_crossentropy (sparse_categorical_crossentropy for class "
                        "numbers).", predicted)  # fmt: skip
        elif kind == "binary" and numbers and shape[-1] > 1:
            self._wrong(loss, f"labels {labels.shape} are one number each, but there are {shape[-1]} outputs",
                        "Use sparse_categorical_crossentropy with a softmax.", predicted)  # fmt: skip

    def _wrong(self, loss: Any, message: str, fix: str, predicted: Tensor) -> None:
        shape = list(predicted.data.shape)
        self._report("error", f"{message} (predictions {tuple(shape)})", fix, None, None,
                     made_at(loss) or self.watch.called_at(), shape=shape)  # fmt: skip

    def _report(
        self, severity: str, message: str, fix: str, layer: Any, op: str | None, place: Any, **evidence: Any
    ) -> None:
        self.watch.report(
            "loss_mismatch", severity, message, fix, layer=layer, op=op, place=place, evidence=evidence
        )


_RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, numpy.inf)}


class Labels(Check):
    """Labels that the outputs can't reach, or that are no class at all."""

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self.watch.inside("metric"):
            return
        if op.name == "sparse_softmax_crossentropy" and not self.watch.inside("loss"):
            self.classes(inputs[0], inputs[1])
        elif op.name == "sigmoid_crossentropy" and not self.watch.inside("loss"):
            self._binary(host(inputs[0].data), 1.0)

    def classes(self, labels: Any, predicted: Any, place: Any = None, ignored: Any = None) -> None:
        """Class numbers below 0, or not below the number of classes."""
        found = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        shape = (predicted.data if isinstance(predicted, Tensor) else numpy.asarray(predicted)).shape
        if not found.size or not shape or shape[-1] < 2 or found.dtype.kind not in "fiub":
            return
        low, high, classes = float(found.min()), float(found.max()), shape[-1]
        if ignored is not None:
            kept = found[found != ignored]
            low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 0.0)
        if low < 0 or high >= classes:
            origin = self.watch.origin(predicted)
            layer = origin.layer if origin is not None else None
            hint = " (counted from 1?)" if low >= 1 and high == classes else ""
            self._tell(
                f"labels go from {number(low)} to {number(high)}, but {classes} outputs know the classes 0 to "
                f"{classes - 1}{hint}", "Count classes from 0, or give the last layer one unit per class.", low, high,
                place, layer,
            )  # fmt: skip

    def on_scope_begin(self, opened: Any) -> None:
        pair = _pair(opened)
        if pair is None:
            return
        labels, predicted = pair
        kind = loss_kind(opened.owner)
        if kind == "sparse":
            ignored = getattr(opened.owner, "settings", {}).get("ignore_class")
            if labels.shape != predicted.data.shape or predicted.data.shape[-1:] == (1,):
                self.classes(labels, predicted, ignored=ignored)
        elif kind == "binary":
            self._binary(labels, 1.0)
        elif kind == "categorical" and labels.shape == predicted.data.shape:
            self._rows(labels)
        elif kind == "other" and labels.size == predicted.data.size:
            self._reachable(labels, predicted)

    def _binary(self, labels: numpy.ndarray, top: float) -> None:
        if labels.size and (labels.min() < -limits.OUT_OF_RANGE or labels.max() > top + limits.OUT_OF_RANGE):
            low, high = float(labels.min()), float(labels.max())
            self._tell(
                f"labels go from {number(low)} to {number(high)}, but binary crossentropy takes 0 and 1: the loss can fall "
                "below any number", "Map the labels to 0 and 1; for class numbers use sparse_categorical_crossentropy.",
                low, high,
            )  # fmt: skip

    def _rows(self, labels: numpy.ndarray) -> None:
        sums = labels.astype("float64").sum(axis=-1)
        padding = (sums == 0).any() and (abs(sums - 1) < limits.ROW_SUM).any()
        if sums.size and not padding and float(numpy.median(abs(sums - 1))) > limits.ROW_SUM:
            self._tell(
                f"rows of labels sum to {number(float(numpy.median(sums)))}, but categorical crossentropy takes one-hot "
                "rows or probabilities, which sum to 1", "Divide each row by its sum; where several classes may be right "
                "at once, use sigmoid and binary_crossentropy.", float(labels.min()), float(labels.max()),
            )  # fmt: skip

    def _reachable(self, labels: numpy.ndarray, predicted: Tensor) -> None:
        activation = self.watch.made_by(predicted)
        if activation not in _RANGES or not labels.size or labels.dtype.kind == "b":
            return
        low, high = _RANGES[activation]
        outside = (labels < low - limits.OUT_OF_RANGE) | (labels > high + limits.OUT_OF_RANGE)
        if float(outside.mean()) < 0.05:
            return
        origin = self.watch.origin(predicted)
        self._tell(
            f"labels go from {number(float(labels.min()))} to {number(float(labels.max()))}, but the outputs come from "
            f"{activation}, which only gives {number(low)} to {number(high)}: {outside.mean():.0%} of the labels are out of "
            "reach", "Scale the labels into that range, or leave out the last activation.", float(labels.min()),
            float(labels.max()), None, origin.layer if origin is not None else None,
        )  # fmt: skip

    def _tell(
        self, message: str, fix: str, low: float, high: float, place: Any = None, layer: Any = None
    ) -> None:
        self.watch.report(
            "label_range", "error", message, fix, layer=layer, place=place or self.watch.called_at(),
            evidence={"lowest": low, "highest": high},
        )  # fmt: skip
