"""`Wrapper`: the base of layers around a layer; `TimeDistributed`; `SpectralNormalization`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import initializers, ops
from eagerflow.base import tree
from eagerflow.base.capturing import replayed
from eagerflow.base.errors import signature_of
from eagerflow.base.serialization import deserialize_keras_object
from eagerflow.base.typing import Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.autocast import autocast_scope
from eagerflow.layer.call_context import whole_sequences
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import AnyLayer, Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import integer
from eagerflow.layer.symbolic.tensors import Spec, infer

__all__ = ["SpectralNormalization", "TimeDistributed", "Wrapper"]


class Wrapper(Layer):
    """Base class of layers that wrap another layer; a subclass calls `self.layer` in its own way.

    Args:
        layer: the layer to wrap.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: when `layer` isn't a layer.

    >>> class Twice(ef.layers.Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> layer = Twice(ef.layers.Dense(1, kernel_initializer="ones", bias_initializer="ones"))
    >>> layer(ef.Tensor([[5.0]])).tolist(), len(layer.weights)
    ([[7.0]], 2)
    """

    layer: AnyLayer

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        if not isinstance(layer, AnyLayer):
            own = type(self).__name__
            if isinstance(layer, type):
                cls = layer.__name__
                raise ValueError(f"{own}(layer={cls}): {cls} is a class; make a layer of it: {own}({cls}(...)).")
            raise ValueError(f"{own}(layer={signature_of(layer)}): expected a layer, such as layers.Dense(3).")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Builds the wrapped layer."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        self.built = True

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates a layer from the dict that `get_config` returned."""
        rest = dict(config)
        return cls(deserialize_keras_object(rest.pop("layer"), custom_objects), **rest)


class TimeDistributed(Wrapper):
    """Applies a layer to every step of a sequence, with the same weights.

    Args:
        layer: the layer to apply.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, time, ...). Output: (batch, time, ...).

    Raises:
        ValueError: when `layer` isn't a layer, or inputs have fewer than three axes.

    >>> layer = ef.layers.TimeDistributed(ef.layers.Flatten())
    >>> layer(ef.ops.ones((2, 5, 4, 4, 1))).shape  # each of 5 pictures by itself
    (2, 5, 16)
    >>> ef.layers.TimeDistributed(ef.layers.Conv2D(4, 3))(ef.ops.ones((2, 5, 8, 8, 1))).shape
    (2, 5, 6, 6, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _of_step(self, input_shape: Any) -> Shape:
        if len(input_shape) < 3:
            raise ValueError(
                f"{describe(self)} expects inputs of at least 3 axes (batch, time, ...); got the shape "
                f"{tuple(input_shape)}."
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer for the shape of one step."""
        super().build(self._of_step(input_shape))

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, training: bool | None = None, mask: TensorLike = None) -> Tensor: ...

    def call(self, inputs: Tensor, training: bool | None = None, mask: Any = None) -> Tensor:
        """The layer's outputs for all steps."""
        if mask is not None and mask.shape[:2] != inputs.shape[:2]:
            raise ValueError(f"{describe(self)}: expected a mask of shape {inputs.shape[:2]}; got {mask.shape}.")
        signature = self.layer._ef_state.signature
        if whole_sequences.get() and not training:
            return self._at_once(inputs, mask, signature)
        steps = ops.unstack(inputs, axis=1)
        masks: list[Any] = [None] * len(steps)
        if mask is not None and any(parameter == "mask" for _, parameter in signature.masks):
            masks = ops.unstack(mask, axis=1)
        outputs = []
        for step, live in zip(steps, masks, strict=True):
            context = {"training": training} if signature.takes_training else {}
            outputs.append(self.layer(step, **context, **({} if live is None else {"mask": live})))
        return ops.stack(outputs, axis=1)

    def _at_once(self, inputs: Tensor, mask: Any, signature: Any) -> Tensor:
        """All steps as examples of one batch: the same ops for any number of them."""
        batch, steps = inputs.shape[:2]
        options: dict[str, Any] = {"training": False} if signature.takes_training else {}
        if mask is not None and any(parameter == "mask" for _, parameter in signature.masks):
            options["mask"] = ops.reshape(mask, (batch * steps, *mask.shape[2:]))
        found = self.layer(ops.reshape(inputs, (batch * steps, *inputs.shape[2:])), **options)
        return ops.reshape(found, (batch, steps, *found.shape[1:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, time, ...)."""
        batch, *rest = self.layer.compute_output_shape(self._of_step(input_shape))
        return (batch, input_shape[1], *rest)

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        """The layer's own answer for one step, with its type, and the steps in between."""
        if type(self).call is not TimeDistributed.call:
            return super()._infer(args, kwargs, size)
        inputs = args[0] if args else kwargs["inputs"]
        steps = inputs.shape[1]
        one = infer(self.layer, (Spec(self._of_step(inputs.shape), inputs.dtype),), {}, size)
        return tree.map_structure(lambda x: Spec((x.shape[0], steps, *x.shape[1:]), x.dtype), one)


class SpectralNormalization(Wrapper):
    """Wraps a layer and divides its kernel by the kernel's largest singular value at every training step.

    Args:
        layer: the layer to wrap, which has a `kernel` or `embeddings`.
        power_iterations: the number of power iterations per step that estimate the singular value.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a layer without such a weight, or power_iterations below 1.

    Source: Miyato et al. 2018, https://arxiv.org/abs/1802.05957.

    >>> dense = ef.layers.Dense(2, use_bias=False, kernel_initializer=ef.initializers.Identity(gain=4.0))
    >>> layer = ef.layers.SpectralNormalization(dense)
    >>> layer(ef.Tensor([[1.0, 2.0]]), training=True).numpy().round(3).tolist()  # 4 times the identity, divided by 4
    [[1.0, 2.0]]
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = integer(self, "power_iterations", power_iterations)

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer, and creates the vector of the power iteration."""
        super().build(input_shape)
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        kernel = getattr(self.layer, "kernel", None)
        if kernel is None:
            kernel = getattr(self.layer, "embeddings", None)
        if kernel is None:
            raise ValueError(
                f"SpectralNormalization needs a layer with a kernel or embeddings; {type(self.layer).__name__} "
                f'"{self.layer.name}" has none.'
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=kernel.dtype,
        )

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """The layer's outputs; while training, its kernel is normalized first."""
        if training:
            self._normalize()
        outputs = self.layer(inputs)
        return outputs if inputs.dtype.kind in "iub" else ops.cast(outputs, inputs.dtype)

    @replayed
    def _normalize(self) -> None:
        with autocast_scope(None):  # in mixed precision, too, the kernel keeps all its digits
            if self.kernel.data.any():
                u, kernel = self.normalized_weights()
                self.vector_u.assign(ops.stop_gradient(u))
                self.kernel.assign(ops.stop_gradient(kernel))

    def normalized_weights(self) -> tuple[Tensor, Tensor]:
        """The vector after the power iteration, and the kernel divided by its largest singular value.

        >>> dense = ef.layers.Dense(2, kernel_initializer=ef.initializers.Identity(gain=4.0))
        >>> layer = ef.layers.SpectralNormalization(dense)
        >>> layer.build((None, 2))
        >>> vector, kernel = layer.normalized_weights()
        >>> kernel.numpy().round(3).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        matrix = self.kernel.value.reshape((-1, self.kernel.shape[-1]))
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = _unit(u @ ops.transpose(matrix))
            u = _unit(v @ matrix)
        sigma = v @ matrix @ ops.transpose(u)
        return u, (matrix / sigma).reshape(self.kernel.shape)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """The shape of the wrapped layer's output."""
        return self.layer.compute_output_shape(input_shape)


def _unit(x: Tensor) -> Tensor:
    return x / ops.maximum(ops.sqrt((x * x).sum()), 1e-7)
