"""`StepRunner`: who runs the parts of a model's steps that only compute. Here: plain calls. Capture brings another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eagerflow.core.links import above
from eagerflow.core.tape import GradientTape

__all__ = ["EAGER", "CapturesSteps", "StepRunner", "differentiated", "predicted", "runner_for", "tested"]


class StepRunner:
    """Runs each part of a step by calling it.

    Another runner replaces it with `compile(jit_compile=True)`: `core.links.above.step_runner` makes that one.

    Attributes:
        captures: whether it captures what it runs.
    """

    captures = False

    def run(self, name: str, part: Callable[..., Any], *args: Any) -> Any:
        """`part(*args)`; `name` is what messages call it."""
        return part(*args)

    def custom(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """A user's own `train_step` or `test_step`, as it is to be called."""
        return step

    def pass_by(self, name: str) -> None:
        """The caller runs this part by itself, because of what is around it, such as a distribution."""

    def steps(self) -> Mapping[str, Any]:
        """What was captured so far, by name."""
        return {}


EAGER = StepRunner()


def runner_for(jit_compile: Any) -> StepRunner:
    """What runs a model's steps: with `jit_compile=True` the runner that captures them."""
    runner: StepRunner = above.step_runner() if jit_compile is True else EAGER
    return runner


def differentiated(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, list[Any]]:
    """Predictions, loss, and the gradients of what is minimized with respect to the trainable variables."""
    with GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model._loss(x, y, y_pred, sample_weight, True)
        minimized = model.optimizer.scale_loss(loss)
    return y_pred, loss, model._compiled.gradients(tape, minimized, model.trainable_variables, model, y_pred)


def tested(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Predictions and loss."""
    y_pred = model(x, training=False)
    return y_pred, model._loss(x, y, y_pred, sample_weight, False)


def predicted(model: Any, x: Any) -> Any:
    """Predictions."""
    return model(x, training=False)


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
        return self._compiled is not None and self._compiled.runner.captures

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        if self._compiled is not None and self.jit_compile is not (value is True):
            self._compiled.runner = runner_for(value)

    @property
    def captured_steps(self) -> dict[str, Any]:
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
        return {} if self._compiled is None else dict(self._compiled.runner.steps())
