"""The loops of `fit`, `evaluate` and `predict`: run steps on batches, call callbacks, return numbers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.base.errors import a_kind
from eagerflow.base.machine.memory import give_back
from eagerflow.base.tracebacks import warn
from eagerflow.callbacks import CallbackList, History
from eagerflow.callbacks.logs import Logs
from eagerflow.core.observe import current, logs as announce_logs
from eagerflow.core.strategy import active
from eagerflow.data.arrays import as_arrays, check_lengths, is_array_like
from eagerflow.data.dataset import Dataset
from eagerflow.data.feed import ArrayFeed, Feed, IterableFeed, feed_for
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.training.checks import at_least_one, fraction, split, verbosity, with_an_end, within_max_epochs
from eagerflow.training.interrupt import Interruption
from eagerflow.training.launch_check import check_launch
from eagerflow.training.loop import Loop, as_numbers, as_numpy, joined
from eagerflow.training.not_a_number import warn_of_nan
from eagerflow.training.resumed import put_back_callbacks, put_back_metrics, put_back_states
from eagerflow.training.shuffle_schedule import ShuffleSchedule

__all__ = ["Fit", "feeds_of_fit", "run_evaluate", "run_predict"]

_LONG = 2.0  # seconds of training after which giving memory back costs nothing that one would notice


class Fit:
    """One call of `fit`; see there for the arguments.

    Args:
        model: the model.
        feed: the batches to train on; `validation`: those to validate on, or None.
        epochs: the arguments of `fit`, as the other ones.
    """

    def __init__(
        self,
        model: Any,
        feed: Feed,
        validation: Feed | None,
        epochs: Any,
        initial_epoch: Any,
        verbose: Any,
        callbacks: Any,
        validation_freq: Any,
    ) -> None:
        self.model, self.feed, self.validation = model, feed, validation
        epochs = at_least_one("fit", "epochs", epochs, lowest=0)
        self.epochs = within_max_epochs(1 if epochs is None else epochs)
        self.initial_epoch = at_least_one("fit", "initial_epoch", initial_epoch, lowest=0) or 0
        if epochs and self.initial_epoch >= epochs:
            warn(
                f"fit(initial_epoch={self.initial_epoch}, epochs={epochs}) trains nothing: epochs is the number of the "
                f"last epoch, not how many more. For {epochs} more: epochs={self.initial_epoch + epochs}."
            )
        self.every = model.steps_per_execution
        self.frequency = _frequency(validation_freq)
        self.orders = ShuffleSchedule(model, self.initial_epoch)
        feed.draws = self.orders.next
        for each in (feed, validation):
            active.strategy.shard_feed(each)
        model.stop_training = False
        verbose = verbosity("fit", verbose)
        self.callbacks = CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            verbose=verbose,
            epochs=self.epochs,
            steps=feed.steps,
            validates=validation is not None,
            validation_freq=validation_freq,
        )
        self._warned = False
        self._resumption: Any = None

    def go(self) -> History:
        """Train."""
        model, callbacks = self.model, self.callbacks
        logs: dict[str, Any] = {}
        started = time.perf_counter()
        with numpy.errstate(all="ignore"), Interruption() as interruption, _tidy(callbacks), self._shown():
            check_launch()
            active.strategy.prepare(model)
            callbacks.on_train_begin()
            self._resume()
            for epoch in range(self.initial_epoch, self.epochs):
                loop, first, last = self._begin_epoch(epoch)
                done = loop.run(self.feed, interruption, partial(last.__setitem__, 0), first)
                if not done:
                    self._no_batch(epoch)
                    break
                logs = self._end_epoch(epoch, done, as_numbers(last[0]), interruption)
                if model.stop_training:
                    break
            if model.optimizer is not None:
                model.optimizer.finalize_variable_values(model.trainable_variables)
            callbacks.on_train_end(logs)
        if time.perf_counter() - started > _LONG:
            give_back()
        history: History = model.history
        return history

    @contextlib.contextmanager
    def _shown(self) -> Iterator[None]:
        """Within, callbacks and observers that ask for it know this."""
        asking = [each for each in (*self.callbacks.callbacks, *current()) if hasattr(each, "_training")]
        for callback in asking:
            callback._training = self
        try:
            yield
        finally:
            for callback in asking:
                callback._training = None

    def _resume(self) -> None:
        """An interrupted training goes on, if a callback found one."""
        state = self.model._ef_state
        self._resumption, state.resumption = state.resumption, None
        if self._resumption is None:
            self.feed.begin_at(self.initial_epoch, self.orders.key_of)
        else:
            notes, arrays = self._resumption
            self.initial_epoch = int(notes["epoch"])
            put_back_callbacks(self, notes, arrays)
            put_back_states(self.model, arrays)
            if not notes["batch"]:
                self.feed.go_to(notes["data"], 0)
                self._resumption = None

    def _resume_epoch(self) -> tuple[int, Any]:
        """How many batches of this epoch were used before the interruption, and what the last one reported."""
        if self._resumption is None:
            return 0, None
        (notes, arrays), self._resumption = self._resumption, None
        self.model._resume(notes["path"])  # again: callbacks may have changed the learning rate since
        put_back_callbacks(self, notes, arrays)
        put_back_states(self.model, arrays)
        put_back_metrics(self.model, arrays)
        self.feed.go_to(notes["data"], int(notes["batch"]))
        return int(notes["batch"]), notes["logs"]

    def _begin_epoch(self, epoch: int) -> tuple[Loop, int, list[Any]]:
        """The loop over the batches of an epoch, how many were used, and what the last one reported, in a list."""
        self.model.reset_metrics()
        self.orders.epoch = epoch
        self.callbacks.on_epoch_begin(epoch)
        first, logs_before = self._resume_epoch()
        return _loop(self.model, "train", self.callbacks, shows=True, every=self.every), first, [logs_before]

    def _no_batch(self, epoch: int) -> None:
        """The data have ended: an error in the first epoch, else a warning."""
        ended = f"fit: the data gave no batch in epoch {epoch + 1}"
        if epoch == self.initial_epoch:
            raise ValueError(f"{ended}. {_why_empty(self.feed)}")
        warn(f"{ended}: training ends after {epoch} epoch{'s' * (epoch > 1)}. {_why_empty(self.feed)}")
        self.model.stop_training = True

    def _end_epoch(self, epoch: int, done: int, logs: dict[str, Any], interruption: Interruption) -> dict[str, Any]:
        """Validate, and call the callbacks; gives the numbers of the epoch."""
        active.strategy.check_replicas(self.model, f"epoch {epoch + 1}")
        self.feed.on_epoch_end()
        if self.feed.steps is not None and done < self.feed.steps and not self.model.stop_training:
            self.model.stop_training = True  # the data ran out, as it was warned
        if self.validation is not None and self._validates(epoch):
            logs.update(self._validated(interruption))
        logs = Logs(sorted(logs.items(), key=lambda item: (item[0].startswith("val_"), item[0])))
        self._warned = self._warned or warn_of_nan(_scalar(logs.get("loss")), epoch, self.model, self.feed)
        self.callbacks.on_epoch_end(epoch, logs)
        announce_logs("epoch", epoch, logs)
        return logs

    def _validates(self, epoch: int) -> bool:
        frequency = self.frequency
        return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency

    def _validated(self, interruption: Interruption) -> dict[str, Any]:
        assert self.validation is not None
        found = _evaluated(self.model, self.validation, self.callbacks, interruption, False, "fit(validation_data=...)")
        return {f"val_{name}": value for name, value in found.items()}


def _scalar(value: Any) -> Any:
    return value if isinstance(value, float) else None


def _frequency(given: Any) -> Any:
    if isinstance(given, (list, tuple, set, frozenset, range)):
        return set(given)
    return at_least_one("fit", "validation_freq", given) or 1


def feeds_of_fit(
    arrays: tuple[Any, Any, Any],
    held_back: tuple[Any, Any],
    batch_sizes: tuple[Any, Any],
    steps: tuple[Any, Any],
    shuffle: Any,
    class_weight: Any,
) -> tuple[Feed, Feed | None]:
    """The batches that `fit` trains on, and those that it validates on."""
    part, validation_data = fraction(held_back[0]), held_back[1]
    batch_size = at_least_one("fit", "batch_size", batch_sizes[0])
    validation_size = at_least_one("fit", "validation_batch_size", batch_sizes[1]) or batch_size
    steps_per_epoch = at_least_one("fit", "steps_per_epoch", steps[0])
    validation_steps = at_least_one("fit", "validation_steps", steps[1])
    if shuffle not in (True, False, "batch"):
        raise ValueError(f"fit(shuffle={shuffle!r:.60}): expected True, False or 'batch'.")
    if part and validation_data is None:
        arrays, validation_data = _split(arrays, part)
    training = feed_for(*arrays, batch_size, steps_per_epoch, shuffle, class_weight, goes_on=True)
    with_an_end("fit", "steps_per_epoch", training)
    if validation_data is None:
        return training, None
    return training, _validation_feed(validation_data, training, validation_size, validation_steps)


def _split(arrays: tuple[Any, Any, Any], part: float) -> tuple[Any, Any]:
    """The first rows of arrays, and the last ones, which are that part of them."""
    if not is_array_like(arrays[0]):
        raise ValueError(
            f"fit(validation_split={part}): works for arrays only; x is {a_kind(arrays[0])}. Pass validation_data."
        )
    x, y, sample_weight = [as_arrays(name, each) for name, each in zip(("x", "y", "sample_weight"), arrays)]
    return split((x, y, sample_weight), check_lengths(x=x, y=y, sample_weight=sample_weight), part)


def _validation_feed(held_back: Any, training: Feed, batch_size: int | None, steps: int | None) -> Feed:
    if isinstance(held_back, (tuple, list)):
        try:
            x, y, sample_weight = unpack_x_y_sample_weight(tuple(held_back))
            if is_array_like(x):
                return ArrayFeed(x, y, sample_weight, batch_size or training.batch_size, steps=steps)
        except (TypeError, ValueError) as error:
            error.args = (f"fit(validation_data=...): {error}",)
            raise
    if is_array_like(held_back) and isinstance(training, ArrayFeed) and training.has_targets:
        raise ValueError("fit(validation_data=...): got x alone; write validation_data=(x, y).")
    size = batch_size if is_array_like(held_back) else None
    found = feed_for(held_back, None, None, size, steps, what="fit(validation_data=...)")
    return with_an_end("fit", "validation_steps", found)


def _loop(model: Any, kind: str, callbacks: CallbackList, shows: bool, every: int) -> Loop:
    """The loop of this process alone, or that of several processes which share each batch."""
    found: Loop | None = active.strategy.loop(model, kind, callbacks, shows, every)
    return found or Loop(model, kind, callbacks, shows, every)


@contextlib.contextmanager
def _tidy(callbacks: CallbackList) -> Iterator[None]:
    """When a loop is broken off, the progress bar ends its line."""
    try:
        yield
    except BaseException:
        if callbacks.progress is not None:
            callbacks.progress.abandon()
        raise


def _why_empty(feed: Feed) -> str:
    """How data come to have no batch."""
    if not isinstance(feed, IterableFeed) or not isinstance(feed.iterable, Dataset):
        return "A generator can be used only once: let it repeat its data, or pass a data.Dataset or PyDataset."
    return (
        "The Dataset is empty: batch(n, drop_remainder=True) gives nothing where there are fewer rows than one batch, "
        "and filter, skip and take may leave nothing."
    )


def _evaluated(
    model: Any, feed: Feed, callbacks: CallbackList, interruption: Interruption, shows: bool, what: str = "evaluate"
) -> dict[str, Any]:
    model.reset_metrics()
    model.stop_evaluating = False
    callbacks.on_test_begin()
    last: list[Any] = [None]
    loop = _loop(model, "test", callbacks, shows, every=model.steps_per_execution)
    if not loop.run(feed, interruption, partial(last.__setitem__, 0)):
        raise ValueError(f"{what}: the data gave no batch. {_why_empty(feed)}")
    feed.on_epoch_end()
    logs = as_numbers(last[0])
    callbacks.on_test_end(logs)
    return logs


def run_evaluate(model: Any, feed: Feed, callbacks: Any, verbose: int) -> dict[str, Any]:
    """Evaluate; gives the numbers by name."""
    active.strategy.shard_feed(feed)
    group = CallbackList(callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=feed.steps)
    with numpy.errstate(all="ignore"), Interruption() as interruption, _tidy(group):
        active.strategy.check_replicas(model, "evaluate")
        return _evaluated(model, feed, group, interruption, shows=True)


def run_predict(model: Any, feed: Feed, callbacks: Any, verbose: int) -> Any:
    """Predict; gives arrays with one row per sample."""
    active.strategy.shard_feed(feed)
    group = CallbackList(callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=feed.steps)
    outputs: list[Any] = []
    with numpy.errstate(all="ignore"), Interruption() as interruption, _tidy(group):
        model.stop_predicting = False
        active.strategy.check_replicas(model, "predict")
        group.on_predict_begin()
        loop = _loop(model, "predict", group, shows=True, every=model.steps_per_execution)
        loop.run(feed, interruption, lambda found: outputs.append(as_numpy(found)))
        feed.on_epoch_end()
        group.on_predict_end()
    if not outputs:
        raise ValueError(f"predict: the data gave no batch. {_why_empty(feed)}")
    if all(isinstance(part, numpy.ndarray) for part in outputs):
        return joined(*outputs)
    return tree.map_structure(joined, *outputs)
