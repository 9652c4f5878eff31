"""`Callback`: hooks at the beginning and end of epochs, batches, training, evaluation, prediction."""

from __future__ import annotations

from typing import Any

from eagerflow.base.tracebacks import bound_init
from eagerflow.base.typing import Logs

__all__ = ["Callback"]


class Callback:
    """Base class of callbacks; override the hooks you need.

    `epoch` and `batch` (within its epoch) are counted from 0. `logs` is a dict of the loss and metrics so far, as
    Python floats: of this epoch's batches in `on_train_batch_end`, of the whole epoch in `on_epoch_end`, with those of
    the validation under `val_...`. A hook that isn't overridden costs no time, and the logs of a batch are only
    computed when a callback looks at them.

    Attributes:
        model: the model that is trained.
        params: `epochs`, `steps`, `verbose` of this run.

    >>> class StopBelow(ef.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["loss"] < 0.1:
    ...             self.model.stop_training = True
    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(ef.optimizers.SGD(0.25), "mse")
    >>> history = model.fit(np.ones((8, 1)), np.ones(8), epochs=100, verbose=0, callbacks=StopBelow())
    >>> history.epoch  # the weight and the bias have learnt to give 1 together
    [0, 1]
    """

    _writes = False  # whether it only writes: where ranks train together, the hooks of one of them are called

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)

    def __init__(self) -> None:
        self._model: Any = None
        self.params: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained.

        >>> callback = ef.callbacks.Callback()
        >>> callback.set_model(ef.Sequential(name="net"))
        >>> callback.model.name
        'net'
        """
        return getattr(self, "_model", None)  # a subclass may forget super().__init__()

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_model(self, model: Any) -> None:
        """Called once, before the other hooks, with the model.

        Args:
            model: the model that is trained, evaluated or used to predict.

        >>> callback = ef.callbacks.Callback()
        >>> callback.set_model(ef.Sequential(name="net"))
        >>> callback.model.name
        'net'
        """
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called once, before the other hooks, with the settings of this run.

        Args:
            params: a dict of `epochs`, `steps` (per epoch) and `verbose`.

        >>> callback = ef.callbacks.Callback()
        >>> callback.set_params({"epochs": 5, "steps": 32, "verbose": 0})
        >>> callback.params["epochs"]
        5
        """
        self.params = params

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_begin`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_batch_begin(self, batch, logs=None):
        ...         print("batch", batch)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        batch 0
        batch 1
        """

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The older name of `on_train_batch_end`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_batch_end(self, batch, logs=None):
        ...         print("batch", batch, sorted(logs))
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        batch 0 ['loss']
        batch 1 ['loss']
        """

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before each epoch of training.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_epoch_begin(self, epoch, logs=None):
        ...         print("epoch", epoch)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), epochs=2, verbose=0, callbacks=Told())
        epoch 0
        epoch 1
        """

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after each epoch of training and its validation.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print("epoch", epoch, sorted(logs))
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), validation_split=0.5, verbose=0, callbacks=Told())
        epoch 0 ['loss', 'val_loss']
        """

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before each training step.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_train_batch_begin(self, batch, logs=None):
        ...         print("batch", batch)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        batch 0
        batch 1
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after each training step.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_train_batch_end(self, batch, logs=None):
        ...         print("batch", batch, sorted(logs))
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        batch 0 ['loss']
        batch 1 ['loss']
        """
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before each batch of `evaluate` or of a validation.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_test_batch_begin(self, batch, logs=None):
        ...         print("batch", batch)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> loss = model.evaluate(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        batch 0
        batch 1
        """

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after each batch of `evaluate` or of a validation.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_test_batch_end(self, batch, logs=None):
        ...         print("batch", batch, logs)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> loss = model.evaluate(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        batch 0 {'loss': 1.0}
        batch 1 {'loss': 1.0}
        """

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before each batch of `predict`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_predict_batch_begin(self, batch, logs=None):
        ...         print("batch", batch)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> outputs = model.predict(np.ones((6, 2)), batch_size=3, verbose=0, callbacks=Told())
        batch 0
        batch 1
        """

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after each batch of `predict`; `logs["outputs"]` are the model's outputs.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_predict_batch_end(self, batch, logs=None):
        ...         print("batch", batch, logs["outputs"].shape)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> outputs = model.predict(np.ones((6, 2)), batch_size=3, verbose=0, callbacks=Told())
        batch 0 (3, 1)
        batch 1 (3, 1)
        """

    def on_train_begin(self, logs: Logs = None) -> None:
        """At the beginning of `fit`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_train_begin(self, logs=None):
        ...         print("begins:", self.params["epochs"], "epochs of", self.params["steps"], "steps")
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        begins: 1 epochs of 2 steps
        """

    def on_train_end(self, logs: Logs = None) -> None:
        """At the end of `fit`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_train_end(self, logs=None):
        ...         print("ends with", sorted(logs))
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        ends with ['loss']
        """

    def on_test_begin(self, logs: Logs = None) -> None:
        """At the beginning of `evaluate`, or of a validation.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_test_begin(self, logs=None):
        ...         print("begins:", self.params["steps"], "batches")
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> loss = model.evaluate(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        begins: 2 batches
        """

    def on_test_end(self, logs: Logs = None) -> None:
        """At the end of `evaluate`, or of a validation.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_test_end(self, logs=None):
        ...         print("ends with", logs)
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> loss = model.evaluate(np.ones((6, 2)), np.ones(6), batch_size=3, verbose=0, callbacks=Told())
        ends with {'loss': 1.0}
        """

    def on_predict_begin(self, logs: Logs = None) -> None:
        """At the beginning of `predict`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_predict_begin(self, logs=None):
        ...         print("begins:", self.params["steps"], "batches")
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> outputs = model.predict(np.ones((6, 2)), batch_size=3, verbose=0, callbacks=Told())
        begins: 2 batches
        """

    def on_predict_end(self, logs: Logs = None) -> None:
        """At the end of `predict`.

        >>> class Told(ef.callbacks.Callback):
        ...     def on_predict_end(self, logs=None):
        ...         print("ends")
        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> outputs = model.predict(np.ones((6, 2)), batch_size=3, verbose=0, callbacks=Told())
        ends
        """
