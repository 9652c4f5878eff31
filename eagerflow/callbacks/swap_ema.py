"""`SwapEMAWeights`: evaluate with averaged weights, train on with the others."""

from __future__ import annotations

from typing import Any

from eagerflow.callbacks.base import Callback

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Evaluates with the moving averages of the weights, which an optimizer with `use_ema=True` keeps.

    Args:
        swap_on_epoch: whether the model also has the averages while other callbacks run at the end of an epoch, so that
            a `ModelCheckpoint` saves them.

    Raises:
        ValueError: at the beginning of training, when the optimizer keeps no averages.

    >>> model = ef.Sequential([ef.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    >>> model.compile(ef.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5), "mae")
    >>> swap = ef.callbacks.SwapEMAWeights(swap_on_epoch=True)
    >>> seen = []
    >>> look = ef.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(float(model.weights[0])))
    >>> history = model.fit(np.ones((1, 1)), np.full(1, 9.0), epochs=3, verbose=0, callbacks=[swap, look])
    >>> seen  # the weight is 0.5, 1.0, 1.5 after the three steps; these are its averages
    [0.5, 0.75, 1.125]
    """

    _remembers = ("_swapped",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def _optimizer(self) -> Any:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("SwapEMAWeights: the optimizer keeps no averages; make it with use_ema=True.")
        return optimizer

    def _set(self, swapped: bool) -> None:
        optimizer = self._optimizer()
        if swapped != self._swapped and optimizer.built:
            optimizer.swap_averages()
            self._swapped = swapped
        optimizer.averages_in_place = self._swapped

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swapped = False
        self._optimizer()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._set(False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._set(self.swap_on_epoch)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._set(True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._set(False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._set(True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._set(False)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._swapped = False  # `fit` has put the averages in the place of the weights
