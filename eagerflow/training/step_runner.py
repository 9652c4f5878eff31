"""`StepRunner`: who runs the parts of a model's steps that only compute. Here: plain calls. Capture brings another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eagerflow.core.links import above
from eagerflow.core.tape import GradientTape
from eagerflow.training.checks import takes

__all__ = ["EAGER", "StepRunner", "differentiated", "loss_of", "predicted", "runner_for", "tested"]


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
        loss = loss_of(model, x, y, y_pred, sample_weight, True)
        minimized = model.optimizer.scale_loss(loss)
    return y_pred, loss, model._ef_state.compiled.gradients(tape, minimized, model.trainable_variables, model, y_pred)


def tested(model: Any, x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Predictions and loss."""
    y_pred = model(x, training=False)
    return y_pred, loss_of(model, x, y, y_pred, sample_weight, False)


def predicted(model: Any, x: Any) -> Any:
    """Predictions."""
    return model(x, training=False)


def loss_of(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
    """What `compute_loss` gives; an override needs no `training`."""
    given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
    if takes(type(model).compute_loss, "training"):
        given["training"] = training
    return model.compute_loss(**given)
