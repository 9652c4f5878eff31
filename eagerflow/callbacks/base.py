"""`Callback`: hooks at the beginning and end of epochs, batches, training, evaluation, prediction."""

from __future__ import annotations

from typing import Any

from eagerflow.base.tracebacks import bound_init

__all__ = ["Callback"]


class Callback:
    """Base class of callbacks; override the hooks you need.

    `logs` holds the numbers so far as Python floats: metrics of this epoch's batches in `on_train_batch_end`,
    those of the epoch (with `val_...`) in `on_epoch_end`. A hook that isn't overridden costs nothing, and logs
    are only computed for batches when a callback looks at them.

    Attributes:
        model: the model that is trained.
        params: `epochs`, `steps`, `verbose` of this run.
    """

    _writes = False  # whether it only writes: where ranks train together, the hooks of one of them are called

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        bound_init(cls)

    def __init__(self) -> None:
        self._model: Any = None
        self.params: dict[str, Any] | None = None

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return getattr(self, "_model", None)  # a subclass may forget super().__init__()

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    def set_model(self, model: Any) -> None:
        """Called once before training, with the model."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called once before training, with `epochs`, `steps`, `verbose`."""
        self.params = params

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Before an epoch (counted from 0) of training."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """After an epoch of training and its validation."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a training step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a training step."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After a batch of `predict`; `logs["outputs"]` is what the model gave."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """At the beginning of `fit`."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """At the end of `fit`."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """At the beginning of `evaluate`, or of a validation."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """At the end of `evaluate`, or of a validation."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """At the beginning of `predict`."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """At the end of `predict`."""
