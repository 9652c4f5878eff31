"""`compile`, and what it configures: optimizer, loss, and how steps run."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Literal, cast

from eagerflow import optimizers
from eagerflow.base.errors import did_you_mean
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import LossLike, MetricsLike, OptimizerLike
from eagerflow.core.strategy import Strategy, active
from eagerflow.core.variable import changes
from eagerflow.metrics.any_metric import AnyMetric
from eagerflow.metrics.base import Metric
from eagerflow.optimizers.any_optimizer import AnyOptimizer
from eagerflow.training.checks import at_least_one
from eagerflow.training.compile_arguments import described, from_description
from eagerflow.training.compiled import Compiled
from eagerflow.training.loop import in_order
from eagerflow.training.model_state import ModelState
from eagerflow.training.outputs import outputs_of
from eagerflow.training.step_runner import runner_for

__all__ = ["Compilable"]


class Compilable:
    """The part of a trainer that `compile` configures."""

    stop_training: bool
    _ef_state: ModelState

    # -- compile

    @boundary
    def compile(
        self,
        optimizer: OptimizerLike = "rmsprop",
        loss: LossLike = None,
        loss_weights: Any = None,
        metrics: MetricsLike = None,
        weighted_metrics: MetricsLike = None,
        run_eagerly: bool = False,
        steps_per_execution: int | Literal["auto"] = 1,
        jit_compile: bool | Literal["auto"] = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Configures the model for training: optimizer, loss and metrics.

        Args:
            optimizer: a name, an Optimizer, or its config.
            loss: a name, a Loss or a function `f(y_true, y_pred)`; for several outputs a list or dict of them.
            loss_weights: for several outputs, numbers that their losses are multiplied by.
            metrics: a list of names, Metrics and functions; for several outputs a list of lists, or a dict.
            weighted_metrics: the same, for metrics in which sample weights count.
            run_eagerly: if True, steps run op by op, whatever `jit_compile` says.
            steps_per_execution: how many steps run before callbacks are called; `"auto"`: one.
            jit_compile: if True, steps are captured once and then replayed, as by `eagerflow.function`, which is
                faster. With `"auto"` and False, they run op by op.
            auto_scale_loss: with the policy "mixed_float16", scale the loss so that small gradients don't become zero.

        Raises:
            UnknownNameError: for an unknown name, with the nearest one.
            ValueError: when there are more or fewer losses than outputs, or for another `jit_compile`.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(ef.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
        >>> model.evaluate(np.array([[1.0, 2.0]]), np.array([[5.0]]), verbose=0)  # it gives 3: (5 - 3)² and |5 - 3|
        [4.0, 2.0]
        """
        arguments = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        self._ef_state.compiled = _compiled_for(self, arguments, auto_scale_loss)
        self.stop_training = False

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> before = model.compiled
        >>> model.compile("sgd", "mse")
        >>> before, model.compiled
        (False, True)
        """
        return self._ef_state.compiled is not None

    def _ready(self, method: str) -> Compiled:
        if self._ef_state.compiled is None:
            raise ValueError(
                f"{method}: compile the model first, for example model.compile(optimizer='adam', loss='mse')."
            )
        return self._ef_state.compiled

    @property
    def optimizer(self) -> AnyOptimizer:
        """The optimizer; None before `compile`. It may be set.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.optimizer = "adam"
        >>> model.optimizer.name
        'adam'
        """
        state = self._ef_state
        return cast(Any, state.optimizer if state.compiled is None else state.compiled.optimizer)

    @optimizer.setter
    def optimizer(self, value: OptimizerLike) -> None:
        state = self._ef_state
        if state.compiled is None:
            state.optimizer = value
        else:
            state.compiled.optimizer = optimizers.get(value)

    @property
    def loss(self) -> Any:
        """The `loss` argument of `compile`; None before. It may be set.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.loss
        'mse'
        """
        state = self._ef_state
        return state.loss if state.compiled is None else state.compiled.arguments["loss"]

    @loss.setter
    def loss(self, value: Any) -> None:
        state = self._ef_state
        if state.compiled is None:
            state.loss = value
        else:
            state.compiled.change_loss(value)

    @property
    def steps_per_execution(self) -> int:
        """How many steps run between two calls of the callbacks' batch methods.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse", steps_per_execution=10)
        >>> model.steps_per_execution
        10
        """
        return 1 if self._ef_state.compiled is None else self._ef_state.compiled.steps_per_execution

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        self._ready("steps_per_execution").steps_per_execution = (
            at_least_one("model", "steps_per_execution", value) or 1
        )

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
        return self._ef_state.compiled is not None and self._ef_state.compiled.runner.captures

    @jit_compile.setter
    def jit_compile(self, value: Any) -> None:
        if self._ef_state.compiled is not None and self.jit_compile is not (value is True):
            self._ef_state.compiled.runner = runner_for(value)

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
        return {} if self._ef_state.compiled is None else dict(self._ef_state.compiled.runner.steps())

    @property
    def metrics(self) -> list[AnyMetric | Any]:  # `Any`: a subclass may give a list of one class
        """The loss, compiled metrics, and metrics that the model and its layers hold.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> [metric.name for metric in model.metrics]
        ['loss', 'mae']
        """
        own = [] if self._ef_state.compiled is None else self._ef_state.compiled.all_metrics()
        return [*own, *[m for m in self._held_metrics() if not any(m is o for o in own)]]

    def _held_metrics(self) -> list[Metric]:
        """Metrics that the model and its layers hold, looked up again when any layer has changed."""
        state = self._ef_state
        if state.held_metrics[0] != changes.count:
            found = super().metrics  # type: ignore[misc]
            state.held_metrics = (changes.count, found)
        return state.held_metrics[1]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the values that `evaluate` returns, in the same order.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.metrics_names
        ['loss', 'mae']
        """
        return list(in_order(self, self.get_metrics_result()))

    def reset_metrics(self) -> None:
        """Resets the loss and all metrics; `fit` and `evaluate` do so at the beginning of every epoch.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse")
        >>> loss = model.evaluate(np.ones((1, 1)), np.zeros((1, 1)), verbose=0)
        >>> before = model.get_metrics_result()
        >>> model.reset_metrics()
        >>> before, model.get_metrics_result()
        ({'loss': Tensor(float32, 1.)}, {'loss': Tensor(float32, 0.)})
        """
        if self._ef_state.compiled is not None:
            self._ef_state.compiled.measured = False
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The values of the loss and the metrics so far, as a dict of scalar tensors by name.

        >>> model = ef.Sequential([ef.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> numbers = model.evaluate(np.array([[3.0]]), np.zeros((1, 1)), verbose=0)
        >>> model.get_metrics_result()
        {'loss': Tensor(float32, 9.), 'mae': Tensor(float32, 3.)}
        """
        compiled = self._ef_state.compiled
        results = {} if compiled is None else compiled.named_results()
        for metric in self._held_metrics():
            result = metric.result()
            results.update(result if isinstance(result, Mapping) else {metric.name: result})
        return results

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`, as numbers, strings and dicts; None before `compile`.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> config = model.get_compile_config()
        >>> config["optimizer"]["class_name"], config["loss"], config["metrics"]
        ('SGD', 'mse', ['mae'])
        """
        state = self._ef_state
        if state.compiled is None:
            return None
        given = {**state.compiled.arguments, "optimizer": state.compiled.optimizer}
        return {name: described(value) for name, value in given.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model with the arguments that `get_compile_config` returned.

        Args:
            config: that dict.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile_from_config({"optimizer": "sgd", "loss": "mse"})
        >>> model.optimizer.name, model.loss
        ('sgd', 'mse')
        """
        known = [*inspect.signature(Compilable.compile).parameters][1:]
        unknown = next((name for name in config if name not in known), None)
        if unknown is not None:
            raise ValueError(f"compile_from_config: unknown argument {unknown!r}.{did_you_mean(unknown, known)}")
        self.compile(**{name: from_description(value) for name, value in config.items()})
        if getattr(self, "built", False) and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]


def _compiled_for(model: Any, arguments: dict[str, Any], auto_scale_loss: bool) -> Compiled:
    """The optimizer, loss and metrics of a model."""
    jit_compile, steps_per_execution = arguments["jit_compile"], arguments["steps_per_execution"]
    if not (isinstance(jit_compile, (bool, type(None))) or jit_compile == "auto"):
        raise ValueError(f'compile(jit_compile={jit_compile!r}): expected True, False or "auto".')
    every = None if steps_per_execution == "auto" else steps_per_execution
    steps = at_least_one("compile", "steps_per_execution", every) or 1
    chosen = [arguments[name] for name in ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")]
    compiled = Compiled(*chosen, steps, *outputs_of(model))  # type: ignore[call-arg] # of a tuple
    if auto_scale_loss and model.dtype_policy.name == "mixed_float16":
        compiled.optimizer = _scaling(compiled.optimizer)
    compiled.arguments = arguments
    compiled.runner = runner_for(jit_compile is True and not arguments["run_eagerly"])
    compiled.was_trainable = model.trainable
    compiled.strategy = None if type(active.strategy) is Strategy else active.strategy
    return compiled


def _scaling(optimizer: Any) -> Any:
    kind = optimizers.LossScaleOptimizer
    return optimizer if isinstance(optimizer, kind) else kind(optimizer, name="loss_scale_optimizer")
