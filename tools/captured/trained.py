"""What a program does as part of a model that is trained: its step is a layer's call, its changes a callback's."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np

import eagerflow as ef
from tools.captured.programs import CALLS

__all__ = ["calls_in_training"]

_ROWS = 2  # of a batch


class _Stepping(ef.layers.Layer):
    """A weight, and the step of a program.

    Attributes:
        step: that; set afterwards, since a layer keeps what it is made with.
    """

    step: Callable[[Any], Any]

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight(shape=(3,), initializer="ones")

    def call(self, x: Any) -> Any:
        return self.step(x * self.scale)


class _Changing(ef.callbacks.Callback):
    """Makes the changes before their batches, and tells what each batch gave and left.

    Args:
        between: makes the changes of a call.
        told: gives what can be compared, of what a function gives.
        states: give what the program left.
    """

    def __init__(self, between: Callable[[int], None], told: Callable[[Any], Any], states: list[Any]) -> None:
        super().__init__()
        self._between, self._told, self._states = between, told, states
        self.found: list[tuple[Any, Any, str]] = []
        self.began = 0
        self.printed = io.StringIO()

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._between(self.began)
        self.began += 1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.note(lambda: dict(logs))

    def note(self, given: Any) -> None:
        """One more batch is done."""
        left = [self._told(state) for state in (*self._states, lambda: self.model.get_weights())]
        self.found.append((self._told(given), left, self.printed.getvalue()))
        self.printed.seek(self.printed.truncate(0))


def calls_in_training(
    names: dict[str, Any], between: Callable[[int], None], told: Callable[[Any], Any], captures: bool
) -> tuple[list[tuple[Any, Any, str]], int, str | None]:
    """Train, validate and predict; what each batch gave, left and printed, the number of replays, and why not.

    Args:
        names: the program's.
        between: makes the changes of a call.
        told: gives what can be compared, of what a function gives.
        captures: whether `jit_compile=True`.
    """
    x = np.arange(3 * _ROWS * CALLS, dtype="float32").reshape(-1, 3) % 7 + 1
    layer = _Stepping()
    layer.step = names["step"]
    model = ef.Sequential([layer])
    model.compile("adam", "mse", metrics=["mae"], jit_compile=captures, run_eagerly=not captures)
    changing = _Changing(between, told, names["states"])

    with contextlib.redirect_stdout(changing.printed):
        while (done := len(changing.found)) < CALLS:
            rest = x[done * _ROWS :]
            changing.began = done
            try:
                model.fit(rest, rest, _ROWS, verbose=0, shuffle=False, callbacks=[changing])
            except Exception as error:  # noqa: BLE001 # eager and captured must raise the same
                changing.note(_raising(error))
        changing.note(lambda: model.evaluate(x, x, _ROWS, verbose=0))
        changing.note(lambda: model.predict(x, _ROWS, verbose=0))
    compiled = model._compiled
    captured = compiled.runner.steps().values() if captures and compiled else ()
    return changing.found, sum(each.replays for each in captured), next((c.why_eager for c in captured), None)


def _raising(error: Exception) -> Callable[[], None]:
    def ask() -> None:
        raise error

    return ask
