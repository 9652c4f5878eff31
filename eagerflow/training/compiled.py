"""What `compile` makes of losses and metrics: one object per output, with the names they are reported under."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eagerflow import losses, metrics, optimizers
from eagerflow.base import tree
from eagerflow.base.capturing import replayed
from eagerflow.base.errors import UnknownNameError
from eagerflow.base.machine.budget import step
from eagerflow.base.signatures import refuses
from eagerflow.base.tracebacks import is_ours
from eagerflow.base.typing import OptimizerLike
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.data.arrays import rows_of
from eagerflow.losses.base import Loss, LossFunctionWrapper
from eagerflow.losses.table import LOSSES
from eagerflow.metrics.base import Metric
from eagerflow.metrics.means import Mean, MeanMetricWrapper
from eagerflow.metrics.table import METRICS
from eagerflow.training.outputs import Outputs, tree_parts
from eagerflow.training.state_snapshot import StateSnapshot
from eagerflow.training.step_runner import EAGER, StepRunner
from eagerflow.training.structures import Part, at, nests, parts_of

__all__ = ["Compiled", "CompiledLoss", "CompiledMetrics"]


# Ops that a loss can't be learned through, by the names that functions use.
_WITHOUT_SLOPE = frozenset("argmax argmin argsort ceil floor one_hot rint round sign stop_gradient".split())


class Compiled:
    """All that `compile` was given, ready for use."""

    runner: StepRunner = EAGER  # another one with `jit_compile`
    strategy: Any = None  # that was in force: a model keeps it behind its scope

    def __init__(
        self,
        optimizer: OptimizerLike,
        loss: Any,
        loss_weights: Any,
        metrics_given: Any,
        weighted_metrics: Any,
        steps_per_execution: int,
        output_names: Sequence[str] | None,
        structure: Any = None,
    ) -> None:
        self.optimizer = _as_optimizer(optimizer)
        outputs = self.outputs = Outputs(output_names)
        if any(tree.is_nested(part) for part in tree_parts(structure)):
            outputs.settle(structure)
        self._structure = structure
        self.loss = None if loss is None else CompiledLoss(loss, loss_weights, outputs, structure)
        self.metrics = CompiledMetrics(metrics_given, weighted_metrics, outputs)
        self.loss_tracker = Mean(name="loss")
        self.steps_per_execution = steps_per_execution
        self.measured = False  # whether a step has updated metrics since they began
        self.deferred = False  # whether steps leave it to their loop to ask for the numbers
        self.arguments: dict[str, Any] = {}
        self.states: StateSnapshot | None = None  # of the model, for steps made one by one
        self.was_trainable = False  # the model itself, when it was compiled

    def how_to_train(self, model: Any) -> str:
        """What to do about a model of which no weight is trainable."""
        if self.was_trainable and not model.trainable:
            return (
                "It was frozen after compile: set model.trainable = True before its turn (that of a GAN's "
                "discriminator, say), or run the script with `python -m eagerflow run`, where compile remembers it, as "
                "in Keras 2."
            )
        if model.weights:
            return "Set model.trainable = True, or that of the layers to be trained."
        made = ", ".join(f"line {line} of {file}" for file, line in model._ef_state.made_before)
        if made:
            return f"Its call makes new layers ({made}), whose weights belong to nobody: make them in __init__."
        return "Its layers have no weights."

    def gradients(
        self, tape: GradientTape, minimized: Any, variables: list[Variable], model: Any, y_pred: Any
    ) -> list[Any]:
        """The gradients of a step's loss.

        Raises:
            ValueError: for a loss that was made without a tensor of the tape, naming its function.
        """
        found = tape.gradient(minimized, variables)
        if getattr(minimized, "key", 0) is None:
            raise self._lost_gradient(model, y_pred)
        return found

    def _lost_gradient(self, model: Any, y_pred: Any) -> ValueError:
        """The error for a loss that isn't made from any weight, by ops: the loss function's fault, or the model's."""
        who = f"{type(self.optimizer).__name__}: no gradient for any variable"
        if all(getattr(y, "key", None) is None for y in tree.flatten(y_pred)):
            call = f"{type(model).__name__}.call{_place_of(type(model).call)}"
            return ValueError(
                f"{who}: the outputs of {call} aren't made from its weights by ops. NumPy, .numpy() and Python numbers "
                "take values out of the tape: use ops on tensors."
            )
        given = [getattr(loss, "fn", None) or loss for loss in tree.flatten(getattr(self.loss, "given", None))]
        named = [(f, _place_of(f)) for f in [getattr(f, "call", f) if isinstance(f, Loss) else f for f in given]]
        own = [f"{getattr(f, '__qualname__', 'it')}(){place}" for f, place in named if place]
        what = f"what {' and '.join(own)} returned" if own else "the loss"
        names = [name for f in given for name in getattr(getattr(f, "__code__", None), "co_names", ())]
        flat = [name for name in dict.fromkeys(names) if name in _WITHOUT_SLOPE]
        if flat:
            return ValueError(
                f"{who}: {what} goes through {' and '.join(flat)}, which {'have' if flat[1:] else 'has'} no gradient. "
                "Take a loss that changes a little when the outputs do (a crossentropy, squares); what is counted, "
                "such as an accuracy, goes into compile(metrics=[...])."
            )
        return ValueError(
            f"{who}: {what} isn't made from the model's outputs by ops with a gradient. NumPy (np.mean, np.array), "
            ".numpy() and float() take values out of the tape: use ops.mean, ops.square, ... on tensors. Comparisons "
            "(==, >) and whole numbers have no gradient."
        )

    def change_loss(self, loss: Any) -> None:
        """Use another loss from now on."""
        self.arguments["loss"] = loss
        weights = self.arguments["loss_weights"]
        self.loss = None if loss is None else CompiledLoss(loss, weights, self.outputs, self._structure)

    @replayed
    def track(self, loss: Any, batch: Any) -> None:
        """Add the loss of a batch to the mean that is reported."""
        rows = rows_of(batch)
        self.loss_tracker._add((loss.data if isinstance(loss, Tensor) else loss) * rows, rows)

    def all_metrics(self) -> list[Metric]:
        """Loss, metrics, and the losses of single outputs."""
        own = [self.loss_tracker, *[entry.metric for entry in self.metrics.entries]]
        return [*own, *(self.loss.trackers.values() if self.loss is not None else [])]

    def named_results(self) -> dict[str, Any]:
        """The numbers so far, by the names they are reported under; without a loss that the steps do not track."""
        tracked = self.loss_tracker.updated or not self.measured
        found = {"loss": self.loss_tracker.result()} if tracked else {}
        for entry in self.metrics.entries:
            _enter(found, entry.name, entry.metric.result())
        if self.loss is not None:
            found.update((name, tracker.result()) for name, tracker in self.loss.trackers.items())
        return found


def _enter(found: dict[str, Any], name: str, result: Any) -> None:
    if isinstance(result, Mapping):
        found.update(result)
    else:
        found[name] = result


class CompiledLoss:
    """One loss per output, and their weighted sum.

    Args:
        loss: a loss, or a list or dict of losses (None where an output has none).
        weights: a number, or a list or dict of numbers.
        outputs: what is known of the model's outputs.
        structure: the outputs of a graph.
    """

    def __init__(self, loss: Any, weights: Any, outputs: Outputs, structure: Any = None) -> None:
        self.single = not isinstance(loss, (list, tuple, Mapping))
        self.given = tree.map_structure(_as_loss, dict(loss) if isinstance(loss, Mapping) else loss)
        self.weights = weights
        self.outputs = outputs
        self.trackers: dict[str, Mean] = {}
        self._parts: list[Part] | None = None
        self._find_nesting()
        if self.nested and structure is not None:  # of a graph: wrong structures raise at once
            self._nested_parts(structure)
        elif outputs.names is not None:
            outputs.check("loss", self.given)
            outputs.check("loss_weights", weights)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of all losses, a tensor; None when no output has one."""
        if self.single and isinstance(y_pred, Tensor):
            if isinstance(y_true, (list, tuple)) and len(y_true) == 1:
                y_true = y_true[0]
            value = self.given(y_true, y_pred, sample_weight)
            return value if self.weights is None else value * _number(self.weights)
        return self._several(y_true, y_pred, sample_weight)

    def _several(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        outputs = self.outputs
        outputs.settle(y_pred)
        if self._parts is None:
            self._parts = self._resolved(y_pred)
            learning = (i for part in self._parts if part.loss is not None for i in part.outputs)
            outputs.learning = sorted(set(learning))
        if self.nested:
            return self._of_structures(y_true, y_pred, sample_weight)
        targets, predictions = outputs.flat("y", y_true), outputs.flat("y_pred", y_pred)
        sample_weights = outputs.spread("sample_weight", sample_weight)
        total: Any = None
        for part, y, p, w in zip(self._parts, targets, predictions, sample_weights):
            if part.loss is not None:
                _check_target(y, part, y_true)
                total = self._add(total, part, part.loss(y, p, w), p)
        return total

    def _of_structures(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        outputs = self.outputs
        targets = outputs.packed("y", y_true, y_pred)
        several = tree.is_nested(sample_weight)
        weights = outputs.packed("sample_weight", sample_weight, y_pred) if several else None
        total: Any = None
        begun: set[str] = set()  # several losses of one part make up one number
        for part in self._parts or ():
            p = at(y_pred, part.path)
            w = at(weights, part.path) if several else sample_weight
            y = at(targets, part.path)
            _check_target(y, part, y_true)
            value = part.loss(y, p, w)
            total = self._add(total, part, value, tree.flatten(p)[0], part.name in begun)
            begun.add(part.name)
        return total

    def _add(self, total: Any, part: Part, value: Any, of: Any, again: bool = False) -> Any:
        if part.name in self.trackers:
            self._track(part.name, value, of.shape[0], again)
        value = value if part.weight == 1.0 else value * part.weight
        return value if total is None else total + value

    @replayed
    def _track(self, name: str, value: Any, rows: int, again: bool) -> None:
        self.trackers[name]._add(value.data * rows, 0 if again else rows)

    def _find_nesting(self) -> None:
        self.nested = nests(self.given) or (self.outputs.nested and not self.single)

    def _resolved(self, y_pred: Any) -> list[Part]:
        self._find_nesting()
        if self.nested:
            parts = self._nested_parts(y_pred)
            measured = [part.name for part in parts]
        else:
            names = self.outputs.known_names
            chosen = self.outputs.spread("loss", self.given)
            weights = self.outputs.spread("loss_weights", self.weights)
            measured = [f"{n}_loss" for n, loss in zip(names, chosen) if loss is not None]
            if self.outputs.is_dict and not self.outputs.nested and isinstance(self.given, Mapping):
                # in the order in which the user named them
                measured = [f"{n}_loss" for n, loss in self.given.items() if loss is not None]
            every = enumerate(zip(names, chosen, weights))
            parts = [Part(f"{n}_loss", loss, _number(w), (), [i]) for i, (n, loss, w) in every]
        if len(set(measured)) > 1:  # a single one would repeat the whole
            self.trackers = {name: Mean(name=name) for name in measured}
        return parts

    def _nested_parts(self, y_pred: Any) -> list[Part]:
        outputs = self.outputs
        places = outputs.places(y_pred)
        names = (outputs.prefixes if outputs.nested else outputs.names) or [""] * len(tree.flatten(places))
        parts = parts_of(self.given, self.weights, places, names, _sees_structures)
        return [part._replace(name=f"{part.name}_loss", weight=_number(part.weight)) for part in parts]


def _check_target(target: Any, part: Part, given: Any) -> None:
    """Refuse an output with a loss and no target, such as one that a dict of targets doesn't name."""
    if target is None and type(part.loss).__call__ is Loss.__call__:  # another may need none
        got = ", ".join(map(str, given)) if isinstance(given, Mapping) else "None" if given is None else "None for it"
        raise ValueError(
            f"y: no target for output {part.name.removesuffix('_loss')!r}; got {got or 'none'}. "
            "Pass one, or leave the output out of the losses in compile."
        )


def _sees_structures(loss: Any) -> bool:
    """Whether a loss is the user's own: it is asked once for a whole list or dict of outputs, ours for each output."""
    made_by = loss.fn if type(loss) is LossFunctionWrapper else type(loss)
    return not str(getattr(made_by, "__module__", "")).startswith("eagerflow.")


def _number(weight: Any) -> float:
    if weight is None:
        return 1.0
    try:
        return float(weight[0] if isinstance(weight, (list, tuple)) and len(weight) == 1 else weight)
    except (TypeError, ValueError):
        names = any(isinstance(each, str) for each in tree.flatten(weight))
        cure = " loss_weights comes before metrics: write metrics=[...] by name." if names else ""
        raise TypeError(f"compile(loss_weights=...): expected numbers; got {weight!r:.60}.{cure}") from None


def _check_signature(function: Any) -> None:
    """Refuse a user's function that can't be called with two arguments, as far as its signature shows."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None, None)
    except TypeError:
        raise TypeError(
            f"compile(loss={_name_of(function)}): a loss takes two arguments, (y_true, y_pred); this takes {signature}."
            f"{_how_to_call(function, signature)}"
        ) from None


def _how_to_call(function: Any, signature: inspect.Signature) -> str:
    """A function with settings alone may be one that makes a loss."""
    needed = [p.name for p in signature.parameters.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if len(needed) > 1 or not signature.parameters:
        return ""
    return f" If it makes the loss, call it: loss={_name_of(function)}({', '.join(f'{name}=...' for name in needed)})."


def _as_optimizer(identifier: OptimizerLike) -> Any:
    try:
        return optimizers.get(identifier)
    except UnknownNameError as error:
        if isinstance(identifier, str) and identifier in LOSSES:
            error.args = (f"Unknown optimizer {identifier!r}: that is a loss. Write compile(optimizer, loss).",)
        raise


def _checked_call(loss: Any) -> Any:
    """A loss whose class may override the wrong method."""
    if loss is not None and type(loss).__call__ is not Loss.__call__ and refuses(loss, None, None, None):
        name = type(loss).__name__
        raise TypeError(
            f"compile(loss={name}): {name}.__call__ is called with (y_true, y_pred, sample_weight), and this takes "
            f"{inspect.signature(loss)}. Override call(self, y_true, y_pred) instead: __call__ weighs and averages "
            "what it gives."
        )
    return loss


def _as_loss(identifier: Any) -> Loss | None:
    step(2)
    if identifier is None or isinstance(identifier, Loss):
        return _checked_call(identifier)
    if isinstance(identifier, Metric) or (isinstance(identifier, type) and issubclass(identifier, Metric)):
        name = _name_of(identifier)
        raise TypeError(
            f"compile(loss={name}): that is a metric, which keeps sums and gives no gradient. Write "
            f"metrics=[{name}()], and a loss, such as 'sparse_categorical_crossentropy' or 'mse'."
        )
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        return LossFunctionWrapper(_crossentropy, name=identifier)
    try:
        found = losses.get(identifier)
    except UnknownNameError as error:
        if isinstance(identifier, str) and (identifier.lower() in METRICS or identifier.lower() == "acc"):
            error.args = (
                f"Unknown loss {identifier!r}: that is a metric. Write metrics=[{identifier!r}], and a loss.",
            )
        raise
    if isinstance(found, Loss):
        return _checked_call(found)
    if not callable(found):
        raise TypeError(f"compile(loss=...): expected a name, Loss object or function; got {identifier!r:.60}.")
    _check_signature(found)
    return LossFunctionWrapper(found, name=_name_of(found))


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


class Entry:
    """A metric of one output.

    Attributes:
        output: the number of the output.
        name: the name it is reported under.
        metric: the metric.
        weighted: whether sample weights count.
    """

    __slots__ = ("metric", "name", "output", "weighted")

    def __init__(self, output: int, name: str, metric: Metric, weighted: bool) -> None:
        self.output, self.name, self.metric, self.weighted = output, name, metric, weighted


class CompiledMetrics:
    """The metrics of all outputs.

    Args:
        given: a metric, a list of metrics, or for several outputs a list of lists or a dict.
        weighted: the same, for metrics that sample weights count in.
        outputs: what is known of the model's outputs.
    """

    def __init__(self, given: Any, weighted: Any, outputs: Outputs) -> None:
        self.outputs = outputs
        self.given = (_as_metrics(given), _as_metrics(weighted))
        self._asked = (given, weighted)
        self.entries: list[Entry] = []
        self._settled = False
        several = outputs.names is not None and len(outputs.names) > 1
        nested = any(isinstance(g, Mapping) or _has_lists(g) for g in self.given)
        if outputs.names is not None and (several or nested):
            self._settle()
        elif not nested:  # most models have one output: metrics are known at once
            self.entries = list(self._entries([""]))

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch."""
        if isinstance(y_pred, Tensor) and not self.outputs.is_dict:
            if self.given != (None, None) and not self.entries:
                self.outputs.settle(y_pred)
                self._settle()
            for entry in self.entries:
                _update(entry, y_true, y_pred, sample_weight)
            return
        self.outputs.settle(y_pred)
        if not self._settled:
            self._settle()
        targets, predictions = self.outputs.flat("y", y_true), self.outputs.flat("y_pred", y_pred)
        weights = self.outputs.spread("sample_weight", sample_weight)
        for entry in self.entries:
            i = entry.output
            _update(entry, targets[i], predictions[i], weights[i])

    def _settle(self) -> None:
        self.entries = list(self._entries(self.outputs.known_names))
        self._settled = True

    def _entries(self, names: Sequence[str]) -> Iterator[Entry]:
        used: dict[str, int] = {}
        for which, given in enumerate(self.given):
            what = "weighted_metrics" if which else "metrics"
            chosen = self._per_output(what, given, self._asked[which], names)
            for i, (output, found) in enumerate(zip(self.outputs.prefixes or names, chosen)):
                prefix = f"{output}_" if len(names) > 1 and output else ""
                for metric in _flat_metrics(found):
                    name = f"{prefix}{metric.name}"
                    if which and name in used:
                        name = f"{prefix}weighted_{metric.name}"
                    yield Entry(i, _numbered(name, used), metric, bool(which))

    def _per_output(self, what: str, given: Any, asked: Any, names: Sequence[str]) -> list[Any]:
        if len(names) == 1 and not isinstance(given, Mapping):
            return [given]
        if _for_all(asked, len(names)):
            return [_as_metrics(asked) for _ in names]
        if isinstance(given, Metric):  # one object can't gather for several outputs
            given = [given]
        return self.outputs.spread(what, given)


def _for_all(asked: Any, outputs: int) -> bool:
    """Whether these are names or functions that every output gets, as in Keras 2: `["accuracy"]` for two outputs."""
    plain = isinstance(asked, (list, tuple)) and not any(
        m is None or isinstance(m, (list, tuple, Mapping, Metric)) for m in asked
    )
    return plain and len(asked) != outputs


def _numbered(name: str, used: dict[str, int]) -> str:
    """`name`, with a number where it was used before; enters it."""
    used[name] = used.get(name, 0) + 1
    return name if used[name] == 1 else f"{name}_{used[name] - 1}"


def _update(entry: Entry, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
    metric = entry.metric
    arguments = (y_true, y_pred, sample_weight) if entry.weighted and sample_weight is not None else (y_true, y_pred)
    try:
        metric.update_state(*arguments)
    except Exception as error:  # the same function may be the loss
        error.add_note(f"In the metric {entry.name!r} of compile({'weighted_' * entry.weighted}metrics=...).")
        raise


def _has_lists(given: Any) -> bool:
    return isinstance(given, list) and any(isinstance(m, (list, Mapping)) for m in given)


def _flat_metrics(found: Any) -> list[Metric]:
    return [m for m in tree.flatten(found) if m is not None]


def _as_metrics(given: Any) -> Any:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {k: _as_metrics(v) for k, v in given.items()}
    if isinstance(given, (list, tuple)):
        return [_as_metrics(m) for m in given]
    return _as_metric(given)


def _as_metric(identifier: Any) -> Metric:
    step(2)
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        by_shapes = _BY_SHAPES.get(identifier.lower())
        if by_shapes is not None:
            metric: Metric = MeanMetricWrapper(by_shapes, name=identifier)
            metric._direction = "down" if by_shapes is _crossentropy else "up"
            return metric
        if identifier == "loss":
            raise ValueError("compile(metrics=['loss']): the loss is always reported; leave it out.")
    found = metrics.get(identifier)
    if isinstance(found, type) or not (isinstance(found, Metric) or callable(found)):
        raise TypeError(f"compile(metrics=...): expected a name, Metric or function; got {identifier!r:.60}.")
    if not isinstance(found, Metric):
        found = MeanMetricWrapper(found, name=_name_of(found))
    if isinstance(identifier, str):
        found.name = identifier
    return found


def _kind(y_true: Any, y_pred: Any) -> str:
    """Which kind of labels these are, by their shapes."""
    shape, predicted = y_true.shape, y_pred.shape
    if not predicted or predicted[-1] == 1 or len(predicted) == 1:
        return "binary"
    if len(shape) < len(predicted) or shape[-1] == 1:
        return "sparse"
    return "categorical"


def _accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """The accuracy that fits the shapes."""
    return _ACCURACIES[_kind(y_true, y_pred)](y_true, y_pred)


def _crossentropy(y_true: Any, y_pred: Any) -> Tensor:
    """The crossentropy that fits the shapes."""
    return _CROSSENTROPIES[_kind(y_true, y_pred)](y_true, y_pred)


_ACCURACIES = {
    "binary": metrics.binary_accuracy,
    "sparse": metrics.sparse_categorical_accuracy,
    "categorical": metrics.categorical_accuracy,
}
_CROSSENTROPIES = {
    "binary": losses.binary_crossentropy,
    "sparse": losses.sparse_categorical_crossentropy,
    "categorical": losses.categorical_crossentropy,
}
_BY_SHAPES = {"accuracy": _accuracy, "acc": _accuracy, "crossentropy": _crossentropy, "ce": _crossentropy}


def _place_of(function: Any) -> str:
    """`" (train.py:7)"` for a function that the user wrote, else nothing."""
    code = getattr(function, "__code__", None)
    if code is None or is_ours(code.co_filename):
        return ""
    return f" ({os.path.basename(code.co_filename)}:{code.co_firstlineno})"
