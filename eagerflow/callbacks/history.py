"""`History`: the numbers of all epochs, which `fit` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from eagerflow._viz import curves
from eagerflow.base import notebook
from eagerflow.base.errors import no_attribute
from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.logs import Logs

__all__ = ["History"]


class History(Callback):
    """Records losses and metrics of every epoch; `fit` adds one automatically and returns it.

    As the last value of a notebook cell it shows its curves, unless `viz.live` draws them there already.

    Attributes:
        history: one list of numbers per metric, `{"loss": [...], "val_loss": [...]}`.
        epoch: the numbers of the epochs, from 0.

    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.zeros((8, 2)), np.zeros(8), epochs=3, validation_split=0.5, verbose=0)
    >>> history.epoch, history.history
    ([0, 1, 2], {'loss': [0.0, 0.0, 0.0], 'val_loss': [0.0, 0.0, 0.0]})
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epoch, self.history = [], Logs()
        self.history.called = "history"

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    if not TYPE_CHECKING:  # to type checkers `history["loss"]` and `history.loss` are mistakes

        def __getitem__(self, name: Any) -> NoReturn:
            raise TypeError(
                f"{type(self).__name__!r} object is not subscriptable. Use `history.history[{name!r:.60}]`."
            )

        __iter__ = None

        def __getattr__(self, name: str) -> NoReturn:
            way = f". Use `history.history[{name!r}]`" if name in self.__dict__.get("history", ()) else ""
            raise no_attribute(f"{type(self).__name__!r} object has no attribute {name!r}{way}", name)

    def __repr__(self) -> str:
        last = ", ".join([f"{name} {values[-1]:.4g}" for name, values in self._numbers().items()])
        return f"<{type(self).__name__}: {len(self.epoch)} epoch{'s' * (len(self.epoch) != 1)}{last and '; '}{last}>"

    def _repr_html_(self) -> str:
        has_curves = len(self.epoch) > 1 and not notebook.curves_here()  # once is enough; and one point is no curve
        drawn = curves(self.history, self.epoch) if has_curves else ""
        return drawn or notebook.pre(repr(self))

    def _numbers(self) -> dict[str, list[Any]]:
        """The metrics whose last value is a number."""
        return {name: values for name, values in self.history.items() if isinstance(values[-1], (int, float))}
