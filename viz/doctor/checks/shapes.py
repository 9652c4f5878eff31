"""`broadcast` and `dtype_upcast`: shapes and types that meet by accident."""

from __future__ import annotations

from typing import Any

from eagerflow import config
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import computed, is_tensor, is_variable, tracked, values_of

__all__ = ["Broadcasts", "Upcasts"]

_HEAVY = ("matmul", "conv")  # elsewhere, outside of layers, it is the few numbers of a loss that are float64
_PAIRWISE = ("subtract", "add", "multiply", "divide", "power", "equal", "not_equal", "maximum", "minimum")


class Broadcasts(Check):
    """Labels (n,) against predictions (n, 1) make n × n differences, of which only n are meant."""

    rules = {
        "broadcast": Rule.error(
            "{by} of labels {labelled} and predictions {predicted} {what}",
            "Give both the same shape: y.reshape(-1, 1), or ops.squeeze(predictions, axis=-1).",
        )
    }

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or self.watch.inside("layer") or not tracked(outputs) or outputs.data.ndim < 2:
            return
        if op.means not in _PAIRWISE or len(inputs) < 2 or any(is_variable(x) for x in inputs[:2]):
            return
        a, b = inputs[:2]
        answers, given = (a, b) if computed(a) else (b, a)
        if computed(a) == computed(b) or not hasattr(given, "shape"):
            return
        predicted, labels, made = tuple(answers.shape), tuple(given.shape), tuple(outputs.shape)
        if _crossed(predicted, labels) or _crossed(labels, predicted):
            place, words = self.watch.place(), {"by": op.name, "labelled": str(labels), "predicted": str(predicted)}
            what = f"makes {made}: each label is compared with all {predicted[0]} predictions"
            shapes = {"labels": list(labels), "predictions": list(predicted), "result": list(made)}
            self.tell("broadcast", op=op.name, place=place, key=("broadcast", place), what=what, **words, **shapes)


def _crossed(a: Any, b: Any) -> bool:
    """(n, 1) against (n,), with n above 1."""
    return len(a) == len(b) + 1 and len(b) >= 1 and a[-1] == 1 and a[0] == b[-1] > 1 and a[:-1] == b


class Upcasts(Check):
    """float64 among float32: slower, twice the memory, and nothing learns better by it."""

    rules = {
        "dtype_upcast": Rule.warning(
            "{op} {why}, and everything after it is float64: slower, and twice the memory",
            "Make the array float32 (x.astype('float32')), take Python numbers instead of numpy.float64, and leave out "
            "dtype='float64'.",
        )
    }

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not is_tensor(outputs) or outputs.data.dtype.name != "float64" or config.floatx() == "float64":
            return
        given = [x for x in inputs if is_tensor(x)]
        if outputs.key is None or not any(x.data.dtype.name in ("float32", "float16") for x in given):
            return
        only_in_loss = not self.watch.inside("layer", "model") and op.means not in _HEAVY
        other, place = next((x for x in inputs if _type_of(x) == "float64"), None), self.watch.place()
        severity = "info" if only_in_loss and other is not None else "warning"
        why = "was asked for float64" if other is None else f"met {_described(other)}"
        at = {"layer": self.watch.layer(), "op": op.name, "place": place, "key": ("dtype_upcast", place)}
        about = {"inputs": [_type_of(x) for x in inputs], "shape": list(outputs.data.shape)}
        self.tell("dtype_upcast", severity, why=why, **at, **about)


def _type_of(x: Any) -> str:
    return getattr(getattr(x, "dtype", None), "name", type(x).__name__)


def _described(x: Any) -> str:
    if is_variable(x):
        return f"the weights {x.path!r}, which are float64"
    data = values_of(x)
    return f"a float64 array of shape {data.shape}" if data.shape else f"a float64 number ({float(data):.4g})"
