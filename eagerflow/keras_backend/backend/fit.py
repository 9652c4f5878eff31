"""One call of `fit`: its loop, and what observers such as viz ask of it and its data."""

from __future__ import annotations

from typing import Any

import keras
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight
from keras.src.trainers.epoch_iterator import EpochIterator
from keras.src.utils.python_utils import pythonify_logs

from eagerflow.core.observe import logs as announce_logs
from eagerflow.data.feed import ArrayFeed, Feed
from eagerflow.training import loops

__all__ = ["Fit", "feed_of"]


def feed_of(batches: EpochIterator) -> Feed:
    """The arrays that batches are cut from, as one of eagerflow's feeds; of other data how many batches there are."""
    adapter = batches.data_adapter
    feed: Feed | None = vars(batches).get("_eagerflow_feed")
    if feed is None:
        if isinstance(adapter, ArrayDataAdapter):
            x, y, sample_weight = unpack_x_y_sample_weight(adapter._inputs)
            feed = ArrayFeed(x, y, sample_weight, adapter._batch_size, adapter._shuffle)
            feed._key = (0, 0)  # in an order like that of an epoch; Keras doesn't keep which it was
            feed.goes_on = True
        else:
            feed = Feed()
        vars(batches)["_eagerflow_feed"] = feed
    feed.steps = batches.num_batches
    return feed


class Fit:
    """One call of `fit`, which observers find on the stack while it runs.

    Args:
        model: the model.
        batches: those to train on.
        held_back: the arguments of `evaluate` for those to validate on; None where there is no validation.
        frequency: `validation_freq` of `fit`.
        callbacks: all callbacks.
        epochs: the first epoch, and the end of the last one.
    """

    _shown: Any = loops.Fit._shown

    def __init__(
        self,
        model: Any,
        batches: EpochIterator,
        held_back: dict[str, Any] | None,
        frequency: Any,
        callbacks: Any,
        epochs: tuple[int, int],
    ) -> None:
        self.model, self.batches, self.callbacks = model, batches, callbacks
        self.held_back, self.frequency = held_back, frequency
        self.initial_epoch, self.epochs = epochs

    @property
    def feed(self) -> Feed:
        """What the batches are cut from."""
        return feed_of(self.batches)

    @property
    def validation(self) -> Feed | None:
        """The same of those to validate on; None where there is no validation."""
        return None if self.held_back is None else feed_of(self.model._batches_held_back(self.held_back))

    def go(self) -> None:
        """Train."""
        model, callbacks = self.model, self.callbacks
        logs: dict[str, Any] = {}
        with self._shown():
            callbacks.on_train_begin()
            self.initial_epoch = model._initial_epoch or self.initial_epoch  # of a training that is resumed
            for epoch in range(self.initial_epoch, self.epochs):
                callbacks.on_epoch_begin(epoch)
                logs = model._one_epoch(self.batches, callbacks)
                if self.held_back is not None and model._should_eval(epoch, self.frequency):
                    logs |= model._validated(self.held_back, callbacks)
                callbacks.on_epoch_end(epoch, logs)
                announce_logs("epoch", epoch, pythonify_logs(logs))
                if model.stop_training:
                    break
            if isinstance(model.optimizer, keras.optimizers.Optimizer) and self.epochs > 0:
                model.optimizer.finalize_variable_values(model.trainable_weights)
            callbacks.on_train_end(logs=logs)
