"""`broadcast` and `dtype_upcast`: shapes and types that meet by accident."""

from __future__ import annotations

from typing import Any

from eagerflow import Tensor, Variable, config
from viz.doctor.check_base import Check, host
from viz.doctor.loss_questions import loss_kind
from viz.doctor.user_code import made_at

__all__ = ["Broadcasts", "Upcasts"]

_HEAVY = ("matmul", "conv")  # elsewhere, outside of layers, it is the few numbers of a loss that are float64
_PAIRWISE = ("subtract", "add", "multiply", "divide", "power", "equal", "not_equal", "maximum", "minimum")
_CHOICES = ("min", "amin", "max", "amax", "logsumexp", "softmax", "log_softmax", "argmin", "sort")  # among answers

_FIXES = {
    "broadcast": "Give both the same shape: y.reshape(-1, 1), or ops.squeeze(predictions, axis=-1).",
    "broadcast.taken": (
        "Take one column of each row: ops.take_along_axis(values, actions[:, None], axis=1)[:, 0], "
        "tf.gather(values, actions, axis=1, batch_dims=1), or ops.sum(values * ops.one_hot(actions, columns), axis=1)."
    ),
    "dtype_upcast": (
        "Make the array float32 (x.astype('float32')), take Python numbers instead of numpy.float64, and "
        "leave out dtype='float64'."
    ),
}


class _Compared:
    """Labels and answers of a loss of the user's, one of which has a single column: is that broadcast by accident?"""

    __slots__ = ("answers", "labels", "meant", "met", "scope")

    def __init__(self, scope: Any, labels: Any, answers: Any) -> None:
        self.scope, self.labels, self.answers = scope, tuple(labels), tuple(answers)
        self.met = False  # did an op pair each label with several answers, or the other way round?
        self.meant = False  # are the columns told apart, as by the quantile that each one stands for?

    def see(self, op: Any, inputs: Any, settings: Any, outputs: Any) -> None:
        """Hear of an op of the loss."""
        wide = max(self.labels, self.answers)
        if op.name in _PAIRWISE and len(inputs) >= 2 and getattr(outputs, "shape", None) == wide:
            shapes = [tuple(getattr(x, "shape", ())) for x in inputs[:2]]
            tracked = [_is_computed(x) for x in inputs[:2]]
            if tracked[0] != tracked[1]:
                given, other = shapes if tracked[0] else shapes[::-1]
                self.met = self.met or (given, other) == (self.answers, self.labels)
        for x in inputs if any(_is_computed(x) for x in inputs) else ():
            self.meant = self.meant or (not _is_computed(x) and _differs_by_column(x, wide))
        if op.name in _CHOICES and any(tuple(getattr(x, "shape", ())) == wide for x in inputs):
            self.meant = True


class Broadcasts(Check):
    """Labels (n,) against predictions (n, 1) make n × n differences, of which only n are meant."""

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._compared: _Compared | None = None
        self._taken: dict[int, Any] = {}  # where each row was given the columns that all rows asked for, by key

    def on_step_end(self) -> None:
        self._taken.clear()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self._compared is not None and error is None:
            self._compared.see(op, inputs, settings, outputs)
        if op.name == "take_index" and error is None and not self.watch.inside("layer"):
            self._take(inputs[0], settings[0], outputs)
        if op.name not in _PAIRWISE or not isinstance(outputs, Tensor) or outputs.key is None:
            return
        if outputs.data.ndim < 2 or self.watch.inside("layer") or len(inputs) < 2:
            return
        a, b = inputs[:2]
        shapes: list[Any] = [getattr(a, "shape", None), getattr(b, "shape", None)]
        if any(shape is None for shape in shapes):
            return
        tracked = [_is_computed(x) for x in (a, b)]
        if tracked[0] == tracked[1] or any(isinstance(x, Variable) for x in (a, b)):
            return
        predicted, labels = shapes if tracked[0] else shapes[::-1]
        taken = self._taken.get((a if tracked[0] else b).key)
        if taken is not None and tuple(labels) in ((predicted[0],), (predicted[0], 1)):
            self._tell_taken(op.name, tuple(labels), tuple(predicted), taken)
            return
        if not (_crossed(predicted, labels) or _crossed(labels, predicted)):
            return
        count = predicted[0]
        self._tell(op.name, labels, predicted, outputs.data.shape, self.watch.place(), count)

    def _take(self, given: Any, index: Any, outputs: Any) -> None:
        """`values[:, actions]`, with as many actions as rows: n × n numbers, of which only the diagonal is meant."""
        if not _is_computed(given) or given.data.ndim != 2 or not isinstance(index, tuple) or len(index) != 2:
            return
        (rows, columns), n = index, len(given.data)
        whole = isinstance(rows, slice) and rows == slice(None)
        if not whole or getattr(columns, "shape", None) != (n,) or n < 2 or getattr(outputs, "key", None) is None:
            return
        if len(set(host(columns).tolist())) < n:  # else it is an order of columns
            self._taken[outputs.key] = self.watch.own_line() or self.watch.place()

    def _tell_taken(self, op: str, labels: tuple[int, ...], taken: tuple[int, ...], place: Any) -> None:
        self.watch.report(
            "broadcast.taken",
            "error",
            f"each of {taken[0]} rows is given the columns that all {taken[0]} rows ask for: that makes {taken}, of "
            f"which only the diagonal is meant, and {op} compares it with {labels}",
            op="take_index",
            place=place,
            key=("broadcast", place),
            evidence={"labels": list(labels), "predictions": list(taken), "result": list(taken)},
        )

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind != "loss" or not isinstance(given, tuple) or len(given) != 2:
            return
        if loss_kind(opened.owner) != "other":
            return
        labels, predicted = (getattr(x, "shape", None) for x in given)
        if labels is None or predicted is None or len(labels) != len(predicted) or len(labels) < 2:
            return
        if labels[:-1] == predicted[:-1] and labels[-1] != predicted[-1] and 1 in (labels[-1], predicted[-1]):
            self._compared = _Compared(opened.scope, labels, predicted)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        found = self._compared
        if found is None or opened.scope is not found.scope:
            return
        self._compared = None
        if found.met and not found.meant:
            place = made_at(opened.owner) or self.watch.called_at()
            self._tell(opened.scope.name, found.labels, found.answers, None, place, 0)

    def _tell(self, op: str, labels: Any, predicted: Any, made: Any, place: Any, count: int) -> None:
        if made is not None:
            what = f"makes {tuple(made)}: each label is compared with all {count} predictions"
        else:
            what = "are broadcast: every output is compared with the same label"
        self.watch.report(
            "broadcast",
            "error",
            f"{op} of labels {tuple(labels)} and predictions {tuple(predicted)} {what}",
            op=op,
            place=place,
            key=("broadcast", place),
            evidence={"labels": list(labels), "predictions": list(predicted), "result": made and list(made)},
        )


def _is_computed(x: Any) -> bool:
    """Does it come from weights, without being one?"""
    return isinstance(x, Tensor) and x.key is not None and not isinstance(x, Variable)


def _differs_by_column(x: Any, shape: tuple[int, ...]) -> bool:
    """Is it one number for each column, not all the same, such as the quantiles that the columns stand for?"""
    found = tuple(getattr(x, "shape", ()))
    if len(found) > 1 and any(n != 1 for n in found[:-1]):
        return False
    if not found or found[-1] != shape[-1] or shape[-1] < 2:
        return False
    values = host(x.data if isinstance(x, Tensor) else x).reshape(-1)
    return bool((values != values[0]).any())


def _crossed(a: Any, b: Any) -> bool:
    """(n, 1) against (n,), with n above 1."""
    return len(a) == len(b) + 1 and len(b) >= 1 and a[-1] == 1 and a[0] == b[-1] > 1 and a[:-1] == b


class Upcasts(Check):
    """float64 among float32: slower, twice the memory, and nothing learns better by it."""

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not isinstance(outputs, Tensor) or outputs.data.dtype.name != "float64" or config.floatx() == "float64":
            return
        if outputs.key is None:
            return
        given = [x for x in inputs if isinstance(x, Tensor)]
        if not any(x.data.dtype.name in ("float32", "float16") for x in given):
            return
        layer = self.watch.layer()
        only_in_loss = not self.watch.inside("layer", "model") and op.name not in _HEAVY
        other = next((x for x in inputs if _is_double(x)), None)
        why = "was asked for float64" if other is None else f"met {_described(other)}"
        self.watch.report(
            "dtype_upcast",
            "info" if only_in_loss and other is not None else "warning",
            f"{op.name} {why}, and everything after it is float64: slower, and twice the memory",
            layer=layer,
            op=op.name,
            place=self.watch.place(),
            key=("dtype_upcast", self.watch.place()),
            evidence={"inputs": [_type_of(x) for x in inputs], "shape": list(outputs.data.shape)},
        )


def _is_double(x: Any) -> bool:
    return _type_of(x) == "float64"


def _type_of(x: Any) -> str:
    return getattr(getattr(x, "dtype", None), "name", type(x).__name__)


def _described(x: Any) -> str:
    if isinstance(x, Variable):
        return f"the weights {x.path!r}, which are float64"
    data = x.data if isinstance(x, Tensor) else x
    shape = tuple(getattr(data, "shape", ()))
    return f"a float64 number ({float(host(data)):.4g})" if shape == () else f"a float64 array of shape {shape}"
