"""`Trainer`: the part of `Model` that trains it — `compile`, `fit`, `evaluate`, `predict`, and the steps they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

import numpy

from eagerflow.base import tree
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.base.typing import Data, Evaluated, Integer, Predicted, Targets
from eagerflow.callbacks import Callback, CallbackList, History
from eagerflow.core.device import to_host
from eagerflow.core.strategy import active
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.data.feed import feed_for
from eagerflow.data.one_batch import one_batch
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.layer.added_losses import summed
from eagerflow.training.checks import at_least_one, checked_step, is_own_step, verbosity, with_an_end
from eagerflow.training.compiling import Compilable
from eagerflow.training.loop import as_list, in_order, observed_step, one_step, shared_step, under
from eagerflow.training.loops import Fit, feeds_of_fit, run_evaluate, run_predict
from eagerflow.training.state_snapshot import StateSnapshot
from eagerflow.training.step_runner import EAGER, differentiated, loss_of, predicted, tested

__all__ = ["Trainer"]


class Trainer(Compilable):
    """The part of `Model` that trains it.

    `fit` calls `train_step(data)` for each batch, which a subclass may override.
    """

    stop_training = False
    stop_evaluating = False
    stop_predicting = False
    history: History = None  # type: ignore[assignment]  # until fit has run, as everywhere in Keras

    # -- one step; override these for a custom training

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The scalar that training minimizes: the compiled loss plus the losses that layers and regularizers added.

        Args:
            x: inputs.
            y: targets.
            y_pred: predictions.
            sample_weight: weights of the samples, or None.
            training: whether this is training.

        Raises:
            ValueError: when there is nothing to minimize, or targets are missing.

        >>> class Small(ef.Sequential):
        ...     def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        ...         loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        ...         return loss + 0.25 * ef.ops.sum(self.weights[0] ** 2)
        >>> model = Small([ef.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> model.evaluate(np.array([[3.0]]), np.array([[1.0]]), verbose=0)  # (1 - 3)² + 0.25 * 1²
        4.25
        """
        compiled, total = self._ef_state.compiled, None
        if compiled is not None and compiled.loss is not None:
            if y is None:
                raise ValueError("y is missing: the compiled loss needs targets. Pass y, or batches of (x, y).")
            total = compiled.loss(y, y_pred, sample_weight)
        for term in self.losses:  # type: ignore[attr-defined]
            value = term if not getattr(term, "shape", ()) else summed(term)
            total = value if total is None else total + value
        if total is None:
            raise ValueError(
                "there is no loss: pass loss=... to compile, call add_loss in a layer, or override compute_loss."
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Updates the compiled metrics with a batch, and returns all metric values so far as a dict by name.

        Args:
            x: inputs; they aren't used, but an override may use them.
            y: targets.
            y_pred: predictions.
            sample_weight: weights of the samples, or None.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", metrics=["mae"])
        >>> model.compute_metrics(x=None, y=ef.Tensor([[1.0]]), y_pred=ef.Tensor([[4.0]]))
        {'mae': Tensor(float32, 3.)}
        """
        compiled = self._ef_state.compiled
        if compiled is not None and y is not None:
            compiled.metrics.update(y, y_pred, sample_weight)
        if compiled is not None:
            compiled.measured = True
        return {} if compiled is not None and compiled.deferred else self.get_metrics_result()

    @property
    def _strategy(self) -> Any:
        return None if self._ef_state.compiled is None else self._ef_state.compiled.strategy

    def _is_ours(self, step: Any, *others: str) -> bool:
        """Whether a step and other methods are ours: then its numbers are those of the metrics, at any time."""
        names = ("train_step", "test_step", "compute_metrics", "get_metrics_result", *others)
        own = self.compiled and step in (self.train_step, self.test_step)
        return own and all(getattr(type(self), name) is getattr(Trainer, name) for name in names)

    def train_step(self, data: Any) -> dict[str, Any]:
        """Computes outputs, loss and gradients of one batch and updates the weights; `fit` calls it.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            The values to show and to put into the history, by name.

        >>> class Ours(ef.Sequential):  # a custom training step
        ...     def train_step(self, data):
        ...         x, y = data
        ...         with ef.GradientTape() as tape:
        ...             loss = ef.ops.mean(abs(self(x, training=True) - y))
        ...         self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        ...         return {"loss": loss}
        >>> model = Ours([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(ef.optimizers.SGD(0.5))
        >>> model.fit(np.array([[1.0]]), np.array([[3.0]]), epochs=3, verbose=0).history
        {'loss': [3.0, 2.0, 1.0]}
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        compiled = self._ready("train_step")
        if compiled.optimizer is None:
            raise ValueError("training needs an optimizer: the model was compiled with optimizer=None.")
        variables = self.trainable_variables  # type: ignore[attr-defined]
        if compiled.runner.captures and variables and active.shard is None:
            given = (self, x, y, sample_weight)
            y_pred, loss, gradients = compiled.runner.run("the training step", differentiated, *given)
            compiled.track(loss, x)
            compiled.optimizer.apply(gradients, self.trainable_variables)  # type: ignore[attr-defined]
            return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = loss_of(self, x, y, y_pred, sample_weight, True)
            minimized = compiled.optimizer.scale_loss(loss)
        compiled.track(loss, x)
        variables = self.trainable_variables  # type: ignore[attr-defined]
        if variables and active.shard is not None:
            compiled.runner.pass_by("the training step")
            active.shard.differentiate_and_apply(compiled.optimizer, tape, minimized, variables)
        elif variables:
            compiled.optimizer.apply(compiled.gradients(tape, minimized, variables, self, y_pred), variables)
        else:
            warn(f"the model has no trainable weights: training changes nothing. {compiled.how_to_train(self)}")
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Computes outputs, loss and metrics of one batch; `evaluate` calls it. Subclasses may override it.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            The values of the loss and the metrics so far, by name.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> model.test_step((ef.Tensor([[3.0]]), ef.Tensor([[1.0]])))
        {'loss': Tensor(float32, 4.)}
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        compiled = self._ready("test_step")
        y_pred, loss = compiled.runner.run("the test step", tested, self, x, y, sample_weight)
        compiled.track(loss, x)
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def predict_step(self, data: Any) -> Any:
        """Computes the outputs for one batch; `predict` calls it. Subclasses may override it.

        Args:
            data: `(x,)`, `(x, y)` or `(x, y, sample_weight)`, of which only `x` is used.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict_step((ef.Tensor([[3.0, 4.0]]),)).tolist()
        [[7.0]]
        """
        x, _, _ = unpack_x_y_sample_weight(data)
        compiled = self._ef_state.compiled
        return (EAGER if compiled is None else compiled.runner).run("the prediction", predicted, self, x)

    def make_train_function(self, force: bool = False) -> Any:
        """The function that `fit` calls with each batch; by default `train_step`.

        Args:
            force: accepted for Keras' signature.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> step = model.make_train_function()
        >>> step((ef.Tensor([[3.0]]), ef.Tensor([[1.0]])))
        {'loss': Tensor(float32, 4.)}
        """
        compiled, step = self._ef_state.compiled, self.train_step
        own = is_own_step(self, "train_step", Trainer)
        return compiled.runner.custom("train_step", step) if own and compiled is not None else step

    def make_test_function(self, force: bool = False) -> Any:
        """The function that `evaluate` calls with each batch; by default `test_step`.

        Args:
            force: accepted for Keras' signature.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> step = model.make_test_function()
        >>> step((ef.Tensor([[3.0]]), ef.Tensor([[1.0]])))
        {'loss': Tensor(float32, 4.)}
        """
        compiled, step = self._ef_state.compiled, self.test_step
        own = is_own_step(self, "test_step", Trainer)
        return compiled.runner.custom("test_step", step) if own and compiled is not None else step

    def make_predict_function(self, force: bool = False) -> Any:
        """The function that `predict` calls with each batch; by default `predict_step`.

        Args:
            force: accepted for Keras' signature.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> step = model.make_predict_function()
        >>> step((ef.Tensor([[3.0, 4.0]]),)).tolist()
        [[7.0]]
        """
        return checked_step(self, "predict_step", Trainer)

    # -- loops

    @boundary
    def fit(
        self,
        x: Data = None,
        y: Targets = None,
        batch_size: Integer | None = None,
        epochs: Integer = 1,
        verbose: int | Literal["auto"] = "auto",
        callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Data = None,
        shuffle: bool | Literal["batch"] = True,
        class_weight: Mapping[Any, Any] | None = None,
        sample_weight: Any = None,
        initial_epoch: Integer = 0,
        steps_per_epoch: Integer | None = None,
        validation_steps: int | None = None,
        validation_batch_size: Integer | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:
        """Trains the model for a number of epochs (passes over the data).

        Args:
            x: arrays (or a list or dict of them), tensors or pandas objects; or batches: a `data.Dataset`, a
                `PyDataset`, a generator, any iterable. Floating-point arrays are cast to `floatx()`.
            y: targets; None when `x` yields batches that contain them.
            batch_size: samples per step, for arrays; default 32.
            epochs: how often to go through the data; with `initial_epoch`, the number of the last epoch.
            verbose: 0: silent; 1 or "auto": a bar; 2: a line per epoch.
            callbacks: a callback or a list of them.
            validation_split: the last part of the arrays is held back for validation, from 0 to below 1.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, or batches; used instead of `validation_split`.
            shuffle: whether each epoch takes the samples in another order, which depends on the seed and the epoch
                alone; `"batch"` reorders whole batches.
            class_weight: a dict from class numbers to weights in the loss; 1.0 for a class without.
            sample_weight: one weight per sample.
            initial_epoch: the number of epochs done already. With the same seed, a model that was saved after these
                epochs continues exactly as if it had not stopped (see `docs/files.md`).
            steps_per_epoch: batches per epoch; default: all.
            validation_steps: batches per validation; default: all.
            validation_batch_size: samples per step of validation; default: `batch_size`.
            validation_freq: a number: validate after every this many epochs; or a list of epochs, counted from 1.

        Returns:
            The `History`: its `history` has one list of numbers per metric.

        Raises:
            ValueError: before `compile`; for data that doesn't fit or is empty, and arguments out of range.
            TypeError: for callbacks or data of a wrong kind.

        >>> model = ef.Sequential([ef.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        >>> model.compile(ef.optimizers.SGD(0.25), "mse")
        >>> x, y = np.array([[1.0], [-1.0]]), np.array([[3.0], [-3.0]])
        >>> history = model.fit(x, y, epochs=3, verbose=0)
        >>> history.history, model.weights[0].tolist()  # the weight comes half of the way to 3 in each step
        ({'loss': [9.0, 2.25, 0.5625]}, [[2.625]])
        """
        compiled = self._ready("fit")
        with under(compiled.strategy):
            feed, held_back = feeds_of_fit(
                (x, y, sample_weight),
                (validation_split, validation_data),
                (batch_size, validation_batch_size),
                (steps_per_epoch, validation_steps),
                shuffle,
                class_weight,
            )
            return Fit(self, feed, held_back, epochs, initial_epoch, verbose, callbacks, validation_freq).go()

    @overload
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: Integer | None = None,
        verbose: int | Literal["auto"] = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
        *,
        return_dict: Literal[True],
    ) -> dict[str, Any]: ...  # a metric may give an array: F1Score(average=None)
    @overload
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: Integer | None = None,
        verbose: int | Literal["auto"] = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
        return_dict: Literal[False] = False,
    ) -> Evaluated: ...
    @overload
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: Integer | None = None,
        verbose: int | Literal["auto"] = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any: ...
    @boundary
    def evaluate(
        self,
        x: Data = None,
        y: Targets = None,
        batch_size: Integer | None = None,
        verbose: int | Literal["auto"] = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Computes the loss and metrics on some data, without training.

        Args:
            x: as for `fit`.
            y: as for `fit`.
            batch_size: samples per step, for arrays; default 32.
            verbose: 0: silent; 1 or "auto": a bar; 2: a line.
            sample_weight: one weight per sample.
            steps: the number of batches; default: all.
            callbacks: a callback or a list of them.
            return_dict: return a dict by name instead of a list.

        Returns:
            A list of floats in the order of `metrics_names`, or the loss alone when there are no metrics.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]])
        >>> model.evaluate(x, y, verbose=0)  # the errors are 0 and 2
        [2.0, 1.0]
        >>> model.evaluate(x, y, verbose=0, return_dict=True)
        {'loss': 2.0, 'mae': 1.0}
        """
        compiled = self._ready("evaluate")
        steps = at_least_one("evaluate", "steps", steps)
        batch_size = at_least_one("evaluate", "batch_size", batch_size)
        feed = with_an_end("evaluate", "steps", feed_for(x, y, sample_weight, batch_size, steps))
        with under(compiled.strategy):
            numbers = run_evaluate(self, feed, callbacks, verbosity("evaluate", verbose))
        return numbers if return_dict else as_list(in_order(self, numbers))

    @boundary
    def predict(
        self,
        x: Data,
        batch_size: Integer | None = None,
        verbose: int | Literal["auto"] = "auto",
        steps: int | None = None,
        callbacks: Callback | CallbackList | Sequence[Callback] | None = None,
    ) -> Predicted | Any:
        """Computes the outputs for all samples, batch by batch, as NumPy arrays.

        Args:
            x: as for `fit`.
            batch_size: samples per step, for arrays; default 32.
            verbose: 0: silent; 1 or "auto": a bar; 2: a line.
            steps: the number of batches; default: all.
            callbacks: a callback or a list of them.

        Returns:
            The outputs: an array, or a structure of arrays, with one row per sample.

        >>> model = ef.Sequential([ef.layers.Dense(2, kernel_initializer="ones")])
        >>> model.predict(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), batch_size=2, verbose=0)
        array([[ 3.,  3.],
               [ 7.,  7.],
               [11., 11.]], dtype=float32)
        """
        steps = at_least_one("predict", "steps", steps)
        batch_size = at_least_one("predict", "batch_size", batch_size)
        feed = with_an_end("predict", "steps", feed_for(x, None, None, batch_size, steps))
        with under(self._strategy):
            return run_predict(self, feed, callbacks, verbosity("predict", verbose))

    # -- single batches

    @overload
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        return_dict: Literal[True],
        reset_metrics: bool = True,
    ) -> dict[str, Any]: ...

    @overload
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: Literal[False] = False,
        *,
        reset_metrics: bool = True,
    ) -> Evaluated: ...

    @overload
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        *,
        reset_metrics: bool = True,
    ) -> Any: ...

    @boundary
    def train_on_batch(
        self,
        x: Data,
        y: Targets = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
        *,
        reset_metrics: bool = True,
    ) -> Any:
        """Trains on one batch, once; returns the loss and metrics of this batch alone, as in Keras 3.

        Args:
            x: the inputs of the batch.
            y: the targets.
            sample_weight: one weight per sample.
            class_weight: a dict from class numbers to weights in the loss.
            return_dict: return a dict by name instead of a list.
            reset_metrics: if False, the numbers are of all batches since `model.reset_metrics()`, as Keras 2 has it.

        Returns:
            A list of floats in the order of `metrics_names`, or the loss alone when there are no metrics.

        >>> model = ef.Sequential([ef.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        >>> model.compile(ef.optimizers.SGD(0.25), "mse", metrics=["mae"])
        >>> x, y = np.array([[1.0]]), np.array([[3.0]])
        >>> model.train_on_batch(x, y, return_dict=True)
        {'loss': 9.0, 'mae': 3.0}
        >>> model.train_on_batch(x, y, return_dict=True)  # the weight is 1.5 now
        {'loss': 2.25, 'mae': 1.5}
        """
        compiled = self._ready("train_on_batch")
        data = one_batch(x, y, sample_weight, class_weight)
        compiled.states = compiled.states or StateSnapshot(self)
        with under(compiled.strategy):
            step = self.make_train_function()
            numbers = one_step(self, "train_step", step, data, compiled.states, reset=reset_metrics)
        return numbers if return_dict else as_list(in_order(self, numbers))

    @overload
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        return_dict: Literal[True],
        reset_metrics: bool = True,
    ) -> dict[str, Any]: ...

    @overload
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: Literal[False] = False,
        *,
        reset_metrics: bool = True,
    ) -> Evaluated: ...

    @overload
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False, *, reset_metrics: bool = True
    ) -> Any: ...

    @boundary
    def test_on_batch(
        self,
        x: Data,
        y: Targets = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        *,
        reset_metrics: bool = True,
    ) -> Any:
        """Computes the loss and metrics of one batch, without training.

        Args:
            x: the inputs of the batch.
            y: the targets.
            sample_weight: one weight per sample.
            return_dict: return a dict by name instead of a list.
            reset_metrics: if False, the numbers are of all batches since `model.reset_metrics()`, as Keras 2 has it.

        Returns:
            A list of floats in the order of `metrics_names`, or the loss alone when there are no metrics.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.test_on_batch(np.array([[3.0]]), np.array([[1.0]]))
        [4.0, 2.0]
        """
        with under(self._ready("test_on_batch").strategy):
            data = one_batch(x, y, sample_weight)
            numbers = one_step(self, "test_step", self.make_test_function(), data, reset=reset_metrics)
        return numbers if return_dict else as_list(in_order(self, numbers))

    @boundary
    def predict_on_batch(self, x: Data) -> Predicted | Any:
        """Computes the outputs for one batch, as NumPy arrays.

        Args:
            x: the inputs of the batch: an array or a nested structure of arrays.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict_on_batch(np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([[3.],
               [7.]], dtype=float32)
        """
        with numpy.errstate(all="ignore"), under(self._strategy):
            step = shared_step(self, "predict_step", self.make_predict_function())
            outputs = observed_step(self, "predict_step", step, one_batch(x))
        return tree.map_structure(lambda t: numpy.array(to_host(t.data) if isinstance(t, Tensor) else t), outputs)
