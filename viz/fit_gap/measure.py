"""Takes the difference between `fit` and `evaluate` apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from eagerflow import Model
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.traceless import traceless
from eagerflow.world.sharers import sharers
from viz.fit_gap import attribution
from viz.fit_gap.modes import AUGMENTATION, BATCH_NORM, Modes
from viz.fit_gap.passes import Totals, caught_up, run_pass
from viz.fit_gap.report import OTHER, PENALTIES, PUT_BACK, RUNNING, WEIGHTS, Gap, Part, Statistics
from viz.fit_gap.seen_epoch import SeenEpoch

__all__ = ["measure"]

_SAME = 1e-5  # of a loss: smaller differences between two modes are rounding


def measure(seen: SeenEpoch) -> Gap:
    """Run the rows of the epoch in both modes and between, with the weights that `fit` left; all is put back after it.

    Raises:
        ValueError: for a model whose steps aren't `fit`'s own, and where ranks share each batch.
    """
    return _Measurement(seen).gap()


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

    def gap(self) -> Gap:
        """All that there is to say."""
        with traceless(self.model):
            for variable, array in self.seen.final:
                variable.assign(array)
            self._find_causes()
            tested, trained = self._with(frozenset()), self._with(frozenset(self.causes))
            weighted = any(unpack_x_y_sample_weight(batch)[2] is not None for batch in self.rows.batches())
            plain = run_pass(self.model, self._batches(False), training=False, weighted=False) if weighted else tested
            before = self._before_put_back(trained)
            statistics = self._statistics(plain) if BATCH_NORM in self.modes.groups else None
            numbers = {"loss": self._loss(plain, tested, trained, before)}
            for name, reported in self.seen.logs.items():
                if name in plain.metrics and isinstance(reported, float):
                    numbers[name] = self._metric(name, reported, plain, tested, trained, before)
        seen = self.seen
        told = {name: value for name, value in seen.logs.items() if isinstance(value, float)}
        return Gap(numbers, told, seen.epoch, plain.rows, tuple(self.causes), statistics, seen.updates, seen.place)

    # ------------------------------------------------------------------ passes

    def _batches(self, augmented: bool) -> Iterator[Any]:
        return self.rows.batches(augmented)

    def _with(self, acting: frozenset[str]) -> Totals:
        """The pass in which these causes act."""
        known = self._passes.get(acting)
        if known is None:
            batches = self._batches(AUGMENTATION in acting)
            if not acting:
                known = run_pass(self.model, batches, training=False)
            else:
                whole = OTHER in acting or OTHER not in self.causes
                with self.modes.acting(acting):
                    known = run_pass(self.model, batches, training=whole)
            self._passes[acting] = known
        return known

    def _find_causes(self) -> None:
        """What acts differently in training: known layers, random changes of the data, and whatever else does."""
        first = next(self._batches(False), None)
        if first is None:
            raise ValueError("gap: the data gave no batch.")
        with traceless(self.model):
            self.modes.learn(unpack_x_y_sample_weight(first)[0])
        causes = list(self.modes.groups)
        if self.rows.augmented and AUGMENTATION not in causes:
            causes.append(AUGMENTATION)
        with self.modes.acting(()):
            in_training = run_pass(self.model, [first], training=True)
        in_test = run_pass(self.model, [first], training=False)
        if not math.isclose(in_training.loss, in_test.loss, rel_tol=_SAME, abs_tol=1e-12):
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
        with traceless(self.model), self.modes.acting(self.causes):
            for variable, old in changed:
                variable.assign(old)
            return run_pass(self.model, self._batches(True), training=True)

    def _statistics(self, tested: Totals) -> Statistics:
        """What `evaluate` would say, had batch normalization seen enough steps."""
        arrays = caught_up(self.model, self._batches(True))
        if not arrays:
            return Statistics(0.0, tested.loss)
        momentum = max(layer.momentum for layer in self.modes.groups[BATCH_NORM])
        with traceless(self.model):
            for variable, array in arrays.items():
                variable.assign(array.astype(variable.dtype))
            better = run_pass(self.model, self._batches(False), training=False, weighted=False)
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
        return reported, said, parts

    def _metric(
        self, name: str, reported: float, plain: Totals, tested: Totals, trained: Totals, before: Totals
    ) -> tuple[float, float, list[Part]]:
        parts = [
            Part(RUNNING, reported - before.metrics[name]),
            *([Part(PUT_BACK, before.metrics[name] - trained.metrics[name])] if before is not trained else []),
            *self._split(lambda totals: totals.metrics[name]),
            *([Part(WEIGHTS, tested.metrics[name] - plain.metrics[name])] if plain is not tested else []),
        ]
        return reported, plain.metrics[name], parts

    def _split(self, number: Any) -> list[Part]:
        found = attribution.shares(self.causes, lambda acting: number(self._with(acting)))
        return [Part(name, value) for name, value in found.items()]


def _is_metric(model: Any, variable: Any) -> bool:
    return any(variable is each for metric in model.metrics for each in metric.variables)


def _check(model: Any) -> None:
    own = type(model)
    for step in ("train_step", "test_step"):
        if getattr(own, step) is not getattr(Model, step):
            raise ValueError(
                f"gap: {own.__name__} has a {step} of its own, and nobody but that step knows what its numbers mean. "
                "Override compute_loss instead, and gap can take it apart."
            )
    if sharers() is not None:
        raise ValueError("gap: several ranks share each batch. Run the script in one process: viz gap train.py.")
