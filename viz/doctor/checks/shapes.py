"""`broadcast` and `dtype_upcast`: shapes and types that meet by accident."""

from __future__ import annotations

from typing import Any

from eagerflow import Tensor, Variable, config
from viz.doctor.check_base import Check, host
from viz.doctor.checks.losses import is_ours, loss_kind
from viz.doctor.user_code import made_at

__all__ = ["Broadcasts", "Upcasts"]

_HEAVY = ("matmul", "conv")  # elsewhere, outside of layers, it is the few numbers of a loss that are float64
_PAIRWISE = ("subtract", "add", "multiply", "divide", "power", "equal", "not_equal", "maximum", "minimum")


class Broadcasts(Check):
    """Labels (n,) against predictions (n, 1) make n × n differences, of which only n are meant."""

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name not in _PAIRWISE or not isinstance(outputs, Tensor) or outputs.key is None:
            return
        if outputs.data.ndim < 2 or self.watch.inside("layer") or len(inputs) < 2:
            return
        a, b = inputs[:2]
        shapes: list[Any] = [getattr(a, "shape", None), getattr(b, "shape", None)]
        if any(shape is None for shape in shapes):
            return
        tracked = [isinstance(x, Tensor) and x.key is not None and not isinstance(x, Variable) for x in (a, b)]
        if tracked[0] == tracked[1] or any(isinstance(x, Variable) for x in (a, b)):
            return
        predicted, labels = shapes if tracked[0] else shapes[::-1]
        if not (_crossed(predicted, labels) or _crossed(labels, predicted)):
            return
        count = predicted[0]
        self._tell(op.name, labels, predicted, outputs.data.shape, self.watch.place(), count)

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind != "loss" or not isinstance(given, tuple) or len(given) != 2:
            return
        if loss_kind(opened.owner) != "other":
            return
        labels, predicted = (getattr(x, "shape", None) for x in given)
        if labels is None or predicted is None or len(labels) != len(predicted) or len(labels) < 2:
            return
        if is_ours(opened.owner):
            return  # ours refuse such shapes
        if labels[:-1] == predicted[:-1] and labels[-1] != predicted[-1] and 1 in (labels[-1], predicted[-1]):
            self._tell(opened.scope.name, labels, predicted, None, made_at(opened.owner) or self.watch.called_at(), 0)

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
