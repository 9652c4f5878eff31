"""Activations as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy

from eagerflow import activations, ops
from eagerflow.activations.singleton_softmax_warning import warn_of_softmax
from eagerflow.base.typing import (
    ActivationLike,
    Axes,
    ConstraintLike,
    InitializerLike,
    RegularizerLike,
    Shape,
    TensorLike,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions, LeakyReLUOptions
from eagerflow.layer.settings import activated_shape, integer, settle, settled_weight

__all__ = ["ELU", "Activation", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


class _Elementwise(Layer):
    """A layer that changes values and nothing else."""

    _stateless = True

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


class Activation(_Elementwise):
    """Applies an activation function.

    Args:
        activation: a function, or its name.
        **kwargs: arguments of every layer, such as `name` and `dtype`.

    Raises:
        UnknownNameError: for an unknown name.

    >>> ef.layers.Activation("relu")(ef.Tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    activation: Any

    def __init__(self, activation: ActivationLike, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        settle(self, locals())

    def call(self, inputs: Tensor) -> Tensor:
        """The activated `inputs`."""
        if self.activation is activations.softmax:
            _look_at(self, inputs, -1)
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input; `glu` halves its last axis."""
        return activated_shape(self, tuple(input_shape))


class ReLU(_Elementwise):
    """Rectified linear activation; see `activations.relu`.

    Args:
        max_value: the largest output; None for no bound.
        negative_slope: the slope below the threshold.
        threshold: where the linear part begins.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a negative argument.

    >>> ef.layers.ReLU(max_value=1.5)(ef.Tensor([-1.0, 2.0])).tolist()
    [0.0, 1.5]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative(self, "max_value", max_value)
        self.negative_slope = _not_negative(self, "negative_slope", negative_slope)
        self.threshold = _not_negative(self, "threshold", threshold)

    def call(self, inputs: Tensor) -> Tensor:
        """The activated `inputs`."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(_Elementwise):
    """Leaky ReLU: `x` where positive, `negative_slope * x` elsewhere.

    Args:
        negative_slope: the slope below 0.
        **kwargs: `alpha`, the older name of `negative_slope`; and arguments of every layer, see `Layer`.

    Raises:
        ValueError: for a negative slope.

    >>> ef.layers.LeakyReLU(0.5)(ef.Tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Unpack[LeakyReLUOptions]) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)  # type: ignore[misc] # which lost `alpha`
        self.negative_slope = _not_negative(self, "negative_slope", negative_slope)

    def call(self, inputs: Tensor) -> Tensor:
        """The activated `inputs`."""
        return ops.leaky_relu(inputs, self.negative_slope)


class ELU(_Elementwise):
    """Exponential linear unit: `x` where positive, `alpha * (exp(x) - 1)` elsewhere.

    Args:
        alpha: the scale of the negative part; for very negative inputs the output approaches `-alpha`.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    >>> ef.layers.ELU()(ef.Tensor([-100.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        """The activated `inputs`."""
        return ops.elu(inputs, self.alpha)


class Softmax(_Elementwise):
    """Softmax: turns logits into probabilities that sum to 1 along an axis. Where a mask is False, they are 0.

    Args:
        axis: the axis of the classes, or several axes.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: on a call, for a mask that doesn't broadcast to the inputs.

    >>> ef.layers.Softmax()(ef.Tensor([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, mask: TensorLike = None, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        """The probabilities; `mask` is a boolean tensor that broadcasts to `inputs`."""
        axis: Any = tuple(self.axis) if isinstance(self.axis, (list, tuple)) else self.axis
        if mask is None:
            _look_at(self, inputs, axis)
            return activations.softmax(inputs, axis=axis)
        keep = ops.cast(mask, "bool")
        here = keep.shape
        fits = len(here) <= inputs.ndim and all(n in (1, m) for n, m in zip(here[::-1], inputs.shape[::-1]))
        if not fits:
            raise ValueError(
                f"{describe(self)}: mask: expected a shape that broadcasts to the inputs' {inputs.shape}; got {here}."
            )
        # A large negative number instead of -infinity: rows without any True come out as zeros, not NaN.
        lowest = -3e4 if inputs.dtype == "float16" else -1e9
        return ops.where(keep, ops.softmax(ops.where(keep, inputs, lowest), axis=axis), 0.0)


def _look_at(layer: Any, inputs: Tensor, axis: Any) -> None:
    """Warn of a softmax over one unit.

    With more axes it may be attention, here to a single key; and a probe's lengths are made up.
    """
    shape, context = inputs.shape, current_call.get()
    if len(shape) == 2 and axis in (1, -1) and shape[1] == 1 and not (context is not None and context.probing):
        warn_of_softmax(layer, 1)


class PReLU(Layer):
    """Parametric ReLU: `x` where positive, `alpha * x` elsewhere, with a learned slope `alpha` for every position.

    Args:
        alpha_initializer: initializer of the slopes.
        alpha_regularizer: penalty on the slopes.
        alpha_constraint: constraint on the slopes.
        shared_axes: axes along which positions share a slope; with `[1, 2]`, images have one per channel.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Source: He et al. 2015, https://arxiv.org/abs/1502.01852.

    >>> ef.layers.PReLU("ones")(ef.Tensor([[-1.0, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    alpha_initializer: Any
    alpha_regularizer: Any
    alpha_constraint: Any

    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: Axes = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        settle(self, locals())
        axes = shared_axes if isinstance(shared_axes, (list, tuple)) or shared_axes is None else [shared_axes]
        self.shared_axes = None if axes is None else [integer(self, "shared_axes", a) for a in axes]

    def build(self, input_shape: Shape) -> None:
        """Creates the slopes."""
        lengths = list(input_shape[1:])
        for axis in self.shared_axes or ():
            lengths[axis - 1] = 1
        self.alpha = settled_weight(self, "alpha", tuple(lengths))
        fixed = {i: n for i, n in enumerate(input_shape) if i and i not in (self.shared_axes or ())}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)
        self.built = True

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The activated `inputs`."""
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return tuple(input_shape)


def _not_negative(layer: Any, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, numpy.integer, numpy.floating)) or not value >= 0:
        raise ValueError(f"{type(layer).__name__}({name}={value!r}): expected a number of at least 0.")
    return value if isinstance(value, (int, float)) else float(value)
