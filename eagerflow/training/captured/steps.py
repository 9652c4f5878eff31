"""The parts of a model's steps that `compile(jit_compile=True)` captures: all but what is done with their results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from eagerflow.capture.function import Captured
from eagerflow.core.tape import GradientTape

__all__ = ["CapturedSteps", "CapturesSteps", "counted", "differentiated", "predicted", "tested"]


def differentiated(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, list[Any]]:
    """Predictions, loss, and the gradients of what is minimized with respect to the trainable variables."""
    with GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model._loss(x, y, y_pred, sample_weight, True)
        minimized = model.optimizer.scale_loss(loss)
    gradients = model._compiled.gradients(tape, minimized, model.trainable_variables, model, y_pred)
    return y_pred, loss, gradients


def tested(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Predictions and loss."""
    y_pred = model(x, training=False)
    return y_pred, model._loss(x, y, y_pred, sample_weight, False)


def counted(model: Any, x: Any, y: Any, sample_weight: Any, y_pred: Any, loss: Any) -> dict[str, Any]:
    """The numbers to report, with these predictions and this loss among them; never captured."""
    model._compiled.track(loss, x)
    numbers: dict[str, Any] = model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
    return numbers


def predicted(model: Any, x: Any) -> Any:
    """Predictions."""
    return model(x, training=False)


def custom_train_step(step: Callable[..., Any], *given: Any) -> Any:
    """A custom `train_step`: a method, or a function assigned to the model."""
    return step(*given)


def tested_its_way(step: Callable[..., Any], *given: Any) -> Any:
    """The same for `evaluate`."""
    return step(*given)


class CapturedSteps:
    """The same, each captured by itself.

    Copies and pickles of it start over.
    """

    def __init__(self) -> None:
        self.differentiated: Captured[..., Any] = Captured(differentiated, name="the training step")
        self.tested: Captured[..., Any] = Captured(tested, name="the test step")
        self.predicted: Captured[..., Any] = Captured(predicted, name="the prediction")
        self.custom_train_step: Captured[..., Any] = Captured(custom_train_step, name="train_step")
        self.tested_its_way: Captured[..., Any] = Captured(tested_its_way, name="test_step")

    def __reduce__(self) -> Any:
        return CapturedSteps, ()


class CapturesSteps:
    """The part of a trainer that says whether its steps are captured."""

    _compiled: Any

    @property
    def run_eagerly(self) -> bool:
        """Whether training steps run op by op; False where `jit_compile` captures them. It may be set.

        >>> ef.Sequential([ef.layers.Dense(1)]).run_eagerly
        True
        """
        return not self.jit_compile

    @run_eagerly.setter
    def run_eagerly(self, value: Any) -> None:
        if value:
            self.jit_compile = False

    @property
    def jit_compile(self) -> bool:
        """Whether training steps are captured and replayed (see `compile`). It may be set.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse", jit_compile=True)
        >>> model.jit_compile
        True
        """
        return self._compiled is not None and self._compiled.captured is not None

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        if self._compiled is not None and self.jit_compile is not (value is True):
            self._compiled.captured = CapturedSteps() if value is True else None

    @property
    def captured_steps(self) -> dict[str, Captured[..., Any]]:
        """With `jit_compile=True`: the captured steps that have run so far, in a dict by name. Otherwise empty.

        Each has the number of its replays (`replays`), the reason why it runs eagerly (`why_eager`, None if it
        doesn't), and what was captured, as Python source code (`programs`).

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse", jit_compile=True)
        >>> _ = model.fit(np.ones((16, 2)), np.ones((16, 1)), batch_size=1, verbose=0)
        >>> step = model.captured_steps["the training step"]
        >>> step.replays > 3, step.why_eager
        (True, None)
        """
        steps = vars(self._compiled.captured).values() if self.jit_compile else ()
        return {step.name: step for step in steps if step.signatures or step.why_eager is not None}

    def _captured_custom_step(self, which: str, step: Callable[..., Any]) -> Any:
        """A custom step, captured as a whole. Epochs that have begun go on with it, as eager ones do."""
        captured = getattr(self._compiled.captured, which)
        if isinstance(step, MethodType) and step.__self__ is self:
            return partial(captured, step.__func__, self)
        return partial(captured, step)
