"""`broadcast` and `dtype_upcast`: shapes and types that meet by accident."""

from __future__ import annotations

from typing import Any

from eagerflow import Tensor, Variable, config
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.step_facts import Loss
from viz.doctor.user_code import made_at

__all__ = ["Broadcasts", "Upcasts"]

_HEAVY = ("matmul", "conv")  # elsewhere, outside of layers, it is the few numbers of a loss that are float64
_PAIRWISE = ("subtract", "add", "multiply", "divide", "power", "equal", "not_equal", "maximum", "minimum")
_CHOICES = ("min", "amin", "max", "amax", "logsumexp", "softmax", "log_softmax", "argmin", "sort")  # among answers


class _Compared:
    """Labels and answers of a loss of the user's, one of which has a single column: is that broadcast by accident?"""

    def __init__(self, loss: Loss, labels: Any, answers: Any) -> None:
        self.scope, self.labels, self.answers = loss.opened.scope, labels, answers
        self.met = False  # did an op pair each label with several answers, or the other way round?
        self.meant = False  # are the columns told apart, as by the quantile that each one stands for?

    def see(self, op: Any, inputs: Any, outputs: Any) -> None:
        """Hear of an op of the loss."""
        wide = max(self.labels, self.answers)
        if op.name in _PAIRWISE and len(inputs) >= 2 and getattr(outputs, "shape", None) == wide:
            shapes = [tuple(getattr(x, "shape", ())) for x in inputs[:2]]
            tracked = [_is_computed(x) for x in inputs[:2]]
            if tracked[0] != tracked[1]:
                pair = tuple(shapes if tracked[0] else shapes[::-1])
                self.met = self.met or pair == (self.answers, self.labels)
        for x in inputs if any(_is_computed(x) for x in inputs) else ():
            self.meant = self.meant or (not _is_computed(x) and _differs_by_column(x, wide))
        if op.name in _CHOICES and any(tuple(getattr(x, "shape", ())) == wide for x in inputs):
            self.meant = True


class Broadcasts(Check):
    """Labels (n,) against predictions (n, 1) make n × n differences, of which only n are meant."""

    rules = {
        "broadcast": Rule(
            "error",
            "{by} of labels {labelled} and predictions {predicted} {what}",
            "Give both the same shape: y.reshape(-1, 1), or ops.squeeze(predictions, axis=-1).",
        )
    }

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._compared: _Compared | None = None

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None:
            return
        if self._compared is not None:
            self._compared.see(op, inputs, outputs)
        if self.watch.inside("layer") or getattr(outputs, "key", None) is None or len(inputs) < 1:
            return
        if op.name not in _PAIRWISE or outputs.data.ndim < 2 or len(inputs) < 2:
            return
        a, b = inputs[:2]
        tracked = [_is_computed(x) for x in (a, b)]
        if tracked[0] == tracked[1] or any(isinstance(x, Variable) or not hasattr(x, "shape") for x in (a, b)):
            return
        answers, given = (a, b) if tracked[0] else (b, a)
        predicted, labels = tuple(answers.shape), tuple(given.shape)
        if _crossed(predicted, labels) or _crossed(labels, predicted):
            made = tuple(outputs.data.shape)
            what = f"makes {made}: each label is compared with all {predicted[0]} predictions"
            result = {"op": op.name, "what": what, "result": list(made)}
            self._tell("broadcast", op.name, labels, predicted, self.watch.place(), **result)

    def on_loss(self, loss: Loss) -> None:
        labels, predicted = tuple(getattr(loss.given, "shape", ())), loss.shape
        if loss.kind != "other" or len(labels) != len(predicted) or len(labels) < 2 or labels[:-1] != predicted[:-1]:
            return
        if labels[-1] != predicted[-1] and 1 in (labels[-1], predicted[-1]):
            self._compared = _Compared(loss, labels, predicted)

    def on_loss_end(self, opened: Any, outputs: Any) -> None:
        found = self._compared
        if found is None or opened.scope is not found.scope:
            return
        self._compared = None
        if found.met and not found.meant:
            place, name = made_at(opened.owner) or self.watch.called_at(), opened.scope.name
            what = "are broadcast: every output is compared with the same label"
            self._tell("broadcast", name, found.labels, found.answers, place, op=name, what=what)

    def _tell(self, rule: str, by: str, labels: Any, predicted: Any, place: Any, **about: Any) -> None:
        shapes = {"labels": list(labels), "predictions": list(predicted), "result": list(predicted)}
        words = {"by": by, "labelled": str(labels), "predicted": str(predicted)}
        self.tell(rule, place=place, key=("broadcast", place), **{**words, **shapes, **about})


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

    rules = {
        "dtype_upcast": Rule(
            "warning",
            "{op} {why}, and everything after it is float64: slower, and twice the memory",
            "Make the array float32 (x.astype('float32')), take Python numbers instead of numpy.float64, and leave out "
            "dtype='float64'.",
        )
    }

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not isinstance(outputs, Tensor) or outputs.data.dtype.name != "float64" or config.floatx() == "float64":
            return
        given = [x for x in inputs if isinstance(x, Tensor)]
        if outputs.key is None or not any(x.data.dtype.name in ("float32", "float16") for x in given):
            return
        only_in_loss = not self.watch.inside("layer", "model") and op.name not in _HEAVY
        other, place = next((x for x in inputs if _type_of(x) == "float64"), None), self.watch.place()
        self.tell(
            "dtype_upcast",
            "info" if only_in_loss and other is not None else "warning",
            layer=self.watch.layer(),
            op=op.name,
            place=place,
            key=("dtype_upcast", place),
            why="was asked for float64" if other is None else f"met {_described(other)}",
            inputs=[_type_of(x) for x in inputs],
            shape=list(outputs.data.shape),
        )


def _type_of(x: Any) -> str:
    return getattr(getattr(x, "dtype", None), "name", type(x).__name__)


def _described(x: Any) -> str:
    if isinstance(x, Variable):
        return f"the weights {x.path!r}, which are float64"
    data = x.data if isinstance(x, Tensor) else x
    shape = tuple(getattr(data, "shape", ()))
    return f"a float64 number ({float(host(data)):.4g})" if shape == () else f"a float64 array of shape {shape}"
