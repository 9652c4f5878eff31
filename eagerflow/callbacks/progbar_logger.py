"""`ProgbarLogger`: the progress bar of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from eagerflow.base import notebook
from eagerflow.base.config import is_interactive_logging_enabled
from eagerflow.base.messages import say
from eagerflow.callbacks.base import Callback
from eagerflow.callbacks.progbar import Progbar, redraws

__all__ = ["ProgbarLogger"]

_INTERVAL = 0.1  # seconds between two drawings: each makes the numbers wait for the device


class ProgbarLogger(Callback):
    """Shows progress and metrics; added by `fit`, `evaluate` and `predict` unless `verbose=0`.

    Custom training loops can use it too: they call `due()` at every step and, where it is true, compute the metrics and
    pass them to `show`.

    >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.zeros((8, 2)), np.zeros(8), verbose=2)
    1/1 - ...step - loss: 0.0000e+00
    """

    _writes = True

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.bar: Progbar | None = None
        self._training = False
        self._place: notebook.Place | None = None  # in a notebook: one for all bars of a training

    @property
    def _verbose(self) -> int:
        return int((self.params or {}).get("verbose", 1))

    def _begin(self, prefix: str = "") -> None:
        self.seen = 0
        self.bar = Progbar((self.params or {}).get("steps"), verbose=self._verbose, interval=_INTERVAL)
        self.bar.prefix = prefix
        self.bar.redrawn = self._verbose == 1 and redraws()  # in a file or pipe only the last state of a line is wanted
        if self.bar.place is not None and self._place is not None:
            self.bar.draw_at(self._place)

    def due(self) -> bool:
        """Whether it is time to draw the bar again."""
        return self.bar is not None and self.bar.due()

    def show(self, step: int, logs: dict[str, Any]) -> None:
        """Draws the bar.

        Args:
            step: the number of the step that has ended, from 0.
            logs: the metrics to show, by name.
        """
        self.seen = step + 1
        if self.bar is not None:
            self.bar.stateful_metrics.update(logs)
            self.bar.update(step + 1, logs.items(), finalize=False)

    def stop_clock(self, steps: int) -> None:
        """Stops measuring the time per step, so that what follows (validation) doesn't count.

        Args:
            steps: how many steps were made in all.
        """
        self.seen = steps
        if self.bar is not None:
            self.bar.stop_clock()

    def finish(self, steps: int, logs: dict[str, Any]) -> None:
        """Draws the finished bar, with the metrics and the time per step.

        Args:
            steps: how many steps were made in all.
            logs: the metrics to show, by name.
        """
        logs = dict(sorted(logs.items(), key=lambda item: (item[0].startswith("val_"), item[0])))
        if self.bar is not None:
            self.bar.target = steps
            self.bar.stateful_metrics.update(logs)
            self.bar.update(steps, logs.items(), finalize=True)
            self.bar = None

    def abandon(self) -> None:
        """Ends the line on the screen; to be called when the loop was interrupted."""
        if self.bar is not None:
            self.bar.abandon()
            self.bar = None
        self._leave_place()
        self._training = False

    def _leave_place(self) -> None:
        if self._place is not None:
            self._place.clear()
            self._place = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._training = True
        self._place = notebook.Place() if notebook.prints_here() else None

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._leave_place()
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        epochs = (self.params or {}).get("epochs", 1)
        title = f"Epoch {epoch + 1}/{epochs}" if epochs > 1 else ""  # one epoch has no title, as in Keras
        if self._place is not None and is_interactive_logging_enabled():  # one line for each epoch, in columns
            title = title and f"Epoch {epoch + 1:{len(str(epochs))}d}/{epochs}"
        elif title and self._verbose in (1, 2) and is_interactive_logging_enabled():
            say(title)
            title = ""
        self._begin(title)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.finish(self.seen, logs or {})

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self._training:  # validation has no bar of its own
            self._begin()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        if not self._training:
            self.finish(self.seen, logs or {})

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._begin()

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self.finish(self.seen, {})
