"""Normalization within each sample: layer, group, unit and root-mean-square normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy

from eagerflow import ops
from eagerflow.base.typing import ConstraintLike, InitializerLike, RegularizerLike, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerNormalizationOptions, LayerOptions
from eagerflow.layer.settings import at_least_zero, settle, settled_weight
from eagerflow.ops.neural.group_norm import group_norm

__all__ = ["GroupNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization"]


class _Normalization(Layer):
    """A layer that keeps shapes and masks."""

    axis: Any
    groups: Any

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def __init__(self, axis: Any, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.axis = _axes(self, axis)
        self.supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        self._lengths(input_shape)
        return tuple(input_shape)

    def _lengths(self, input_shape: Shape) -> Shape:
        """The lengths of the normalized axes, in order."""
        rank = len(input_shape)
        axes = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        if any(not -rank <= a < rank for a in axes):
            raise ValueError(
                f"{describe(self)}(axis={self.axis!r}): inputs of shape {tuple(input_shape)} have {rank} axes."
            )
        return tuple([input_shape[a] for a in axes])


class LayerNormalization(_Normalization):
    """Layer normalization: brings each sample to mean 0 and variance 1, then scales and shifts it.

    Args:
        axis: the axis or axes to normalize over, usually that of the features.
        epsilon: a small number that is added to the variance.
        center: whether to add a learned shift, `beta`.
        scale: whether to multiply by a learned factor, `gamma`.
        beta_initializer: initializer of `beta`.
        gamma_initializer: initializer of `gamma`.
        beta_regularizer: penalty on `beta`.
        gamma_regularizer: penalty on `gamma`.
        beta_constraint: constraint on `beta`.
        gamma_constraint: constraint on `gamma`.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an axis that is no integer, or that the inputs don't have.

    Source: Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450.

    >>> ef.layers.LayerNormalization(epsilon=0.0001)(ef.Tensor([[1.0, 3.0]])).numpy().round(3).tolist()
    [[-1.0, 1.0]]
    """

    _config_adds = ("rms_scaling",)
    center: bool
    scale: bool
    rms_scaling: bool
    beta_initializer: Any
    gamma_initializer: Any
    beta_regularizer: Any
    gamma_regularizer: Any
    beta_constraint: Any
    gamma_constraint: Any

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerNormalizationOptions],
    ) -> None:
        rest: dict[str, Any] = {**kwargs}
        rms_scaling = bool(rest.pop("rms_scaling", False))  # Keras' older form of RMSNormalization
        super().__init__(axis, **rest)
        self.epsilon = at_least_zero(self, "epsilon", epsilon)
        settle(self, locals(), "center scale rms_scaling")
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        """Creates gamma and beta, with one axis per normalized axis."""
        shape = self._lengths(input_shape)
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        scales, moves = self.scale or self.rms_scaling, self.center and not self.rms_scaling
        self.gamma = settled_weight(self, "gamma", shape, autocast=False) if scales else None
        self.beta = settled_weight(self, "beta", shape, autocast=False) if moves else None
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized inputs."""
        out = ops.layer_normalization(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, rms_scaling=self.rms_scaling
        )
        return ops.cast(out, self.compute_dtype)


class GroupNormalization(_Normalization):
    """Normalizes groups of channels of each sample to mean 0 and variance 1.

    Args:
        groups: the number of groups; -1 for as many as channels (instance normalization).
        axis: the axis of the channels.
        epsilon: a small number that is added to the variance.
        center: whether to add a learned shift, `beta`.
        scale: whether to multiply by a learned factor, `gamma`.
        beta_initializer: initializer of `beta`.
        gamma_initializer: initializer of `gamma`.
        beta_regularizer: penalty on `beta`.
        gamma_regularizer: penalty on `gamma`.
        beta_constraint: constraint on `beta`.
        gamma_constraint: constraint on `gamma`.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: when `groups` doesn't divide the channels.

    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494.

    >>> ef.layers.GroupNormalization(2, epsilon=0.0001)(ef.Tensor([[1.0, 3.0, 5.0, 9.0]])).numpy().round(3).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    center: bool
    scale: bool
    beta_initializer: Any
    gamma_initializer: Any
    beta_regularizer: Any
    gamma_regularizer: Any
    beta_constraint: Any
    gamma_constraint: Any

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(axis, **kwargs)
        if isinstance(groups, bool) or not isinstance(groups, (int, numpy.integer)) or (groups < 1 and groups != -1):
            raise ValueError(f"GroupNormalization(groups={groups!r}): expected a positive integer, or -1.")
        self.epsilon = at_least_zero(self, "epsilon", epsilon)
        settle(self, locals(), "groups center scale")
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        """Creates gamma and beta, one value per channel."""
        (channels,) = self._lengths(input_shape)
        if self.groups == -1:
            self.groups = channels
        if channels is None or channels % self.groups:
            raise ValueError(
                f"{describe(self)}: {self.groups} groups don't divide the {channels} channels at axis "
                f"{self.axis} of inputs of shape {tuple(input_shape)}."
            )
        self.gamma = settled_weight(self, "gamma", (channels,), autocast=False) if self.scale else None
        self.beta = settled_weight(self, "beta", (channels,), autocast=False) if self.center else None
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized inputs."""
        x = ops.cast(inputs, "float32") if inputs.dtype.itemsize < 4 else inputs
        shape, place = list(inputs.shape), self.axis % inputs.ndim
        if place == inputs.ndim - 1:
            gamma, beta = [None if w is None else ops.cast(w, x.dtype) for w in (self.gamma, self.beta)]
            return ops.cast(group_norm(x, gamma, beta, self.groups, self.epsilon), self.compute_dtype)
        grouped = [*shape[:place], self.groups, shape[place] // self.groups, *shape[place + 1 :]]
        x = x.reshape(tuple(grouped))
        axes = [i for i in range(1, x.ndim) if i != place]
        mean, variance = ops.moments(x, axes=axes, keepdims=True)
        x = ((x - mean) * (variance + self.epsilon) ** -0.5).reshape(tuple(shape))
        lengths = [n if i == place else 1 for i, n in enumerate(shape)]
        if self.gamma is not None:
            x = x * ops.cast(self.gamma, x.dtype).reshape(tuple(lengths))
        if self.beta is not None:
            x = x + ops.cast(self.beta, x.dtype).reshape(tuple(lengths))
        return ops.cast(x, self.compute_dtype)


class RMSNormalization(_Normalization):
    """Divides each sample by its root mean square over some axes, and multiplies by a learned scale.

    Args:
        axis: the axis or axes that the norm is taken over, usually that of the features.
        epsilon: a small number that is added to the mean square.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467.

    >>> ef.layers.RMSNormalization()(ef.Tensor([[3.0, 3.0]])).numpy().round(3).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(axis, **kwargs)
        self.epsilon = at_least_zero(self, "epsilon", epsilon)
        self.supports_masking = False

    def build(self, input_shape: Shape) -> None:
        """Creates the scale, with one axis per normalized axis."""
        self.scale = self.add_weight(name="scale", shape=self._lengths(input_shape), initializer="ones")
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self.built = True

    if TYPE_CHECKING:

        def __call__(self, x: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, x: Tensor) -> Tensor:
        """The normalized inputs."""
        return ops.rms_normalization(x, scale=self.scale, axis=self.axis, epsilon=self.epsilon)


class UnitNormalization(_Normalization):
    """Divides each sample by its Euclidean norm over some axes.

    Args:
        axis: the axis or axes that the norm is taken over, usually that of the features.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    >>> ef.layers.UnitNormalization()(ef.Tensor([[0.0, 4.0]])).tolist()
    [[0.0, 1.0]]
    """

    _stateless = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(axis, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """The normalized inputs."""
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)


def _axes(layer: Any, axis: Any) -> int | list[int]:
    given = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not given or any(isinstance(a, bool) or not hasattr(a, "__index__") for a in given):
        raise TypeError(f"{type(layer).__name__}(axis={axis!r}): expected an integer or a list of them.")
    return [int(a) for a in given] if isinstance(axis, (list, tuple)) else int(axis)
