"""`LossScaleOptimizer`: keeps the small gradients of half precision above zero."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.serialization import deserialize_keras_object, serialize_keras_object
from eagerflow.base.typing import Gradients, Variables
from eagerflow.core.device import device, device_of, namespace_of, place, to_host
from eagerflow.core.strategy import active, sharing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import checks
from eagerflow.optimizers.base import Optimizer
from eagerflow.optimizers.entry import constant
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS

__all__ = ["LossScaleOptimizer"]


@OPTIMIZERS.add()
class LossScaleOptimizer(Optimizer):
    """Scales the loss up and the gradients down, so that small gradients don't become 0 in float16.

    A step with a gradient that isn't finite is skipped, and the scale is halved. After `dynamic_growth_steps` finite
    steps the scale is doubled. It replaces a `loss_scale_factor` of the inner optimizer.

    Args:
        inner_optimizer: the optimizer that makes the steps.
        initial_scale: the scale to begin with.
        dynamic_growth_steps: after how many finite steps the scale is doubled.
        name: the name, shown in traces and configs; default: from the class name.
        **kwargs: none; the arguments of all optimizers are those of the inner one.

    Raises:
        TypeError: when `inner_optimizer` is no optimizer, or for another argument.

    Source: Micikevicius et al., "Mixed precision training", 2017.

    >>> weight = ef.Variable(1.0)
    >>> optimizer = ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(0.5), initial_scale=1024.0)
    >>> float(optimizer.scale_loss(ef.Tensor(2.0)))
    2048.0
    >>> optimizer.apply([1024.0], [weight])  # the gradient of the scaled loss: in truth it is 1
    >>> optimizer.apply([float("inf")], [weight])  # is left out, and halves the scale
    >>> float(weight), float(optimizer.dynamic_scale)
    (0.5, 512.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("dynamic", True) is not True:
            raise ValueError(
                "LossScaleOptimizer(dynamic=False): the scale here always adapts. For a fixed one give "
                "loss_scale_factor= to the optimizer itself."
            )
        checks.unknown_arguments(type(self), {k: v for k, v in kwargs.items() if not _is_unset(k, v)})
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise TypeError(
                f"LossScaleOptimizer(inner_optimizer=...): expected another optimizer; got {inner_optimizer!r:.60}."
            )
        self.inner_optimizer = inner_optimizer
        inner_optimizer.loss_scale_factor = None  # the scale here takes its place
        super().__init__(0.0, name=name)
        self.initial_scale = checks.positive("LossScaleOptimizer", "initial_scale", initial_scale)
        self.dynamic_growth_steps = checks.whole("LossScaleOptimizer", "dynamic_growth_steps", dynamic_growth_steps)
        with device("cpu"):
            self.step_counter = self.add_variable((), "zeros", "int32", name="step_counter")
            self.dynamic_scale = self.add_variable((), constant(self.initial_scale), "float32", name="dynamic_scale")

    def __repr__(self) -> str:
        return f"<LossScaleOptimizer of {self.inner_optimizer!r}>"

    @property
    def iterations(self) -> Variable:
        """How many updates were made, without skipped ones.

        >>> optimizer = ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(), initial_scale=2.0)
        >>> weight = ef.Variable(1.0)
        >>> for gradient in (2.0, float("inf"), 2.0):
        ...     optimizer.apply([gradient], [weight])
        >>> int(optimizer.iterations)  # the infinite one was left out
        2
        """
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Variable:
        """The learning rate of the inner optimizer; it may be set.

        >>> optimizer = ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD(0.5))
        >>> optimizer.learning_rate = 0.25
        >>> float(optimizer.inner_optimizer.learning_rate)
        0.25
        """
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    @property
    def variables(self) -> list[Variable]:
        """The state variables of this optimizer and the inner one.

        >>> [v.name for v in ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD()).variables]
        ['iteration', 'learning_rate', 'step_counter', 'dynamic_scale', 'iteration', 'learning_rate']
        """
        return [*self._variables, *self.inner_optimizer.variables]

    def build(self, var_list: Variables) -> None:
        self.inner_optimizer.build(var_list)
        self.built = True

    def _trained(self) -> list[Variable]:
        return self.inner_optimizer._trained()

    def check_finite(self, grads: Iterable[Any]) -> Tensor:
        """Whether all gradients are finite, as a boolean scalar tensor.

        Args:
            grads: a list of gradients; None counts as finite.

        >>> optimizer = ef.optimizers.LossScaleOptimizer(ef.optimizers.SGD())
        >>> bool(optimizer.check_finite([1.0, None])), bool(optimizer.check_finite([1.0, float("nan")]))
        (True, False)
        """
        return convert_to_tensor(_finite([None if g is None else convert_to_tensor(g) for g in grads]))

    def scale_loss(self, loss: Any) -> Any:
        if isinstance(loss, Tensor):
            return self.inner_optimizer.scale_loss(loss * self._scale_beside(loss))
        return self.inner_optimizer.scale_loss(loss * float(self.dynamic_scale.data))

    @replayed  # so that a captured step takes today's scale
    def _scale_beside(self, loss: Tensor) -> Tensor:
        scale = numpy.asarray(float(self.dynamic_scale.data), loss.dtype)
        return Tensor(place(scale, device_of(loss.data)), None, None)

    @replayed
    def apply(self, grads: Gradients, trainable_variables: Variables = None) -> None:
        tensors = [None if g is None else convert_to_tensor(g) for g in grads]
        if active.shard is not None:  # what is infinite on one rank is so on all: they leave out the same steps
            given = self._trained() if trainable_variables is None else list(trainable_variables)
            tensors = active.shard.reduce_gradients(given, tensors)
            with sharing(None):
                self.apply(tensors, given)
            return
        self.built = self.inner_optimizer.built
        factor = float(self.dynamic_scale.data)
        if not _finite(tensors):
            self._set(0, factor * 0.5)
            return
        variables = self._trained() if trainable_variables is None else list(trainable_variables)
        replaced = [getattr(v, "overwrite_with_gradient", False) for v in variables] or [False] * len(tensors)
        unscaled = [g if g is None or new else Tensor(g.data / factor, None, None) for g, new in zip(tensors, replaced)]
        self.inner_optimizer.apply(unscaled, trainable_variables if trainable_variables is None else variables)
        self.built = True
        steps = int(self.step_counter.data) + 1
        if steps == self.dynamic_growth_steps:
            self._set(0, factor * 2)
        else:
            self._set(steps, factor)

    def _set(self, steps: int, scale: float) -> None:
        """Note how many steps went well since the scale last changed, and the scale."""
        with self.step_counter.changing() as counter, self.dynamic_scale.changing() as factor:
            counter[...], factor[...] = steps, scale

    def finalize_variable_values(self, var_list: Iterable[Variable] | None = None) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
        inner = deserialize_keras_object(config["inner_optimizer"], custom_objects)
        return cls(**{**config, "inner_optimizer": inner})


def _is_unset(name: str, value: Any) -> bool:
    """Whether it is a setting that files of older Keras name, though it belongs to the inner optimizer."""
    shared = inspect.signature(Optimizer.__init__).parameters
    return name in shared and name != "learning_rate" and value == shared[name].default


def _finite(gradients: list[Any]) -> bool:
    """Whether all gradients are finite; the one thing here that waits for a GPU."""
    found = [namespace_of(g.data).isfinite(g.data).all() for g in gradients if g is not None]
    return all(bool(to_host(f)) for f in found)
