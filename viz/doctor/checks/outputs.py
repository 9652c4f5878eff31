"""What a model answers: the same whatever it is asked, or through a relu, a Dropout or a softmax that spoils it."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Sequential, Tensor
from eagerflow.metrics import BinaryAccuracy, binary_accuracy
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, is_nothing_left, number, tensors
from viz.doctor.loss_questions import function_name, is_ours, loss_kind, own_loss
from viz.doctor.program import Origin, layer_label
from viz.doctor.source_calls import only_call
from viz.doctor.user_code import made_at
from viz.recorder.source_lines import is_internal

__all__ = ["ClassNumbers", "ConstantOutput", "LastLayers", "RowSoftmax"]

_CONSTANT = 1e-6  # spread of the outputs over a batch, against their size: float32 resolves 1e-7
_CONSTANT_STEPS = 8  # an output layer that begins with zeros gives constants at first, and learns in a few steps
_AMOUNTS = 0.5  # of the labels lie between whole numbers: they are no classes
_AMOUNT_KINDS = 10  # different ones; fewer may be classes that were scaled

_LOGITS = ("softmax_crossentropy", "sparse_softmax_crossentropy")
_SHIFTS = ("log", "add", "maximum", "clip", "cast", "divide", "negative")  # as in log(p + 1e-9)
_COMPARED = ("multiply", "subtract", "squared_difference")
_DIFFERENCES = ("mean_squared_error", "mean_absolute_error", "huber")

_FIXES = {
    "loss_mismatch.relu_logits": "Leave out that relu: a layer that gives logits has no activation.",
    "loss_mismatch.relu": "Leave out that relu: the last layer before a softmax has no activation.",
    "dropout_high.outputs": "Move the Dropout before the last Dense: it belongs between hidden layers.",
    "class_loss.threshold": (
        "Give the metric the threshold of logits, metrics=[BinaryAccuracy(threshold=0.0)]; or the last layer "
        "activation='sigmoid', and the loss no from_logits."
    ),
    "class_loss.binary_accuracy": (
        "Take metrics=['accuracy'] (or CategoricalAccuracy()), which counts rows whose largest number is that of the "
        "right class."
    ),
    "class_loss.accuracy": (
        "For amounts take metrics=['mae'], which is in the unit of the labels, or RootMeanSquaredError(); an accuracy "
        "counts classes."
    ),
    "class_loss.numbers": (
        "For classes: Dense(k, activation='softmax') and sparse_categorical_crossentropy; for a number that may lie "
        "between two others, leave out the accuracy and take mae."
    ),
    "constant_output": (
        "Look for weights that are all zero, units that never fire, saturated activations, or a call that "
        "ignores its input."
    ),
    "constant_output.frozen": (
        "Load its weights before it is frozen, or train it (trainable=True) from weights that aren't all zero."
    ),
    "constant_output.data": "Look at the data: was it divided as integers, or overwritten?",
}


class ConstantOutput(Check):
    """Outputs that are equal for all rows of a batch, step after step, but for the noise of a Dropout."""

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._in_a_row: dict[int, int] = {}
        self._about: dict[int, dict[str, Any]] = {}
        self._varied: set[int] = set()  # models whose outputs differed in some step
        self._since: Any = None  # the first layer of this call that gives all rows the same, though its inputs differ
        self._noisy: Any = None  # the Dropout of this call that is given the same for all rows, and all there is

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind not in ("model", "layer") or error is not None:
            return
        given = [x for x in tensors(opened.scope.inputs) if x.data.ndim]
        made = tensors(outputs)  # what nothing that is trained went into has no key
        if self.watch.outermost():
            self._answered(opened, given, [x for x in made if x.key is not None])
            self._since = self._noisy = None
        elif self._noisy is None and given and made and "Dropout" in type(opened.owner).__name__ and self._in_one_row():
            self._noisy = opened.owner if _constant(given[0]) and not _constant(made[0]) else None
        elif self._since is None and made and given and any(self._in_a_row.values()):
            equal = all(x.data.ndim and _constant(x) for x in made) and not all(_constant(x) for x in given)
            self._since = opened.owner if equal else None

    def _in_one_row(self) -> bool:
        """Do all the models that are being called pass on what each layer gives to the next one, and nothing else?"""
        calling = [x.owner for x in self.watch.scopes if x.kind in ("model", "layer")][:-1]
        return bool(calling) and all(isinstance(owner, Sequential) for owner in calling)

    def _answered(self, opened: Any, given: list[Tensor], made: list[Tensor]) -> None:
        if not made or not given or any(not x.data.ndim or x.data.shape[0] < 2 for x in made):
            return
        key = id(opened.owner)
        if self._noisy is not None or all(_constant(x) for x in made):
            count = self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
            if count > 1 and made[0].data.shape[0] < self._about[key]["rows"]:
                return  # an epoch's last batch, which may be a small one, isn't what is shown
            self._about[key] = {
                "owner": opened.owner,
                "place": self.watch.called_at(),
                "layer": self._last_layer(made[0]),
                "value": float(host(made[0].data).reshape(-1)[0]),
                "rows": made[0].data.shape[0],
                "same_inputs": _constant(given[0], 0.0),
                "made_up": _made_up(given) or _few_alike(given),
                "since": self._since,
                "noisy": self._noisy,
            }
        else:
            self._in_a_row[key] = 0
            self._varied.add(key)

    def _last_layer(self, x: Tensor) -> Any:
        origin = self.watch.origin(x)
        return None if origin is None else origin.layer

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if is_nothing_left(targets):
            self._in_a_row.clear()

    def on_step_end(self) -> None:
        for key, count in self._in_a_row.items():
            if count >= _CONSTANT_STEPS:
                self._tell(key)

    def finish(self) -> None:
        """Training may be over before that."""
        for key, count in self._in_a_row.items():
            if count >= min(limits.CONSTANT_STEPS_SHORT, max(1, self.watch.step)):
                self._tell(key)

    def _tell(self, key: int) -> None:
        about = self._about[key]
        count = self._in_a_row[key]
        if about["same_inputs"]:
            why = "all rows of its input are equal, too"
            kind, place, layer = "constant_output.data", about["place"], None
        else:
            since = about["since"]
            kind, why = _way(since)
            place = None if since is None else made_at(since)
            layer = next((x for x in (since, about["layer"]) if x is not None), about["owner"])
        name, noisy = layer_label(about["owner"]), about["noisy"]
        what = f"({number(about['value'])}) " if noisy is None else f"but for the noise of {layer_label(noisy)!r} "
        self.watch.report(
            kind,
            "info" if about["made_up"] else "error",
            f"the outputs of {name!r} are the same {what}for all {about['rows']} rows of a batch, "
            f"{why}{f'; {self.watch.counted(count)} in a row' if count > 1 else ''}",
            layer=layer,
            place=place,
            key=("constant_output", key),
            evidence={name: about[name] for name in ("value", "rows", "same_inputs")}
            | {"steps": count, "from_start": key not in self._varied},
        )


def _way(since: Any) -> tuple[str, str]:
    """The kind, and why it is so, by the first layer that gives all rows the same."""
    why = "though their inputs differ"
    if since is None:
        return "constant_output", why
    why += f": layer {layer_label(since)!r} is the first to make rows equal"
    kernels = [x for x in since.weights if len(x.shape) > 1]
    if not kernels or any((x.trainable and since.trainable) or host(x.data).any() for x in kernels):
        return "constant_output", why
    names = " and ".join(repr(x.name) for x in kernels)
    return "constant_output.frozen", f"{why}; its {names} is 0 everywhere, and isn't trained"


def _made_up(given: list[Tensor]) -> bool:
    """Are the inputs one number for each row, always the same and not 0, as where there is nothing to tell apart?

    So a bandit's policy is asked, or weights that are learnt without any input. Lost data are zeros, or wider.
    """
    values = host(given[0].data)
    single = len(given) == 1 and values.size == values.shape[0] and values.dtype.kind in "fiub"
    return single and bool(values.reshape(-1)[0]) and bool((values == values.reshape(-1)[0]).all())


def _few_alike(given: list[Tensor]) -> bool:
    """Are a few rows of the input equal, as happens by chance, or where only the model's own weights are to learn?"""
    values = host(given[0].data)
    return len(given) == 1 and len(values) < limits.WINDOW and _constant(given[0], 0.0) and bool(values.any())


def _constant(x: Tensor, resolution: float = _CONSTANT) -> bool:
    """Are all rows equal, as far as the type resolves?"""
    values = host(x.data)
    if values.shape[0] < 2 or not values.size or values.dtype.kind not in "fiub":
        return False
    if values.dtype.kind == "b":
        return bool((values == values[:1]).all())
    spread = float((values.max(axis=0) - values.min(axis=0)).max())
    return bool(numpy.isfinite(spread)) and spread <= resolution * float(numpy.abs(values).max())


class LastLayers(Check):
    """A relu or a Dropout right before the softmax or sigmoid that gives the predictions."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._before: dict[int, Origin] = {}  # what a softmax was taken of, by the key of its output

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name == "softmax" and isinstance(outputs, Tensor) and outputs.key is not None:
            origin = self.watch.origin(inputs[0])
            if origin is not None:
                self._before[outputs.key] = origin
        elif op.name in _LOGITS:
            self._judge(self.watch.origin(inputs[1]), softmax=True)

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if opened.kind != "loss" or not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[1], Tensor):
            return
        before = self._before.get(given[1].key or -1)
        self._judge(before or self.watch.origin(given[1]), softmax=before is not None)
        if loss_kind(opened.owner) == "binary" and getattr(opened.owner, "settings", {}).get("from_logits"):
            self._judge_logits(self.watch.origin(given[1]))

    def on_step_end(self) -> None:
        self._before.clear()

    def _judge_logits(self, origin: Origin | None) -> None:
        """What a loss takes a sigmoid of can't be below 0 behind a relu."""
        if origin is None or origin.layer is None or origin.made_by != "relu":
            return
        self.watch.report(
            "loss_mismatch.relu_logits",
            "error",
            f"the outputs of layer {layer_label(origin.layer)!r} come from relu, and the loss takes them for logits "
            "(from_logits=True): none is below 0, so no probability is below 0.5, and the answer is never no",
            layer=origin.layer,
            op="relu",
            place=origin.place,
            evidence={"low": 0.0},
        )

    def _judge(self, origin: Origin | None, softmax: bool) -> None:
        if origin is None or origin.layer is None:
            return
        if softmax and origin.made_by == "relu":
            self.watch.report(
                "loss_mismatch.relu",
                "warning",
                f"the outputs of layer {layer_label(origin.layer)!r} come from relu, and a softmax is taken of them: a "
                "class whose unit is at 0 gets no gradient through it, and none can be made less likely than that",
                layer=origin.layer,
                op="relu",
                place=origin.place,
                evidence={"high": 0.0},
            )
        rate = getattr(origin.layer, "rate", None)
        if "Dropout" in type(origin.layer).__name__ and isinstance(rate, float) and rate > 0:
            what = "logits, right before the softmax" if softmax else "predictions"
            self.watch.report(
                "dropout_high.outputs",
                "warning",
                f"layer {layer_label(origin.layer)!r} drops {rate:.0%} of the {what}: one that is dropped is 0, "
                "whatever the network knows, and the loss counts that as its answer",
                layer=origin.layer,
                place=made_at(origin.layer),
                evidence={"rate": rate, "noise": rate, "layers": [layer_label(origin.layer)]},
            )


class RowSoftmax(Check):
    """A softmax over the rows of a batch, in a loss written by hand, or divided by hand.

    What shows that the classes are on the other axis: the logarithm is taken of what a model answers, or the loss
    compares it with rows of labels that each sum to 1, or picks one number of each row, as a crossentropy of class
    numbers does.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._answers: set[int] = set()  # what models and layers called by the program gave
        self._over_rows: dict[int, tuple[Any, tuple[int, ...], int, int]] = {}
        self._source: dict[Any, int] = {}  # of which tensor exponentials were taken, but for what was subtracted

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind in ("model", "layer") and error is None and self.watch.outermost():
            self._answers.update(x.key for x in tensors(outputs) if x.key is not None)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        x = inputs[0] if inputs else None
        if op.name in ("softmax", "log_softmax") and isinstance(x, Tensor) and isinstance(outputs, Tensor):
            shape = x.data.shape
            if x.key is None or outputs.key is None:
                return
            # A square is a table of similarities, which has two axes of rows.
            if len(shape) == 2 and settings[0] in (0, -2) and shape[1] > 1 and shape[0] != shape[1]:
                self._over_rows[outputs.key] = self.watch.place(), shape, x.key, outputs.key
                if op.name == "log_softmax":
                    self._judge(outputs.key)
            return
        by_hand = op.name == "divide" and isinstance(x, Tensor) and self.watch.made_by(x) == "exp"
        if by_hand and isinstance(x, Tensor) and x.key is not None and self._sums_rows(x, inputs[1], outputs):
            source = self._source.get(x.key)
            self._over_rows[outputs.key] = self.watch.place(), x.data.shape, source or x.key, outputs.key
            return
        if op.name in ("exp", "subtract") and isinstance(x, Tensor) and isinstance(outputs, Tensor) and x.key:
            self._source[outputs.key] = self._source.get(x.key, x.key)
        for i, given in enumerate(inputs) if self._over_rows else ():
            key = given.key if isinstance(given, Tensor) else None
            if key in self._over_rows:
                self._follow(key, op.name, [*inputs[:i], *inputs[i + 1 :]], settings, outputs)

    def _sums_rows(self, x: Tensor, total: Any, outputs: Any) -> bool:
        """Are exponentials divided by their sums over the rows, one for each class, or by one sum of them all?"""
        made = isinstance(total, Tensor) and isinstance(outputs, Tensor) and self.watch.made_by(total) == "sum"
        if not made or x.data.ndim != 2 or x.data.shape[1] < 2 or x.data.shape[0] in (1, x.data.shape[1]):
            return False
        return outputs.key is not None and total.data.shape in ((), (1, 1), x.data.shape[1:], (1, *x.data.shape[1:]))

    def _follow(self, key: int, name: str, others: list[Any], settings: Any, outputs: Any) -> None:
        """What is done with such a softmax, or with what was made of it."""
        shape = self._over_rows[key][1]
        if name == "log":
            self._judge(key)
        compared = name in _COMPARED and any(_one_hot(x, shape) for x in others)
        if compared or name in (*_LOGITS, "of_class") or (name == "take_index" and _one_of_each(settings, shape)):
            self._tell(key)
        made = outputs.key if isinstance(outputs, Tensor) and outputs.data.shape == shape else None
        if name in _SHIFTS and made is not None:
            self._over_rows[made] = self._over_rows[key]

    def _judge(self, key: int) -> None:
        if not self._answers.isdisjoint(self._over_rows[key][2:]):
            self._tell(key)

    def _tell(self, key: int) -> None:
        place, shape, *_ = self._over_rows[key]
        if self.watch.inside("layer", "model") or (self.watch.inside("loss") and own_loss(self.watch) is None):
            return
        self.watch.report(
            "softmax_axis",
            "error",
            f"softmax of the predictions {shape} goes over the rows of the batch, which then depend on each other, not "
            f"over the {shape[1]} classes (the last axis)",
            op="softmax",
            place=place,
            evidence={"axis": 0, "shape": list(shape)},
        )

    def on_step_end(self) -> None:
        self._answers.clear()
        self._over_rows.clear()
        self._source.clear()


def _one_hot(x: Any, shape: tuple[int, ...]) -> bool:
    """Are these labels whose rows, not their columns, are shares of classes?"""
    values = host(x.data) if isinstance(x, Tensor) and x.key is None else x
    if not isinstance(values, numpy.ndarray) or values.shape != shape or values.dtype.kind not in "fiub":
        return False
    rows, columns = (values.astype("float64").sum(axis=axis) for axis in (1, 0))
    off = [float(abs(sums - 1).max()) for sums in (rows, columns)]
    return bool(values.min() >= 0) and off[0] <= limits.ROW_SUM < off[1]


def _one_of_each(settings: Any, shape: tuple[int, ...]) -> bool:
    """Does an index pick one number of each row, as the chance of the right class?"""
    index = settings[0] if settings else None
    if not isinstance(index, tuple) or len(index) != 2 or any(getattr(i, "dtype", None) is None for i in index):
        return False
    rows = host(index[0]).reshape(-1)
    return numpy.array_equal(rows, numpy.arange(shape[0])) and host(index[1]).size == shape[0]


class ClassNumbers(Check):
    """Accuracies of what has no classes, and of class numbers that the loss takes for amounts."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._classes: set[float] = set()
        self._loss = ""
        self._logits: Tensor | None = None  # what a binary crossentropy takes for logits

    def _threshold(self, answers: Tensor) -> None:
        """Answers are logits where the loss was given the same, and some lie beyond 0 and 1."""
        known = self._logits
        values = host(answers.data)
        same = known is not None and known.data.shape == values.shape and bool((host(known.data) == values).all())
        between = float(((values > 0) & (values <= 0.5)).mean()) if values.size else 0.0
        if not same or not between or (values.min() >= 0 and values.max() <= 1):
            return
        self.watch.report(
            "class_loss.threshold",
            "warning",
            f"the loss takes the outputs for logits (from_logits=True), in which 0 is the limit between no and yes, "
            f"but the accuracy takes only those above 0.5 for a yes: {between:.0%} of them lie between, and are "
            "counted as a no",
            place=self.watch.called_at(),
            key=("class_loss", "threshold"),
            evidence={"columns": 1, "lowest": float(values.min()), "highest": float(values.max())},
        )

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if not isinstance(given, tuple) or len(given) < 2 or not isinstance(given[1], Tensor):
            return
        if opened.kind == "loss" and is_ours(opened.owner):
            self._compared(function_name(opened.owner), given[0], given[1].data.shape)
            logits = loss_kind(opened.owner) == "binary" and getattr(opened.owner, "settings", {}).get("from_logits")
            self._logits = given[1] if logits else None
        elif opened.kind == "metric" and self._logits is not None and _halves(opened.owner):
            self._threshold(given[1])
        elif opened.kind == "metric" and _counts_each(opened.owner):
            self._one_by_one(opened.owner, given[0], given[1])
        elif opened.kind == "metric" and _is_accuracy(opened.owner):
            if self._loss and len(self._classes) > 2:
                self._tell()
            else:
                self._amounts(given[0], given[1].data.shape)

    def _one_by_one(self, metric: Any, labels: Any, answers: Tensor) -> None:
        """An accuracy that counts each number of a one-hot row: where there are ten classes, "no" is right for nine."""
        rows = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        columns = rows.shape[-1] if rows.ndim == 2 else 0
        one_hot = columns > 2 and bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all())
        if rows.shape != answers.data.shape or not one_hot or abs(host(answers.data).sum(axis=1) - 1).max() > 0.01:
            return
        place = self.watch.called_at()
        self.watch.report(
            "class_loss.binary_accuracy",
            "warning",
            f"{metric.name} counts each of the {columns} numbers of a row by itself, as yes or no, but the outputs are "
            f"the chances of {columns} classes: a network that knows nothing, and says no to all of them, gets "
            f"{1 - 1 / columns:.0%}",
            place=(place and only_call(place.file, "compile")) or place,  # where metrics are named
            key=("class_loss", "binary_accuracy"),
            evidence={"columns": columns, "loss": self._loss},
        )

    def _amounts(self, labels: Any, shape: tuple[int, ...]) -> None:
        """Labels between whole numbers, one for each row: no answer is ever equal to one of them."""
        found = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        single = found.size == len(found) == math.prod(shape) if found.ndim else False
        if not single or found.dtype.kind != "f" or not numpy.isfinite(found).all():
            return
        between = found[found != numpy.floor(found)]
        if between.size < _AMOUNTS * found.size or len(numpy.unique(between)) < _AMOUNT_KINDS:
            return
        low, high = float(found.min()), float(found.max())
        self.watch.report(
            "class_loss.accuracy",
            "info",
            f"an accuracy is asked of labels that are amounts, from {number(low)} to {number(high)}: it counts answers "
            "that are exactly the label, which none ever is, so it stays at about 0, however much is learnt",
            place=self.watch.called_at(),
            key=("class_loss", "accuracy"),
            evidence={"columns": 1, "lowest": low, "highest": high},
        )

    def _compared(self, name: str, labels: Any, shape: tuple[int, ...]) -> None:
        found = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        whole = found.dtype.kind in "iu" or (found.dtype.kind == "f" and bool((found == numpy.floor(found)).all()))
        single = len(shape) == 2 and shape[1] == 1 and found.size == shape[0]
        if name not in _DIFFERENCES or not single or not whole or not found.size or found.min() < 0:
            self._loss = ""
        elif self._loss or not self._classes:
            self._loss = name
            self._classes.update(numpy.unique(found)[: limits.ANSWERS_KEPT].tolist())

    def _tell(self) -> None:
        least, most = min(self._classes), max(self._classes)
        self.watch.report(
            "class_loss.numbers",
            "warning",
            f"an accuracy is asked of one output that {self._loss} compares with the whole numbers {number(least)} to "
            f"{number(most)}: to this loss they are amounts (class 9 is far from class 0, and 4.5 is between them), "
            "while an accuracy counts classes",
            place=self.watch.called_at(),
            key=("class_loss", "numbers"),
            evidence={"columns": 1, "loss": self._loss, "classes": len(self._classes)},
        )


def _halves(metric: Any) -> bool:
    """Is it the accuracy that takes numbers above 0.5 for a yes?"""
    if isinstance(metric, BinaryAccuracy):
        return float(metric.threshold) == 0.5
    function = getattr(metric, "_fn", None)
    ours = is_internal(getattr(getattr(function, "__code__", None), "co_filename", ""))
    plain = getattr(function, "__name__", "") in ("_accuracy", "binary_accuracy")  # those of `metrics=["accuracy"]`
    return ours and plain and not getattr(metric, "_fn_kwargs", None)


def _counts_each(metric: Any) -> bool:
    """Does an accuracy of eagerflow's compare number by number?"""
    function = getattr(metric, "_fn", None) or getattr(metric, "fn", None)
    return isinstance(metric, BinaryAccuracy) or function is binary_accuracy


def _is_accuracy(metric: Any) -> bool:
    function = getattr(metric, "fn", None) or getattr(metric, "_fn", None)
    code = getattr(function, "__code__", None)
    if code is not None and not is_internal(code.co_filename):
        return False  # the user's own may count what is near enough
    return "accuracy" in f"{type(metric).__name__} {getattr(function, '__name__', '')}".lower()
