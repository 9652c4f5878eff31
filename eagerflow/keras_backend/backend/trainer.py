"""`fit`, `evaluate` and `predict` of Keras' models, with gradients of our tape."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy
from keras.src import backend, callbacks as callbacks_module, tree
from keras.src.backend import config
from keras.src.trainers import trainer as base_trainer
from keras.src.trainers.data_adapters import array_slicing, data_adapter_utils
from keras.src.trainers.epoch_iterator import EpochIterator
from keras.src.utils import traceback_utils
from keras.src.utils.python_utils import pythonify_logs

import eagerflow as ef
from eagerflow.core.observe import logs as announce_logs, scope, state
from eagerflow.keras_backend.backend.fit import Fit, feed_of
from eagerflow.training.step_runner import EAGER, StepRunner, runner_for

__all__ = ["EagerflowTrainer"]

unpack = data_adapter_utils.unpack_x_y_sample_weight


class EagerflowTrainer(base_trainer.Trainer):
    """Keras' `Trainer`, each step of which runs at once."""

    train_function: Any
    test_function: Any
    predict_function: Any

    def __init__(self) -> None:
        super().__init__()
        self.train_function = self.test_function = self.predict_function = None

    def _symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        if type(self).call not in (keras.Model.call, keras.layers.Layer.call):  # a GAN has no call, as for TensorFlow
            super()._symbolic_build(*args, **kwargs)

    def _resolve_auto_jit_compile(self) -> bool:
        return False  # steps are captured where `compile(jit_compile=True)` asks for it

    def _runner(self) -> StepRunner:
        """Who runs the parts of steps that only compute: captures them with `compile(jit_compile=True)`."""
        captures = self.jit_compile is True
        if self.__dict__.get("_eagerflow_runner", EAGER).captures != captures:
            self.__dict__["_eagerflow_runner"] = runner_for(captures)
        runner: StepRunner = self.__dict__.get("_eagerflow_runner", EAGER)
        return runner

    def _differentiated(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, list[Any]]:
        """Predictions, loss, and gradients of the scaled loss."""
        with ef.GradientTape() as tape:
            y_pred = self._predictions(x, training=True)
            loss = self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
        return y_pred, loss, tape.gradient(scaled, [weight.value for weight in self.trainable_weights])

    def _predictions(self, x: Any, training: bool) -> Any:
        return self(x, training=training) if self._call_has_training_arg else self(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch: `(x,)`, `(x, y)` or `(x, y, sample_weight)`."""
        x, y, sample_weight = unpack(data)
        weights = self.trainable_weights
        y_pred, loss, gradients = self._runner().run("train", self._differentiated, x, y, sample_weight)
        self._track_loss(loss, x)
        if weights:
            self.optimizer.apply(gradients, weights)
        else:
            warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch."""
        x, y, sample_weight = unpack(data)
        y_pred = self._predictions(x, training=False)
        loss = self._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
        self._track_loss(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        return self._predictions(unpack(data)[0], training=False)

    def _track_loss(self, loss: Any, x: Any) -> None:
        rows = next(part.shape[0] for part in tree.flatten(x) if part is not None)
        self._loss_tracker.update_state(loss, sample_weight=rows)

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that `fit` calls with a list of batches."""
        if self.train_function is None or force:
            self.train_function = self._each_step("train", self.train_step)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that `evaluate` calls with a list of batches."""
        if self.test_function is None or force:
            self.test_function = self._each_step("test", self.test_step)
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that `predict` calls with a list of batches."""
        if self.predict_function is None or force:
            step = self._each_step("predict", self.predict_step, keep=True)

            def joined(batches: Any) -> Any:
                found = step(batches)
                return found[0] if len(found) == 1 else tree.map_structure(_concatenated, *found)

            self.predict_function = joined
        return self.predict_function

    def _each_step(self, name: str, step: Callable[[Any], Any], keep: bool = False) -> Callable[[Any], Any]:
        def call(batches: Any) -> Any:
            found: list[Any] = []
            for batch in [batches] if isinstance(batches, (tuple, dict, ef.Tensor)) else batches:
                batch = tree.map_structure(_as_tensor, batch)
                with scope("step", f"{name}_step", self, batch) as announced:
                    outputs = announced.value = step(batch)
                found = [*found, outputs] if keep else [outputs]
            return found if keep else found[-1]

        return call

    @traceback_utils.filter_traceback
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Trains for a number of epochs; see `keras.Model.fit`."""
        self._assert_compile_called("fit")
        if config.max_epochs() and config.max_epochs() < epochs:
            warnings.warn(f"Limiting epochs to {config.max_epochs()}", stacklevel=2)
            epochs = config.max_epochs()
        self._eval_epoch_iterator = None
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = array_slicing.train_validation_split(
                (x, y, sample_weight), validation_split=validation_split
            )
        data = {"x": x, "y": y, "sample_weight": sample_weight, "class_weight": class_weight, "shuffle": shuffle}
        batches = self._batches(batch_size, steps_per_epoch, **data)
        self._symbolic_build(iterator=batches)
        batches.reset()
        callbacks = self._callback_list(callbacks, batches, verbose, epochs=epochs, add_history=True)
        self.stop_training = False
        self.make_train_function()
        held_back = None
        if validation_data is not None:
            held_back = dict(zip(("x", "y", "sample_weight"), unpack(validation_data), strict=True))
            held_back |= {"batch_size": validation_batch_size or batch_size, "steps": validation_steps}
        Fit(self, batches, held_back, validation_freq, callbacks, (initial_epoch, epochs)).go()
        self._eval_epoch_iterator = None
        return self.history

    def _one_epoch(self, batches: EpochIterator, callbacks: Any) -> dict[str, Any]:
        self.reset_metrics()
        logs: Any = {}
        for first, last, data in _observed(batches):
            callbacks.on_train_batch_begin(first)
            logs = self.train_function(data)
            callbacks.on_train_batch_end(last, logs)
            if state.on:
                announce_logs("batch", last, pythonify_logs(logs))
            if self.stop_training:
                break
        return dict(self._get_metrics_result_or_logs(logs))

    def _batches_held_back(self, data: dict[str, Any]) -> EpochIterator:
        """The batches to validate on, the same in each epoch."""
        if self._eval_epoch_iterator is None:
            self._eval_epoch_iterator = self._batches(**data)
        return self._eval_epoch_iterator

    def _validated(self, data: dict[str, Any], callbacks: Any) -> dict[str, Any]:
        self._batches_held_back(data)
        logs = self.evaluate(**data, callbacks=callbacks, return_dict=True, _use_cached_eval_dataset=True)
        return {f"val_{name}": value for name, value in logs.items()}

    @traceback_utils.filter_traceback
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics on data; see `keras.Model.evaluate`."""
        cached = kwargs.pop("_use_cached_eval_dataset", False)
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        batches = self._eval_epoch_iterator if cached else None
        if batches is None:
            batches = self._batches(batch_size, steps, x=x, y=y, sample_weight=sample_weight)
        self._symbolic_build(iterator=batches)
        batches.reset()
        callbacks = self._callback_list(callbacks, batches, verbose)
        self.make_test_function()
        self.stop_evaluating = False
        self.reset_metrics()
        logs: Any = {}
        callbacks.on_test_begin()
        for first, last, data in _observed(batches):
            callbacks.on_test_batch_begin(first)
            logs = self.test_function(data)
            callbacks.on_test_batch_end(last, logs)
            if state.on:
                announce_logs("batch", last, pythonify_logs(logs))
            if self.stop_evaluating:
                break
        logs = pythonify_logs(self._get_metrics_result_or_logs(logs))
        callbacks.on_test_end(logs)
        return logs if return_dict else self._flatten_metrics_in_order(logs)

    @traceback_utils.filter_traceback
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays; see `keras.Model.predict`."""
        batches = self._batches(batch_size, steps, x=x)
        callbacks = self._callback_list(callbacks, batches, verbose)
        self.make_predict_function()
        self.stop_predicting = False
        found = []
        callbacks.on_predict_begin()
        for first, last, data in batches:
            callbacks.on_predict_batch_begin(first)
            outputs = self.predict_function(data)
            found.append(tree.map_structure(backend.convert_to_numpy, outputs))
            callbacks.on_predict_batch_end(last, {"outputs": outputs})
            if self.stop_predicting:
                break
        callbacks.on_predict_end()
        return tree.map_structure(lambda *parts: numpy.concatenate(parts), *found)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of training; see `keras.Model.train_on_batch`."""
        self._assert_compile_called("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("train_on_batch: pass sample_weight or class_weight, not both.")
            sample_weight = data_adapter_utils.class_weight_to_sample_weights(y, class_weight)
        return self._on_batch((x, y, sample_weight), self.make_train_function, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and metrics of one batch; see `keras.Model.test_on_batch`."""
        self._assert_compile_called("test_on_batch")
        return self._on_batch((x, y, sample_weight), self.make_test_function, return_dict)

    def _on_batch(self, data: Any, make_function: Callable[[], Any], return_dict: bool) -> Any:
        data = tree.map_structure(_as_tensor, data)
        self._symbolic_build(data_batch=data)
        function = make_function()
        self.reset_metrics()
        logs = pythonify_logs(function([data]))
        announce_logs("step", 0, dict(logs))
        return logs if return_dict else self._flatten_metrics_in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs of one batch, as NumPy arrays."""
        return tree.map_structure(backend.convert_to_numpy, self.make_predict_function()([(x,)]))

    def _batches(self, batch_size: int | None, steps: int | None, shuffle: bool = False, **data: Any) -> EpochIterator:
        """The batches of each epoch of data, as many to a call as `compile(steps_per_execution=)` says."""
        counts = {"steps_per_epoch": steps, "steps_per_execution": self.steps_per_execution}
        return EpochIterator(batch_size=batch_size, shuffle=shuffle, **data, **counts)

    def _callback_list(self, callbacks: Any, batches: EpochIterator, verbose: Any, **options: Any) -> Any:
        if isinstance(callbacks, callbacks_module.CallbackList):
            return callbacks
        options = {"epochs": 1, "steps": batches.num_batches, "verbose": verbose, **options}
        return callbacks_module.CallbackList(callbacks, add_progbar=verbose != 0, model=self, **options)


def _observed(batches: EpochIterator) -> Iterator[tuple[int, int, Any]]:
    """The batches of an epoch, the making of each announced."""
    iterator = iter(batches)
    while True:
        with scope("data", "batch", inputs=feed_of(batches) if state.on else None) as announced:
            found = announced.value = next(iterator, None)
        if found is None:
            return
        yield found


def _as_tensor(value: Any) -> Any:
    return backend.convert_to_tensor(value) if isinstance(value, numpy.ndarray) else value


def _concatenated(*parts: Any) -> Any:
    return ef.ops.concatenate(parts)
