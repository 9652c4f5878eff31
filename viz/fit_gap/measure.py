"""Takes the difference between `fit` and `evaluate` apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.distribution.runtime.current import data_parallel_group
from eagerflow.training.sandbox import sandbox
from viz.doctor.program import layer_label
from viz.fit_gap.modes import BATCH_NORM, Modes
from viz.fit_gap.passes import Totals, caught_up, has_own_steps, run_pass
from viz.fit_gap.report import OTHER, PENALTIES, PUT_BACK, RUNNING, WEIGHTS, Gap, Part, Statistics
from viz.fit_gap.seen_epoch import SeenEpoch

__all__ = ["measure"]

_SAME = 1e-5  # of a loss: smaller differences between two modes are rounding


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
        numbers = {"loss": self._loss(plain, tested, trained, before)}
        shared = plain.metrics.keys() & trained.metrics.keys()
        for name in sorted(self.seen.logs, key=lambda each: each != "loss"):
            reported = self.seen.logs[name]
            if name in shared and name not in numbers and isinstance(reported, float):
                numbers[name] = self._metric(name, reported, plain, tested, trained, before)
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

    # ------------------------------------------------------------------ parts

    def _loss(self, plain: Totals, tested: Totals, trained: Totals, before: Totals) -> tuple[float, float, list[Part]]:
        reported, said = float(self.seen.logs["loss"]), plain.loss + plain.penalties
        data = self.seen.data_loss
        added = 0.0
        if plain.penalties or trained.penalties:
            added = trained.penalties if data is None else reported - data
        parts = [
            Part(RUNNING, reported - added - before.loss),
            *([Part(PUT_BACK, before.loss - trained.loss)] if before is not trained else []),
            *self._split(lambda totals: totals.loss),
            *([Part(WEIGHTS, tested.loss - plain.loss)] if plain is not tested else []),
            *([Part(PENALTIES, added - plain.penalties)] if added or plain.penalties else []),
        ]
        return reported, said, _finite(parts)

    def _metric(
        self, name: str, reported: float, plain: Totals, tested: Totals, trained: Totals, before: Totals
    ) -> tuple[float, float, list[Part]]:
        parts = [
            Part(RUNNING, reported - before.metrics[name]),
            *([Part(PUT_BACK, before.metrics[name] - trained.metrics[name])] if before is not trained else []),
            *self._split(lambda totals: totals.metrics[name]),
            *([Part(WEIGHTS, tested.metrics[name] - plain.metrics[name])] if plain is not tested else []),
        ]
        return reported, plain.metrics[name], _finite(parts)

    def _split(self, number: Any) -> list[Part]:
        found = _shares(self.causes, lambda acting: number(self._with(acting)))
        return [Part(name, value) for name, value in found.items()]


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
    if has_own_steps(model):
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
