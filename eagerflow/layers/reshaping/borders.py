"""Layers that add, cut off or multiply positions along spatial axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import DataFormat, Interpolation, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import InputSpec, describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import integer, layout, one_of, sizes
from eagerflow.layers.convolutional.conv_base import with_defaults

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D"]
__all__ += ["ZeroPadding2D", "ZeroPadding3D"]

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _Spatial(Layer):
    """A layer that changes the lengths of the spatial axes."""

    rank: int

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def __init__(self, data_format: Any, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.data_format = layout(self, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _first(self) -> int:
        """The first spatial axis."""
        return 1 if self.data_format == "channels_last" else 2

    def _lengths(self, input_shape: Shape) -> list[int | None]:
        """The new lengths of the spatial axes."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input with other spatial lengths."""
        first, last = self._first, self._first + self.rank
        return (*input_shape[:first], *self._lengths(input_shape[first:last]), *input_shape[last:])


def _sides(layer: Any, name: str, value: Any) -> Any:
    """`value` as one pair (before, after) per spatial axis; with one spatial axis, as a single pair."""
    rank = layer.rank
    if rank == 1:
        return sizes(layer, name, value, 2, least=0)
    if isinstance(value, (list, tuple)):
        if len(value) != rank:
            raise ValueError(
                f"{type(layer).__name__}({name}={value!r}): expected an integer, {rank} integers, or {rank} pairs."
            )
        return tuple([sizes(layer, name, v, 2, least=0) for v in value])
    return (sizes(layer, name, value, 2, least=0),) * rank


class _ZeroPadding(_Spatial):
    """Zeros around."""

    def __init__(self, padding: Any = 1, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = _sides(self, "padding", padding)

    @property
    def _pairs(self) -> tuple[tuple[int, int], ...]:
        return (self.padding,) if self.rank == 1 else self.padding

    def call(self, inputs: Tensor) -> Tensor:
        """The padded inputs."""
        none = (0, 0)
        around = (none, *self._pairs, none) if self._first == 1 else (none, none, *self._pairs)
        return ops.pad(inputs, around)

    def _lengths(self, input_shape: Shape) -> list[int | None]:
        return [None if n is None else n + a + b for n, (a, b) in zip(input_shape, self._pairs, strict=True)]


class ZeroPadding1D(_ZeroPadding):
    """Pads sequences with zeros at both ends.

    Args:
        padding: an integer for both ends, or a pair.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a negative number.

    >>> ef.layers.ZeroPadding1D((1, 0))(ef.Tensor([[[5.0]]])).tolist()
    [[[0.0], [5.0]]]
    """

    rank = 1


@with_defaults(padding=(1, 1))
class ZeroPadding2D(_ZeroPadding):
    """Pads images with zeros around them.

    Args:
        padding: an integer; a pair `(height, width)`, each for both sides; or `((top, bottom), (left, right))`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a negative number.

    >>> ef.layers.ZeroPadding2D(1)(ef.Tensor([[[[5.0]]]]))[0, :, :, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]]
    >>> ef.layers.ZeroPadding2D(((1, 0), (0, 2)))(ef.ops.ones((1, 4, 4, 3))).shape
    (1, 5, 6, 3)
    """

    rank = 2


@with_defaults(padding=((1, 1), (1, 1), (1, 1)))
class ZeroPadding3D(_ZeroPadding):
    """Pads volumes with zeros around them.

    Args:
        padding: an integer, three integers (each for both ends of an axis), or three pairs.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a negative number.

    >>> ef.layers.ZeroPadding3D((1, 2, 0))(ef.ops.ones((2, 4, 5, 6, 3))).shape
    (2, 6, 9, 6, 3)
    """

    rank = 3


class _Cropping(_Spatial):
    """Without the outermost positions."""

    def __init__(self, cropping: Any, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = _sides(self, "cropping", cropping)

    @property
    def _pairs(self) -> tuple[tuple[int, int], ...]:
        return (self.cropping,) if self.rank == 1 else self.cropping

    def call(self, inputs: Tensor) -> Tensor:
        """The inner part of the inputs."""
        spatial = inputs.shape[self._first : self._first + self.rank]
        self._lengths(spatial)
        cut = [slice(a, n - b) for n, (a, b) in zip(spatial, self._pairs, strict=True)]
        return inputs[(*(slice(None),) * self._first, *cut)]

    def _lengths(self, input_shape: Shape) -> list[int | None]:
        pairs = self._pairs
        found = [None if n is None else n - a - b for n, (a, b) in zip(input_shape, pairs, strict=True)]
        if any(n is not None and n < 1 for n in found):
            raise ValueError(
                f"{describe(self)}(cropping={self.cropping}) leaves nothing of spatial lengths {tuple(input_shape)}."
            )
        return found


class Cropping1D(_Cropping):
    """Cuts off the ends of sequences.

    Args:
        cropping: an integer for both ends, or a pair.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, new_steps, channels).

    Raises:
        ValueError: for a negative number; on a call, when nothing is left.

    >>> ef.layers.Cropping1D((1, 0))(ef.Tensor([[[5.0], [6.0]]])).tolist()
    [[[6.0]]]
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Cuts off the borders of images.

    Args:
        cropping: an integer; a pair `(height, width)`, each for both sides; or `((top, bottom), (left, right))`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a negative number; on a call, when nothing is left.

    >>> image = ef.ops.reshape(ef.ops.arange(16.0), (1, 4, 4, 1))
    >>> ef.layers.Cropping2D(1)(image)[0, :, :, 0].tolist()
    [[5.0, 6.0], [9.0, 10.0]]
    >>> ef.layers.Cropping2D(((1, 0), (0, 2)))(image).shape
    (1, 3, 2, 1)
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cuts off the borders of volumes.

    Args:
        cropping: an integer, three integers (each for both ends of an axis), or three pairs.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a negative number; on a call, when nothing is left.

    >>> ef.layers.Cropping3D(1)(ef.ops.ones((2, 4, 5, 6, 3))).shape
    (2, 2, 3, 4, 3)
    >>> ef.layers.Cropping3D(((0, 1), (0, 0), (2, 2)))(ef.ops.ones((2, 4, 5, 6, 3))).shape
    (2, 3, 5, 2, 3)
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class _UpSampling(_Spatial):
    """Each position several times."""

    def __init__(self, size: Any = 2, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(data_format, **kwargs)
        self.size = (
            integer(self, "size", size, wrong_type=TypeError)
            if self.rank == 1
            else sizes(self, "size", size, self.rank)
        )

    @property
    def _factors(self) -> tuple[int, ...]:
        return (self.size,) if isinstance(self.size, int) else self.size

    def call(self, inputs: Tensor) -> Tensor:
        """The enlarged inputs."""
        for axis, factor in enumerate(self._factors, self._first):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs

    def _lengths(self, input_shape: Shape) -> list[int | None]:
        return [None if n is None else n * f for n, f in zip(input_shape, self._factors, strict=True)]


class UpSampling1D(_UpSampling):
    """Repeats each timestep.

    Args:
        size: how often each timestep comes in the output.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: (batch, steps, channels). Output: (batch, steps * size, channels).

    Raises:
        ValueError: for a size below 1.

    >>> ef.layers.UpSampling1D(2)(ef.Tensor([[[5.0], [6.0]]])).tolist()
    [[[5.0], [5.0], [6.0], [6.0]]]
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(size, "channels_last", **kwargs)


class UpSampling2D(_UpSampling):
    """Enlarges images: repeats their pixels, or interpolates.

    Args:
        size: an integer, or the factors of height and width.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        interpolation: `"nearest"` (pixels are repeated), `"bilinear"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"`.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a size below 1, or an unknown interpolation.

    >>> image = ef.Tensor([[[[1.0], [2.0]]]])
    >>> ef.layers.UpSampling2D(2)(image)[0, :, :, 0].tolist()
    [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    >>> ef.layers.UpSampling2D(2, interpolation="bilinear")(image)[0, :, :, 0].tolist()
    [[1.0, 1.25, 1.75, 2.0], [1.0, 1.25, 1.75, 2.0]]
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: DataFormat | None = None,
        interpolation: Interpolation = "nearest",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = one_of(self, "interpolation", interpolation, _INTERPOLATIONS)

    def call(self, inputs: Tensor) -> Tensor:
        """The larger images."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        lengths = self._lengths(inputs.shape[self._first : self._first + 2])
        return ops.image.resize(inputs, tuple(lengths), interpolation=self.interpolation, data_format=self.data_format)


@with_defaults(size=(2, 2, 2))
class UpSampling3D(_UpSampling):
    """Enlarges volumes: repeats each position.

    Args:
        size: an integer, or three factors for the spatial axes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Raises:
        ValueError: for a size below 1.

    >>> volume = ef.ops.reshape(ef.ops.arange(2.0), (1, 2, 1, 1, 1))
    >>> ef.layers.UpSampling3D((2, 1, 1))(volume).reshape(-1).tolist()
    [0.0, 0.0, 1.0, 1.0]
    >>> ef.layers.UpSampling3D(2)(volume).shape
    (1, 4, 2, 2, 1)
    """

    rank = 3
