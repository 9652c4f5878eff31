"""`Dot`: products of two inputs, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy

from eagerflow import ops
from eagerflow.base.typing import Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions

__all__ = ["Dot", "dot"]


class Dot(Layer):
    """The dot product of two inputs along one axis of each, for every sample.

    Args:
        axes: the axis in both inputs, or a pair with one for each; not 0, which is the batch axis.
        normalize: whether to divide by the norms along these axes first, so that the results are cosines.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    The output has the other axes of the first input, then those of the second.

    Raises:
        ValueError: for axes that don't exist or have different lengths.

    >>> ef.layers.Dot(axes=1)([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        given = list(axes) if isinstance(axes, (list, tuple)) else [axes]
        usable = all(isinstance(a, (int, numpy.integer)) and not isinstance(a, bool) for a in given)
        if not usable or len(given) > 2 or (isinstance(axes, (list, tuple)) and len(given) != 2) or 0 in given:
            raise ValueError(f"Dot(axes={axes!r}): expected an axis, or two of them, other than 0.")
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Check that the inputs fit together."""
        self._places(input_shape)
        self.built = True

    def _places(self, shapes: Any) -> tuple[int, int]:
        """The summed axes, counted from the front."""
        if len(shapes) != 2 or not all(isinstance(s, (list, tuple)) for s in shapes):
            raise ValueError(f"{describe(self)} is called on a list of exactly 2 inputs; got shapes {shapes}.")
        axes = self.axes if isinstance(self.axes, (list, tuple)) else [self.axes] * 2
        ranks = [len(s) for s in shapes]
        inside = all(-r <= a < r and a % r for a, r in zip(axes, ranks, strict=True))
        places = [a % r for a, r in zip(axes, ranks, strict=True)]
        lengths = {s[p] for s, p in zip(shapes, places, strict=True)} - {None}
        if not inside or len(lengths) > 1:
            raise ValueError(
                f"{describe(self)}(axes={self.axes}) needs inputs of equal lengths at these axes; got shapes "
                f"{tuple(shapes[0])} and {tuple(shapes[1])}."
            )
        return places[0], places[1]

    if TYPE_CHECKING:

        def __call__(self, inputs: Sequence[TensorLike], *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The dot products."""
        x, y = inputs
        a, b = self._places([x.shape, y.shape])
        if self.normalize:
            x, y = ops.normalize(x, axis=a), ops.normalize(y, axis=b)
        x, y = ops.moveaxis(x, a, -1), ops.moveaxis(y, b, 1)
        batch, length = x.shape[0], x.shape[-1]
        product = x.reshape((batch, -1, length)) @ y.reshape((batch, length, -1))
        shape = (batch, *x.shape[1:-1], *y.shape[2:])
        return product.reshape(shape if len(shape) > 1 else (batch, 1))

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The batch, the other axes of the first input, those of the second."""
        a, b = self._places(input_shape)
        first, second = list(input_shape[0]), list(input_shape[1])
        del first[a], second[b]
        shape = (*first, *second[1:])
        return shape if len(shape) > 1 else (*shape, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns None: the output has no mask."""
        return


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Tensor:
    """The dot product of two inputs, as the layer `Dot` computes it.

    Args:
        inputs: two tensors, `(batch, ...)` each.
        axes: the axes over which products are summed: one for both, or one for each.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.dot([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[3.0, 4.0]])], axes=1).tolist()
    [[11.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
