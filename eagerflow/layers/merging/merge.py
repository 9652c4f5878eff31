"""Layers with several inputs: sums, products, maxima, concatenation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Unpack

import numpy

from eagerflow import ops
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.tensor_masks import get_mask

__all__ = ["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average"]
__all__ += ["concatenate", "maximum", "minimum", "multiply", "subtract"]


class _Merge(Layer):
    """A layer that is called on a list of tensors."""

    def __init__(self, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def merge(self, inputs: list[Tensor]) -> Tensor:
        """Merges tensors; subclasses override it.

        Args:
            inputs: the tensors, with the same number of axes.
        """
        raise NotImplementedError

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Check that the inputs fit together."""
        self.compute_output_shape(input_shape)
        self.built = True

    if TYPE_CHECKING:

        def __call__(self, inputs: Sequence[TensorLike], *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The merged inputs. Inputs with fewer axes get axes of length 1 after the batch axis."""
        if not isinstance(inputs, (list, tuple)):
            raise _not_a_list(self, signature_of(inputs))
        rank = max([x.ndim for x in inputs])
        return self.merge([_with_axes(x, rank) for x in inputs])

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape that all inputs broadcast to."""
        shapes = _list_of_shapes(self, input_shape)
        rank = max([len(s) for s in shapes])
        spread = [(*s[:1], *((1,) * (rank - len(s))), *s[1:]) for s in shapes]
        return reduce(lambda a, b: self._broadcast(a, b, shapes), spread)

    def _broadcast(self, a: Any, b: Any, shapes: Any) -> Shape:
        for i, (m, n) in enumerate(zip(a, b, strict=True)):
            if None not in (m, n) and m != n and (i == 0 or 1 not in (m, n)):
                what = "batches of one size" if i == 0 else "shapes that broadcast"
                raise ValueError(f"{describe(self)} needs inputs with {what}; got {shapes}.{_how_to_add(shapes)}")
        return tuple([None if None in (m, n) else n if m == 1 else m for m, n in zip(a, b, strict=True)])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any input's mask is; None when an input has none."""
        if mask is None:
            return None
        _check_masks(self, inputs, mask)
        if any(m is None for m in mask):
            return None
        return reduce(ops.logical_or, mask)


def _check_masks(layer: Any, inputs: Any, mask: Any) -> None:
    """Raise ValueError unless there is one mask, or None, for each of several inputs."""
    if not isinstance(inputs, (list, tuple)):
        raise _not_a_list(layer, signature_of(inputs))
    if not isinstance(mask, (list, tuple)) or len(mask) != len(inputs):
        got = f"{len(mask)} of them" if isinstance(mask, (list, tuple)) else signature_of(mask)
        raise ValueError(
            f"{describe(layer)}: expected a list of {len(inputs)} masks (or None), one per input; got {got}."
        )


def _not_a_list(layer: Any, got: str) -> ValueError:
    return ValueError(
        f"{describe(layer)} is called on a list of inputs; got {got}. Write {type(layer).__name__}()([x, y])."
    )


def _how_to_add(shapes: Sequence[Shape]) -> str:
    """What to do about a shortcut round layers with strides, or with other channels."""
    if {len(shape) for shape in shapes} not in ({4}, {5}):
        return _how_to_widen(shapes) or _how_to_fit(shapes)
    of = f"Conv{len(shapes[0]) - 2}D"
    large, small = max(shapes, key=_pixels), min(shapes, key=_pixels)
    ratios = {m / n if m and n else None for m, n in zip(large[1:-1], small[1:-1])}
    ratio = next(iter(ratios)) or 0
    if len(ratios) == 1 and ratio >= 2 and ratio == int(ratio):
        return f" A shortcut past strides={ratio:.0f} needs them, too: {of}({small[-1]}, 1, strides={ratio:.0f})(x)."
    channels = {n for shape in shapes if (n := shape[-1]) is not None}
    if len({shape[1:-1] for shape in shapes}) == 1 and len(channels) > 1:
        few, many = min(channels), max(channels)
        return f" The branch with {few} channels needs {many} as well: pass it through {of}({many}, 1) first."
    return _how_to_fit(shapes)


def _how_to_widen(shapes: Sequence[Shape]) -> str:
    """What to do about branches that differ in their features alone."""
    features = sorted({n for shape in shapes if (n := shape[-1]) is not None})
    if len({shape[:-1] for shape in shapes}) > 1 or len(features) != 2 or len(shapes[0]) < 2:
        return ""
    few, many = features
    return (
        f" The branch with {few} features needs {many} as well: Dense({many})(x); Concatenate() takes them as they are."
    )


def _pixels(shape: Shape) -> int:
    return math.prod([n or 1 for n in shape[1:-1]])


def _other_axis(shapes: Sequence[Shape]) -> str:
    """The axis of vectors or sequences to join along, if there is one in which alone they differ."""
    differ = [i for i, sizes in enumerate(zip(*shapes)) if len({*sizes} - {None}) > 1]
    if len({len(shape) for shape in shapes}) > 1 or len(shapes[0]) > 3 or len(differ) != 1 or not differ[0]:
        return ""
    return f" Concatenate(axis={differ[0]}) joins these."


def _how_to_flatten(shapes: Sequence[Shape]) -> str:
    """What to do about vectors merged with sequences or images."""
    ranks = sorted({len(shape) for shape in shapes})
    if len(ranks) < 2 or ranks[0] != 2:
        return ""
    deep = next(shape for shape in shapes if len(shape) > 2)
    pooling = f" or GlobalAveragePooling{ranks[1] - 2}D()(x)" if ranks[1] <= 5 else ""
    return f" Make a vector for each row of {deep} first: Flatten()(x){pooling}."


def _how_to_fit(shapes: Sequence[Shape]) -> str:
    """What to do about pictures of different sizes, if that is what they are."""
    ranks = {len(shape) for shape in shapes}
    if len(ranks) > 1 or not ranks <= {4, 5} or not any(len({*sizes} - {None}) > 1 for sizes in [*zip(*shapes)][1:-1]):
        return ""
    return (
        " Convolutions with padding='same' keep the size; an odd size that was halved and doubled again needs "
        "Cropping2D, ZeroPadding2D, or inputs whose size can be halved as often."
    )


def _list_of_shapes(layer: Any, input_shape: Any) -> list[Shape]:
    if not input_shape or not isinstance(input_shape[0], (list, tuple)):
        raise _not_a_list(layer, f"the shape {input_shape}")
    return [tuple(s) for s in input_shape]


def _with_axes(x: Tensor, rank: int) -> Tensor:
    if x.ndim == rank:
        return x
    return x.reshape((*x.shape[:1], *((1,) * (rank - x.ndim)), *x.shape[1:]))


def _exactly_two(layer: Any, inputs: Sequence[Any]) -> None:
    if len(inputs) != 2:
        raise ValueError(f"{describe(layer)} needs exactly 2 inputs; got {len(inputs)}.")


class Add(_Merge):
    """The elementwise sum of the inputs.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for shapes that don't broadcast.

    >>> ef.layers.Add()([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[10.0, 20.0]])]).tolist()
    [[11.0, 22.0]]
    """

    def merge(self, inputs: list[Tensor]) -> Tensor:
        """The sum of the inputs.

        Args:
            inputs: the tensors, with the same number of axes.
        """
        return reduce(ops.add, inputs)


class Subtract(_Merge):
    """The first input minus the second.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for shapes that don't broadcast, or another number of inputs than 2.

    >>> ef.layers.Subtract()([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[10.0, 20.0]])]).tolist()
    [[-9.0, -18.0]]
    """

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape that both inputs broadcast to."""
        _exactly_two(self, _list_of_shapes(self, input_shape))
        return super().compute_output_shape(input_shape)

    def merge(self, inputs: list[Tensor]) -> Tensor:
        """The first input minus the second.

        Args:
            inputs: the two tensors.
        """
        _exactly_two(self, inputs)
        return inputs[0] - inputs[1]


class Average(_Merge):
    """The elementwise mean of the inputs.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for shapes that don't broadcast.

    >>> ef.layers.Average()([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[3.0, 6.0]])]).tolist()
    [[2.0, 4.0]]
    """

    def merge(self, inputs: list[Tensor]) -> Tensor:
        """The mean of the inputs.

        Args:
            inputs: the tensors, with the same number of axes.
        """
        return reduce(ops.add, inputs) / len(inputs)


class Multiply(_Merge):
    """The elementwise product of the inputs.

    Masked positions of an input count as 1; where all inputs are masked, the product is 0.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for shapes that don't broadcast.

    >>> ef.layers.Multiply()([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[3.0, 6.0]])]).tolist()
    [[3.0, 12.0]]
    """

    def merge(self, inputs: list[Tensor]) -> Tensor:
        """The product of the inputs.

        Args:
            inputs: the tensors, with the same number of axes.
        """
        return reduce(ops.multiply, inputs)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The product of the inputs, which may have masks."""
        masks = [_spread_mask(x) for x in inputs] if isinstance(inputs, (list, tuple)) else []
        if all(m is None for m in masks):
            return super().call(inputs)
        filled = [x if m is None else ops.where(m, x, 1) for x, m in zip(inputs, masks, strict=True)]
        product = super().call(filled)
        if any(m is None for m in masks):
            return product
        return ops.where(reduce(ops.logical_or, masks), product, 0)


class _Extreme(_Merge):
    """The larger or smaller of the inputs; masked positions don't count."""

    choose: Callable[..., Tensor]

    def merge(self, inputs: list[Tensor]) -> Tensor:
        """The elementwise maximum or minimum of the inputs.

        Args:
            inputs: the tensors, with the same number of axes.
        """
        return reduce(type(self).choose, inputs)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The elementwise maximum or minimum of the inputs; positions that an input masks don't count for it."""
        masks = [_spread_mask(x) for x in inputs] if isinstance(inputs, (list, tuple)) else []
        if all(m is None for m in masks):
            return super().call(inputs)
        out, seen = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            x = x if mask is None else ops.where(mask, x, out)
            out = out if seen is None else ops.where(seen, out, x)
            seen = ops.logical_or(seen, mask) if seen is not None and mask is not None else None
            out = type(self).choose(out, x)
        return out


def _spread_mask(x: Tensor) -> Tensor | None:
    """The mask of a tensor, with the axis of features."""
    mask = get_mask(x)
    return None if mask is None else ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)


class Maximum(_Extreme):
    """The elementwise maximum of the inputs.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for shapes that don't broadcast.

    >>> ef.layers.Maximum()([ef.Tensor([[1.0, 9.0]]), ef.Tensor([[3.0, 6.0]])]).tolist()
    [[3.0, 9.0]]
    """

    choose = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The elementwise minimum of the inputs.

    Args:
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for shapes that don't broadcast.

    >>> ef.layers.Minimum()([ef.Tensor([[1.0, 9.0]]), ef.Tensor([[3.0, 6.0]])]).tolist()
    [[1.0, 6.0]]
    """

    choose = staticmethod(ops.minimum)


class Concatenate(_Merge):
    """Joins the inputs one after the other along an axis.

    Args:
        axis: the axis to join along; default: the last.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: when shapes differ elsewhere than along the axis.

    >>> ef.layers.Concatenate()([ef.Tensor([[1.0, 2.0]]), ef.Tensor([[3.0]])]).tolist()
    [[1.0, 2.0, 3.0]]
    """

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, (int, numpy.integer)):
            raise ValueError(f"Concatenate(axis={axis!r}): expected an integer.")
        self.axis = int(axis)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """The joined inputs."""
        if not isinstance(inputs, (list, tuple)):
            raise _not_a_list(self, signature_of(inputs))
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape of the first input, with the sum of the lengths along the axis."""
        shapes = _list_of_shapes(self, input_shape)
        first = shapes[0]
        fits = -len(first) <= self.axis < len(first) and all(len(s) == len(first) for s in shapes)
        place = self.axis % len(first) if fits else 0
        for lengths in zip(*[s[:place] + s[place + 1 :] for s in shapes], strict=False) if fits else ():
            fits = fits and len(set(lengths) - {None}) <= 1
        if not fits:
            raise ValueError(
                f"{describe(self)}(axis={self.axis}) needs inputs whose shapes differ along that axis only; "
                f"got {shapes}.{_other_axis(shapes) or _how_to_flatten(shapes) or _how_to_fit(shapes)}"
            )
        along = [s[place] for s in shapes]
        total = None if None in along else sum(n for n in along if n is not None)
        return (*first[:place], total, *first[place + 1 :])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks one after the other; inputs without one count as unmasked."""
        if mask is None:
            return None
        _check_masks(self, inputs, mask)
        if all(m is None for m in mask):
            return None
        spread = [_concatenable(x, m) for x, m in zip(inputs, mask, strict=True)]
        return ops.any(ops.concatenate(spread, axis=self.axis), axis=-1)


def _concatenable(x: Tensor, mask: Any) -> Tensor:
    everywhere = ops.ones_like(x, dtype="bool")
    if mask is None:
        return everywhere
    return mask if mask.ndim == x.ndim else ops.logical_and(ops.expand_dims(mask, -1), everywhere)


def add(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The sum of the inputs, as the layer `Add` computes it.

    Args:
        inputs: two or more tensors whose shapes broadcast.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.add([ef.Tensor([1.0, 2.0]), ef.Tensor([10.0, 20.0])]).tolist()
    [11.0, 22.0]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The difference of two inputs, as the layer `Subtract` computes it.

    Args:
        inputs: two tensors whose shapes broadcast: the second is taken from the first.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.subtract([ef.Tensor([10.0, 20.0]), ef.Tensor([1.0, 2.0])]).tolist()
    [9.0, 18.0]
    """
    return Subtract(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The mean of the inputs, as the layer `Average` computes it.

    Args:
        inputs: two or more tensors whose shapes broadcast.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.average([ef.Tensor([1.0, 2.0]), ef.Tensor([3.0, 6.0])]).tolist()
    [2.0, 4.0]
    """
    return Average(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The product of the inputs, as the layer `Multiply` computes it.

    Args:
        inputs: two or more tensors whose shapes broadcast.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.multiply([ef.Tensor([1.0, 2.0]), ef.Tensor([3.0, 6.0])]).tolist()
    [3.0, 12.0]
    """
    return Multiply(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The elementwise maximum of the inputs, as the layer `Maximum` computes it.

    Args:
        inputs: two or more tensors whose shapes broadcast.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.maximum([ef.Tensor([1.0, 9.0]), ef.Tensor([3.0, 6.0])]).tolist()
    [3.0, 9.0]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The elementwise minimum of the inputs, as the layer `Minimum` computes it.

    Args:
        inputs: two or more tensors whose shapes broadcast.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.minimum([ef.Tensor([1.0, 9.0]), ef.Tensor([3.0, 6.0])]).tolist()
    [1.0, 6.0]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Tensor:
    """The inputs joined along an axis, as by the layer `Concatenate`.

    Args:
        inputs: tensors whose shapes differ along `axis` only.
        axis: the axis along which they are joined.
        **kwargs: the layer's own arguments, such as `name`.

    >>> ef.layers.concatenate([ef.ops.ones((2, 3)), ef.ops.ones((2, 4))]).shape
    (2, 7)
    >>> ef.layers.concatenate([ef.ops.ones((2, 3)), ef.ops.ones((1, 3))], axis=0).shape
    (3, 3)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
