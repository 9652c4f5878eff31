"""Takes the difference between `fit` and `evaluate` apart."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor
from eagerflow.data.arrays import rows_of
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.distribution.runtime.current import data_parallel_group
from eagerflow.layer.call_context import current_call
from eagerflow.training.sandbox import sandbox
from eagerflow.training.step_runner import loss_of
from viz.doctor.program import layer_label
from viz.fit_gap.report import OTHER, PENALTIES, PUT_BACK, RUNNING, WEIGHTS, Gap, Part, Statistics
from viz.fit_gap.seen_epoch import SeenEpoch
from viz.frameworks.owners import has_own, layer_role

__all__ = ["measure"]

_SAME = 1e-5  # of a loss: smaller differences between two modes are rounding


DROPOUT, BATCH_NORM, AUGMENTATION = "dropout", "batch norm", "augmentation"


def measure(seen: SeenEpoch, nonfinite: str = "viz nonfinite SCRIPT") -> Gap:
    """Run the rows of the epoch in both modes and between, with the weights that `fit` left; all is put back."""
    return _Measurement(seen).gap(nonfinite)


class _Measurement:
    """The passes over one epoch; each is made once."""

    def __init__(self, seen: SeenEpoch) -> None:
        self.seen, self.model = seen, seen.model
        _check(self.model)
        assert seen.rows is not None  # of an epoch that is over
        self.rows = seen.rows
        self.modes = Modes(self.model)
        self._passes: dict[frozenset[str], Totals] = {}
        self.causes: list[str] = []

    def gap(self, nonfinite: str) -> Gap:
        """All that there is to say, with the command that finds where NaN begins."""
        with sandbox(self.model):
            for variable, array in self.seen.final:
                variable.assign(array)
            self._find_causes()
            tested, trained = self._with(frozenset()), self._with(frozenset(self.causes))
            weighted = any(unpack_x_y_sample_weight(batch)[2] is not None for batch in self.rows.batches())
            plain = run_pass(self.model, self.rows.batches(), False, weighted=False) if weighted else tested
            before = self._before_put_back(trained)
            statistics = self._statistics(plain) if BATCH_NORM in self.modes.groups else None
            numbers = self._numbers(plain, tested, trained, before)
        seen = self.seen
        told = {name: value for name, value in seen.logs.items() if isinstance(value, float)}
        by_batch = tuple([layer_label(layer) or type(layer).__name__ for layer in self.modes.always(BATCH_NORM)])
        facts = seen.epoch, plain.rows, tuple(self.causes), statistics, seen.updates, seen.place
        return Gap(numbers, told, *facts, by_batch, seen.bad_since.get("loss"), nonfinite)

    def _numbers(
        self, plain: Totals, tested: Totals, trained: Totals, before: Totals
    ) -> dict[str, tuple[float, float, list[Part]]]:
        """The loss first, then what else both `fit` and `evaluate` report."""

        def split(name: str, reported: float) -> list[Part]:
            of: Callable[[Totals], float] = lambda run: run.loss if name == "loss" else run.metrics[name]  # noqa: E731
            return [
                Part(RUNNING, reported - of(before)),
                *([Part(PUT_BACK, of(before) - of(trained))] if before is not trained else []),
                *[Part(*each) for each in _shares(self.causes, lambda acting: of(self._with(acting))).items()],
                *([Part(WEIGHTS, of(tested) - of(plain))] if plain is not tested else []),
            ]

        reported, data, added = float(self.seen.logs["loss"]), self.seen.data_loss, 0.0
        if plain.penalties or trained.penalties:
            added = trained.penalties if data is None else reported - data
        parts = split("loss", reported - added)
        parts += [Part(PENALTIES, added - plain.penalties)] if added or plain.penalties else []
        numbers = {"loss": (reported, plain.loss + plain.penalties, _finite(parts))}
        for name, told in self.seen.logs.items():
            if name in plain.metrics and name in trained.metrics and isinstance(told, float):
                numbers[name] = told, plain.metrics[name], _finite(split(name, told))
        return numbers

    # ------------------------------------------------------------------ passes

    def _forward(self, batch: Any, training: bool) -> None:
        """A batch through the model in a mode, for what it does to layers."""
        self.model(unpack_x_y_sample_weight(batch)[0], training=training)

    def _with(self, acting: frozenset[str]) -> Totals:
        """The pass in which these causes act."""
        known = self._passes.get(acting)
        if known is None:
            if not acting:
                known = run_pass(self.model, self.rows.batches(), False)
            else:
                whole = OTHER in acting or OTHER not in self.causes
                with self.modes.acting(acting):
                    known = run_pass(self.model, self.rows.batches(), whole)
            self._passes[acting] = known
        return known

    def _find_causes(self) -> None:
        """What acts differently in training: known layers, and whatever else does."""
        first = next(self.rows.batches(), None)
        if first is None:
            raise ValueError("gap: the data gave no batch.")
        with sandbox(self.model):
            self.modes.learn(lambda training: self._forward(first, training))
        causes = self.modes.changing
        with self.modes.acting(()):
            in_training = run_pass(self.model, [first], True)
        if _differ(in_training.loss, run_pass(self.model, [first], False).loss):
            causes.append(OTHER)
        self.causes = causes

    def _before_put_back(self, trained: Totals) -> Totals:
        """The pass with the weights that the last epoch left, where `fit` ended with others."""
        changed = [
            (variable, old)
            for (variable, old), (_, new) in zip(self.seen.after, self.seen.final)
            if old is not new and old.tobytes() != new.tobytes() and not _is_metric(self.model, variable)
        ]
        if not changed:
            return trained
        with sandbox(self.model), self.modes.acting(self.causes):
            for variable, old in changed:
                variable.assign(old)
            return run_pass(self.model, self.rows.batches(), True)

    def _statistics(self, tested: Totals) -> Statistics:
        """What `evaluate` would say, had batch normalization seen enough steps."""
        arrays = caught_up(self.model, self.rows.batches(), lambda batch: self._forward(batch, True))
        if not arrays:
            return Statistics(0.0, tested.loss)
        momentum = max(layer.momentum for layer in self.modes.groups[BATCH_NORM])
        with sandbox(self.model):
            for variable, array in arrays:
                variable.assign(array.astype(variable.dtype))
            better = run_pass(self.model, self.rows.batches(), False, weighted=False)
        return Statistics(momentum, better.loss + better.penalties)


def _differ(one: float, other: float) -> bool:
    """Whether two modes compute different numbers, rounding apart; NaN is the same as NaN."""
    if math.isnan(one) and math.isnan(other):
        return False
    return not math.isclose(one, other, rel_tol=_SAME, abs_tol=1e-12)


def _finite(parts: list[Part]) -> list[Part]:
    """Without differences that are NaN or infinite: of those nobody knows which cause they have."""
    return [part for part in parts if math.isfinite(part.value)]


def _is_metric(model: Any, variable: Any) -> bool:
    return any(variable is each for metric in model.metrics for each in metric.variables)


def _check(model: Any) -> None:
    if has_own(model, "train_step", "test_step"):
        raise ValueError(
            f"gap: {type(model).__name__} has a train_step or test_step of its own, and nobody else knows what that "
            "computes. Override compute_loss instead."
        )
    if data_parallel_group() is not None:
        raise ValueError("gap: several ranks share each batch. Run the script in one process: viz gap train.py.")


def _shares(causes: Sequence[str], value: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """The share of each cause, averaged over all orders in which they can be removed: its Shapley value.

    Source: L. S. Shapley, "A value for n-person games", 1953.

    >>> _shares(["a", "b"], lambda acting: 1.0 * ("a" in acting) + 4.0 * (len(acting) == 2))
    {'a': 3.0, 'b': 2.0}
    """
    count = len(causes)
    found = dict.fromkeys(causes, 0.0)
    for size in range(count):
        orders = math.factorial(size) * math.factorial(count - size - 1) / math.factorial(count)
        for acting in map(frozenset, itertools.combinations(causes, size)):
            for cause in causes:
                if cause not in acting:
                    found[cause] += orders * (value(acting | {cause}) - value(acting))
    return found


class Totals(NamedTuple):
    """What a pass gave."""

    loss: float  # the mean of the loss of the data
    penalties: float  # the mean of what weights and layers added to it
    metrics: dict[str, float]  # other numbers, by name
    rows: int


def run_pass(model: Any, batches: Iterable[Any], training: bool, weighted: bool = True) -> Totals:
    """Run all batches; the model is left as it was."""
    losses, penalties, rows = 0.0, 0.0, 0
    # What layers add is the loss itself where there is no other, as of a variational autoencoder.
    alone = model._ef_state.compiled.loss is None
    with sandbox(model):
        model.reset_metrics()
        for batch in batches:
            x, y, sample_weight = unpack_x_y_sample_weight(batch)
            sample_weight = sample_weight if weighted else None
            y_pred = model(x, training=training)
            loss = float(loss_of(model, x, y, y_pred, sample_weight, training))
            added = 0.0 if alone else sum(_number(term) for term in model.losses)
            count = rows_of(x)
            losses, penalties, rows = losses + (loss - added) * count, penalties + added * count, rows + count
            model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        metrics = {name: _number(value) for name, value in model.get_metrics_result().items() if name != "loss"}
    if not rows:
        raise ValueError("gap: the data gave no batch.")
    return Totals(losses / rows, penalties / rows, metrics, rows)


def _number(value: Any) -> float:
    """A number, of an array its sum: as terms of the loss count."""
    data = value.data if isinstance(value, Tensor) else value
    return float(data.sum()) if getattr(data, "size", 1) != 1 else float(data)


def caught_up(model: Any, batches: Iterable[Any], forward: Callable[[Any], Any]) -> list[tuple[Any, Any]]:
    """The moving statistics, had they been gathered from these rows with the weights of now: variables, and arrays."""
    found = [layer for layer in model._flatten_layers() if _gathers(layer)]
    kept = [layer.momentum for layer in found]
    sums: list[list[Any]] = [[0.0, 0.0, 0.0, 0] for _ in found]
    try:
        for layer in found:
            layer.__dict__["momentum"] = 0.0  # the moving moments are then those of the last batch
        with sandbox(model):
            for batch in batches:
                forward(batch)
                count = rows_of(unpack_x_y_sample_weight(batch)[0])
                for layer, total in zip(found, sums):
                    mean, variance = (v.numpy().astype("float64") for v in (layer.moving_mean, layer.moving_variance))
                    total[0] += mean * count
                    total[1] += variance * count
                    total[2] += mean * mean * count
                    total[3] += count
    finally:
        for layer, momentum in zip(found, kept):
            layer.__dict__["momentum"] = momentum
    arrays = []
    for layer, (means, variances, squares, count) in zip(found, sums):
        mean = means / count
        variance = variances / count + numpy.maximum(squares / count - mean * mean, 0.0)
        arrays += [(layer.moving_mean, mean), (layer.moving_variance, variance)]
    return arrays


def _gathers(layer: Any) -> bool:
    batch_norm = layer_role(layer) == "batch_normalization" and layer.trainable and layer.built
    return batch_norm and not getattr(layer, "renorm", False)


class Modes:
    """Runs a model in training, with chosen groups of layers as they are in `evaluate`.

    A group's layer doesn't get the mode of the model around it but the one that it got when the whole model ran in that
    mode: a base model that is called with `training=False` stays frozen, dropout that is always on stays on.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.groups: dict[str, list[Any]] = {}
        _sort(model, self.groups, set())
        self._told: dict[bool, dict[int, list[Any]]] = {True: {}, False: {}}

    def learn(self, run: Callable[[bool], Any]) -> None:
        """Note each layer's mode while `run` runs a batch in training mode (True), and in that of `evaluate`."""
        for training, told in self._told.items():
            with self._wrapped(functools.partial(_noted, told)):
                run(training)

    @property
    def changing(self) -> list[str]:
        """The groups with a layer that gets another mode in training than in `evaluate`."""
        trained, tested = self._told[True], self._told[False]
        return [
            name
            for name, found in self.groups.items()
            if any(trained.get(id(layer)) != tested.get(id(layer)) for layer in found)
        ]

    def always(self, name: str) -> list[Any]:
        """The layers of a group that act in `evaluate`, too, as those that are called with `training=True`."""
        return [layer for layer in self.groups.get(name, []) if any(self._told[False].get(id(layer), []))]

    @contextlib.contextmanager
    def acting(self, on: Collection[str]) -> Iterator[None]:
        """Within, the layers of the groups in `on` act as in training, those of the others as in `evaluate`."""
        by_layer = {id(layer): name in on for name, found in self.groups.items() for layer in found}

        def mode(layer: Any, number: int, given: Any) -> Any:
            told = self._told[by_layer[id(layer)]].get(id(layer), [])
            return told[number % len(told)] if told else given

        with self._wrapped(mode):
            yield

    @contextlib.contextmanager
    def _wrapped(self, choose: Callable[[Any, int, Any], Any]) -> Iterator[None]:
        """Within, `choose(layer, number of its call, mode that it is given)` decides the mode of a group's layers."""
        changed = [layer for found in self.groups.values() for layer in found]
        try:
            for layer in changed:
                layer.__dict__["call"] = _deciding(layer, choose)
            yield
        finally:
            for layer in changed:
                layer.__dict__.pop("call", None)


def _sort(layer: Any, groups: dict[str, list[Any]], seen: set[int]) -> None:
    """Enter a layer, or those inside of it, into its group."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    role, name = layer_role(layer), ""
    if role == "noise":
        name = DROPOUT if hasattr(layer, "seed_generator") else ""
    elif role == "augmentation":
        name = AUGMENTATION
    elif role == "batch_normalization":
        name = BATCH_NORM if layer.trainable else ""
    elif role in ("recurrent", "bidirectional") and _drops(layer):
        name = DROPOUT
    elif role != "resizing":
        for inner in layer._flatten_layers(include_self=False, recursive=False):
            _sort(inner, groups, seen)
        return
    if name:
        groups.setdefault(name, []).append(layer)


def _drops(layer: Any) -> bool:
    """Whether a recurrent layer, or a cell inside of it, drops anything."""
    rates = ("dropout", "recurrent_dropout")
    return any(getattr(each, rate, 0.0) for each in layer._flatten_layers() for rate in rates)


def _noted(told: dict[int, list[Any]], layer: Any, number: int, mode: Any) -> Any:
    told.setdefault(id(layer), []).append(mode)
    return mode


def _deciding(layer: Any, choose: Callable[[Any, int, Any], Any]) -> Callable[..., Any]:
    """The layer's `call`, with a mode that `choose` decides."""
    call, signature = type(layer).call, layer._ef_state.signature
    numbers = itertools.count()

    def decided(*args: Any, **kwargs: Any) -> Any:
        context, number = current_call.get(), next(numbers)
        at = signature.training_position
        given = args[at] if len(args) > at else kwargs.get("training", signature.training_default)
        mode = choose(layer, number, given)
        if len(args) > at:
            args = (*args[:at], mode, *args[at + 1 :])
        else:
            kwargs["training"] = mode
        if context is not None:
            context.training = mode  # until this layer's call is over
        return call(layer, *args, **kwargs)

    return decided
