"""What a model answers: the same whatever it is asked, or what an accuracy can't count."""

from __future__ import annotations

import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor, tensors, tracked, values_of
from viz.doctor.facts.layer_kinds import halves_at_one_half, is_accuracy
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at

__all__ = ["ClassNumbers", "ConstantOutput"]

_CONSTANT = 1e-6  # spread of the outputs over a batch, against their size: float32 resolves 1e-7
_DIFFERENCES = ("mean_squared_error", "mean_absolute_error", "huber")
_SAME = "the outputs of {model!l} are the same ({value!n}) for all {rows} rows of a batch, {why}{in_a_row}"


class ConstantOutput(Check):
    """Outputs that are equal for all rows of a batch, step after step."""

    rules = {
        "constant_output": Rule.error(
            _SAME,
            "Look for weights that are all zero (of frozen layers, too), units that never fire, saturated activations, "
            "or a call that ignores its input.",
        ),
        "constant_output.data": Rule.error(_SAME, "Look at the data: was it divided as integers, or overwritten?"),
    }

    def begin(self) -> None:
        self._in_a_row: dict[int, int] = {}
        self._about: dict[int, dict[str, Any]] = {}
        self._varied: set[int] = set()  # models whose outputs differed in some step
        self._since: Any = None  # the first layer of this call that gives all rows the same, though its inputs differ

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        given, made = [x for x in tensors(opened.scope.inputs) if x.data.ndim], tensors(outputs)
        if self.watch.outermost():
            self._answered(opened.owner, given, [x for x in made if tracked(x)])
            self._since = None
        elif self._since is None and made and given and any(self._in_a_row.values()):
            equal = all(x.data.ndim and _constant(x) for x in made) and not all(_constant(x) for x in given)
            self._since = opened.owner if equal else None

    def _answered(self, owner: Any, given: list[Any], made: list[Any]) -> None:
        if not made or not given or any(not x.data.ndim or x.data.shape[0] < 2 for x in made):
            return
        key, rows = id(owner), made[0].data.shape[0]
        if not all(_constant(x) for x in made):
            self._in_a_row[key] = 0
            self._varied.add(key)
            return
        count = self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
        if count > 1 and rows < self._about[key]["rows"]:
            return  # an epoch's last batch, which may be a small one, isn't what is shown
        origin = self.watch.origin(made[0])
        about = {"model": owner, "value": float(host(made[0].data).reshape(-1)[0]), "rows": rows}
        about |= {"same_inputs": _constant(given[0], 0.0), "made_up": _made_up(given), "since": self._since}
        about |= {"layer": None if origin is None else origin.layer, "place": self.watch.called_at()}
        self._about[key] = about

    def on_gradients(self, gradients: Gradients) -> None:
        if gradients.nothing_left:
            self._in_a_row.clear()

    def on_step_end(self) -> None:
        self._judge(limits.WINDOW)

    def finish(self) -> None:
        """Training may be over before that."""
        self._judge(min(limits.AGAIN, max(1, self.watch.step)))

    def _judge(self, enough: int) -> None:
        for key in [key for key, count in self._in_a_row.items() if count >= enough]:
            about = dict(self._about[key])
            count, since, last, place = self._in_a_row[key], *map(about.pop, ("since", "layer", "place"))
            rule, why, layer = "constant_output", "though their inputs differ", last or about["model"]
            if about["same_inputs"]:
                rule, why, layer = "constant_output.data", "all rows of its input are equal, too", None
            elif since is not None:
                why, layer = f"{why}: layer {layer_label(since)!r} is the first to make rows equal", since
            severity, in_a_row = "info" if about.pop("made_up") else "error", ""
            if count > 1:
                in_a_row = f"; {self.watch.counted(count)} in a row"
            about |= {"key": ("constant_output", key), "steps": count, "from_start": key not in self._varied}
            place = place if layer is None else made_at(since)
            self.tell(rule, severity, layer=layer, place=place, why=why, in_a_row=in_a_row, **about)


def _made_up(given: list[Any]) -> bool:
    """Is there nothing to tell apart: one number for each row, always the same and not 0; or a few equal rows?

    So a bandit's policy is asked, or weights that are learnt without any input. Lost data are zeros, or wider.
    """
    values = host(given[0].data)
    if len(given) != 1 or not values.any():
        return False
    single = values.size == values.shape[0] and values.dtype.kind in "fiub"
    few = len(values) < limits.WINDOW and _constant(given[0], 0.0)
    return few or (single and bool((values == values.reshape(-1)[0]).all()))


def _constant(x: Any, resolution: float = _CONSTANT) -> bool:
    """Are all rows equal, as far as the type resolves?"""
    values = host(x.data)
    if values.shape[0] < 2 or not values.size or values.dtype.kind not in "fiub":
        return False
    if values.dtype.kind == "b":
        return bool((values == values[:1]).all())
    with numpy.errstate(invalid="ignore"):  # of infinities
        spread = float((values.max(axis=0) - values.min(axis=0)).max())
    return bool(numpy.isfinite(spread)) and spread <= resolution * float(numpy.abs(values).max())


class ClassNumbers(Check):
    """Accuracies of what has no classes, and of class numbers that the loss takes for amounts."""

    rules = {
        "class_loss.threshold": Rule.warning(
            "the loss takes the outputs for logits, in which 0 is the limit between no and yes, but the accuracy takes "
            "only those above 0.5 for a yes: {between:.0%} of them lie between, and are counted as a no",
            "Give the metric the threshold of logits, metrics=[BinaryAccuracy(threshold=0.0)]; or the last layer "
            "activation='sigmoid', and the loss no from_logits.",
        ),
        "class_loss.accuracy": Rule.info(
            "an accuracy is asked of labels that are amounts, from {lowest!n} to {highest!n}: it counts answers that "
            "are exactly the label, which none ever is, so it stays at about 0, however much is learnt",
            "For amounts take metrics=['mae'], which is in the unit of the labels, or RootMeanSquaredError(); an "
            "accuracy counts classes.",
        ),
        "class_loss.numbers": Rule.warning(
            "an accuracy is asked of one output that {loss} compares with the whole numbers {lowest!n} to "
            "{highest!n}: to this loss they are amounts, while an accuracy counts classes",
            "For classes: Dense(k, activation='softmax') and sparse_categorical_crossentropy; for amounts, leave out "
            "the accuracy and take mae.",
        ),
    }

    begins = ("metric",)

    def begin(self) -> None:
        self._classes: set[float] = set()
        self._rounded: dict[int, tuple[Any, Any]] = {}  # answers, by their ids: where
        self._loss = ""  # one that compares them as amounts
        self._logits: numpy.ndarray | None = None  # what a binary crossentropy takes for logits

    def on_loss(self, loss: Loss) -> None:
        if not loss.ours:
            return
        self._logits = loss.values if loss.kind == "binary" and loss.logits else None
        found, shape = loss.labels, loss.shape
        single = found is not None and shape[1:] in ((), (1,)) and found.size == (*shape, 0)[0] > 0
        whole = found is not None and single and bool((found == numpy.floor(found)).all()) and found.min() >= 0
        self._loss = loss.name if whole and loss.name in _DIFFERENCES and (self._loss or not self._classes) else ""
        if self._loss and found is not None:
            self._classes.update(numpy.unique(found)[: limits.WINDOW].tolist())

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Answers that are rounded, and compared with labels, are taken for classes."""
        of = next((place for x in inputs if (place := self._rounded.get(id(x), (None,))[0]) is not None), None)
        if (op.means == "round" and is_tensor(outputs)) or (of is not None and op.means in ("clip", "cast", "reshape")):
            self._rounded[id(outputs)] = (of or self.watch.place(), outputs)
        elif op.means == "equal" and of is not None and self._loss and len(self._classes) > 2:
            self._numbers(of)

    def on_step_end(self) -> None:
        self._rounded.clear()

    def on_scope_begin(self, opened: Any) -> None:
        given, metric = opened.scope.inputs, opened.owner
        if not isinstance(given, tuple) or len(given) < 2 or not is_tensor(given[1]):
            return
        labels, answers = values_of(given[0]), values_of(given[1])
        if self._logits is not None and halves_at_one_half(metric):
            self._threshold(self._logits, answers)
        elif is_accuracy(metric) and self._loss and len(self._classes) > 2:
            self._numbers()
        elif is_accuracy(metric):
            self._amounts(labels, answers.shape)

    def _tell(self, way: str, place: Any = None, **numbers: Any) -> None:
        place = place or self.watch.called_at()
        self.tell(f"class_loss.{way}", place=place, key=("class_loss", way), columns=1, **numbers)

    def _numbers(self, place: Any = None) -> None:
        ends = {"lowest": min(self._classes), "highest": max(self._classes), "classes": len(self._classes)}
        self._tell("numbers", place, loss=self._loss, **ends)

    def _threshold(self, logits: numpy.ndarray, values: numpy.ndarray) -> None:
        """Answers are logits where the loss was given the same, and some lie beyond 0 and 1."""
        between = float(((values > 0) & (values <= 0.5)).mean()) if values.size else 0.0
        if numpy.array_equal(logits, values) and between and (values.min() < 0 or values.max() > 1):
            self._tell("threshold", between=between)

    def _amounts(self, found: numpy.ndarray, shape: tuple[int, ...]) -> None:
        """Labels between whole numbers, one for each row: no answer is ever equal to one of them."""
        single = found.size == len(found) == math.prod(shape) if found.ndim else False
        if single and found.dtype.kind == "f" and numpy.isfinite(found).all():
            between = found[found != numpy.floor(found)]
            if between.size >= limits.MOST * found.size and len(numpy.unique(between)) >= limits.FEW_ROWS:
                self._tell("accuracy", lowest=float(found.min()), highest=float(found.max()))
