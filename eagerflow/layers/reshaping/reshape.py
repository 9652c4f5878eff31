"""Layers that change shapes and keep values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import integer, layout
from eagerflow.layer.symbolic.tensors import Spec

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


class Flatten(Layer):
    """Flattens each sample: joins all axes but the first (batch) into one.

    Args:
        data_format: with `"channels_first"`, the channels are moved to the end before flattening, so that the result is
            the same as with `"channels_last"`. None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an unknown data format.

    >>> ef.layers.Flatten()(ef.Tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    >>> ef.layers.Flatten()(ef.ops.ones((5, 2, 3))).shape
    (5, 6)
    """

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.data_format = layout(self, data_format)
        self.input_spec = InputSpec(min_ndim=1)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The flattened inputs, of shape (batch, elements)."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.transpose(inputs, (0, *range(2, inputs.ndim), 1))
        return inputs.reshape((inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, elements)."""
        batch, *lengths = input_shape
        known = [n for n in lengths if n is not None]
        return (batch, math.prod(known) if len(known) == len(lengths) else None)


class Reshape(Layer):
    """Gives each sample another shape.

    Args:
        target_shape: the shape without the batch axis; one length may be -1 and follows from the others.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for an impossible shape; on a call, when the number of elements differs.

    >>> ef.layers.Reshape((-1, 2))(ef.Tensor([[1.0, 2.0, 3.0, 4.0]])).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    >>> ef.layers.Reshape((3, 2))(ef.ops.ones((5, 6))).shape
    (5, 3, 2)
    """

    def __init__(self, target_shape: Sequence[SupportsIndex], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        usable = isinstance(target_shape, (list, tuple)) and all(
            hasattr(n, "__index__") and n >= -1 for n in target_shape
        )
        if not usable or sum(n == -1 for n in target_shape) > 1:
            raise ValueError(
                f"Reshape(target_shape={target_shape!r}): expected a tuple of lengths without the batch axis, one of "
                "which may be -1."
            )
        self.target_shape = tuple([int(n) for n in target_shape])

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs in the shape (batch, *target_shape)."""
        return inputs.reshape((inputs.shape[0], *self._resolved(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *target_shape), with None for what can't be known."""
        return (input_shape[0], *self._resolved(tuple(input_shape[1:])))

    def _infer(self, args: Any, kwargs: Any, size: tuple[int, int]) -> Any:
        """Without -1 the samples have the target's shape: what length may be unknown before it doesn't matter."""
        inputs = args[0] if args else kwargs["inputs"]
        # The first size tried is checked; the later ones come when it doesn't fit.
        if -1 in self.target_shape or size[1] < 128 or size[1] not in inputs.shape[1:]:
            return super()._infer(args, kwargs, size)
        return Spec((inputs.shape[0], *self.target_shape), inputs.dtype)

    def _resolved(self, lengths: Shape) -> Shape:
        known = math.prod([n for n in self.target_shape if n != -1])
        if None in lengths:
            return tuple([None if n == -1 else n for n in self.target_shape])
        elements = math.prod([n for n in lengths if n is not None])
        fits = known and elements % known == 0 if -1 in self.target_shape else elements == known
        if not fits:
            raise ValueError(
                f"{describe(self)}: samples of shape {lengths} have {elements} elements, which don't fill "
                f"target_shape={self.target_shape}. Its lengths must multiply to {elements}; one may be -1."
            )
        return tuple([elements // known if n == -1 else n for n in self.target_shape])


class Permute(Layer):
    """Reorders the axes of each sample.

    Args:
        dims: for each axis of the output after the batch axis, the number of the axis of the input. The batch axis is
            0.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: when `dims` is no permutation of 1, 2, ...

    >>> ef.layers.Permute((2, 1))(ef.Tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[[1.0, 3.0], [2.0, 4.0]]]
    >>> ef.layers.Permute((2, 1))(ef.ops.ones((5, 2, 3))).shape
    (5, 3, 2)
    """

    def __init__(self, dims: Sequence[SupportsIndex], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(dims, (list, tuple)) or sorted(dims) != list(range(1, len(dims) + 1)):
            raise ValueError(
                f"Permute(dims={dims!r}): expected the axes 1, 2, ... in some order; the batch axis 0 stays."
            )
        self.dims = tuple(dims)
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs with their axes in the new order."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input with its lengths in the new order."""
        return (input_shape[0], *[input_shape[i] for i in self.dims])


class RepeatVector(Layer):
    """Repeats the vector of each sample `n` times along a new axis.

    Args:
        n: how often to repeat it.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, features). Output: (batch, n, features).

    Raises:
        ValueError: for n below 1.

    >>> ef.layers.RepeatVector(3)(ef.Tensor([[1.0, 2.0]])).tolist()
    [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.n = integer(self, "n", n, wrong_type=TypeError)
        self.input_spec = InputSpec(ndim=2)

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The repeated vectors."""
        batch, features = inputs.shape
        return ops.broadcast_to(inputs.reshape((batch, 1, features)), (batch, self.n, features))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, n, features)."""
        return (input_shape[0], self.n, input_shape[1])
