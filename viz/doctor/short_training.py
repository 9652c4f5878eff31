"""`viz.diagnose`: a short training on the user's data, watched, and taken back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, TypedDict, Unpack

import numpy

from eagerflow import Model, ops
from eagerflow.callbacks import Callback
from eagerflow.core.observe import observing, unobserved
from viz.boundary import boundary
from viz.doctor.crash import explain_crash
from viz.doctor.diagnosis import Diagnosis
from viz.doctor.watcher import Watcher
from viz.frameworks.objects import is_tensor
from viz.recorder.listening import Listening

__all__ = ["diagnose"]


class FitOptions(TypedDict, total=False):
    """The other arguments of `fit`, with its types."""

    epochs: int
    verbose: int | Literal["auto"]
    callbacks: Callback | Sequence[Callback] | None
    validation_split: float
    validation_data: Any
    shuffle: Any
    class_weight: Any
    sample_weight: Any
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int | None
    validation_freq: Any


@boundary
def diagnose(
    model: Model,
    x: Any = None,
    y: Any = None,
    *,
    batch_size: int | None = None,
    steps: int = 32,
    ignore: Sequence[str] = (),
    **fit: Unpack[FitOptions],
) -> Diagnosis:
    """Trains a compiled model for a few steps and reports what is wrong; then restores the model.

    Args:
        model: a compiled model.
        x: inputs, as `fit` takes them (batches of a generator are used up).
        y: targets.
        batch_size: samples per step; default: as in `fit`.
        steps: how many training steps are made.
        ignore: kinds of findings to leave out, such as `["label_leak"]`.
        **fit: other arguments of `fit`, such as `validation_data` or `sample_weight`.

    Returns:
        A `Diagnosis`. Weights, the optimizer's state and metrics are the same as before; a model that wasn't built is
        built now.

    Raises:
        TypeError: when `model` isn't a model.
        ValueError: when the model isn't compiled, `steps` is below 1, `ignore` names an unknown kind, or `fit` refuses
            the data for a reason that isn't a finding.

    >>> import numpy as np
    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.layers.Dense(1, activation="softmax")])
    >>> model.compile("adam", "binary_crossentropy")
    >>> viz.diagnose(model, np.eye(4), np.array([[0], [1], [1], [0]])).kinds
    ['loss_mismatch', 'constant_output']
    """
    if not hasattr(model, "fit"):
        raise TypeError(f"diagnose(model=...): expected a compiled model, got {type(model).__name__}.")
    if getattr(model, "optimizer", None) is None:
        raise ValueError("diagnose: compile the model first, for example model.compile(optimizer='adam', loss='mse').")
    if steps < 1:
        raise ValueError(f"diagnose(steps={steps}): expected 1 or more.")
    _build(model, x)
    stop = _StopAfter(steps)
    given = fit.pop("callbacks", None) or []
    callbacks = [*(given if isinstance(given, (list, tuple)) else [given]), stop]
    watcher = Watcher(ignored=ignore)
    watcher.interrupted = True  # after so few steps, where it would have ended isn't known
    with _taken_back(model), numpy.errstate(all="ignore"), unobserved():  # these steps aren't the training's
        try:
            with watcher:
                options: Any = {"epochs": steps, "verbose": 0, **fit}
                try:
                    model.fit(x, y, batch_size=batch_size, callbacks=callbacks, **options)
                except ValueError as error:
                    explain_crash(error, watcher)
                    raise
        except ValueError:
            if not any(finding.severity == "error" for finding in watcher.findings):
                raise
    return Diagnosis(watcher.findings)


def _build(model: Any, x: Any) -> None:
    """Make the weights, so that they can be put back; what only has batches is left to `fit`."""
    if model.built or not hasattr(x, "shape") or not len(x):
        return
    with unobserved(), observing(Listening(tells_mistakes=True)):
        rows = x[:2]
        model(rows if is_tensor(rows) else ops.convert_to_tensor(numpy.asarray(rows)))


class _StopAfter(Callback):
    """Ends training after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left <= 0:
            self.model.stop_training = True


@contextlib.contextmanager
def _taken_back(model: Any) -> Iterator[None]:
    """Weights, the optimizer and the history are put back in the end."""
    weights = [(variable, variable.numpy()) for variable in model.variables]
    optimizer, history = model.optimizer, model.history
    model.optimizer = _fresh(optimizer)
    try:
        yield
    finally:
        with unobserved():
            for variable, values in weights:
                variable.assign(values)
            model.optimizer = optimizer
            model.history = history
            model.stop_training = False
            model.reset_metrics()


def _fresh(optimizer: Any) -> Any:
    """An optimizer with the same settings and no state, which says that it was made where the given one was."""
    made = type(optimizer).from_config(optimizer.get_config())
    made.created_at = optimizer.created_at
    return made
