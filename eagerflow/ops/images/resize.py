"""Resizing and scaling of images: one matrix of weights per axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy

from eagerflow.base.errors import expect_one_of, signature_of
from eagerflow.base.typing import DataFormat, Interpolation, TensorLike
from eagerflow.core.device import to_host
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import pad
from eagerflow.ops.elementwise.rounding import round as round_to_even
from eagerflow.ops.elementwise.selection import clip
from eagerflow.ops.images.layout import checked_images, spatial_axes
from eagerflow.ops.windows.geometry import per_axis

__all__ = ["resize", "scale_and_translate"]


def _triangle(x: Any) -> Any:
    return numpy.maximum(0, 1 - x)


def _cubic(x: Any) -> Any:
    """Keys' cubic convolution with a = -0.5, for distances x >= 0."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return numpy.where(x < 1, near, numpy.where(x < 2, far, 0))


def _lanczos(radius: int) -> Callable[[Any], Any]:
    def weigh(x: Any) -> Any:
        return numpy.where(x <= radius, numpy.sinc(x) * numpy.sinc(x / radius), 0)

    return weigh


_KERNELS: dict[str, Callable[[Any], Any]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
_Method: TypeAlias = (
    Literal["linear", "bilinear", "trilinear", "triangle", "cubic", "bicubic", "tricubic", "lanczos3", "lanczos5"] | str
)
_METHODS = {
    "linear": "bilinear",
    "trilinear": "bilinear",
    "triangle": "bilinear",
    "cubic": "bicubic",
    "tricubic": "bicubic",
    **{name: name for name in _KERNELS},
}


def _weights(before: int, after: int, scale: float, translation: float, method: str, antialias: bool) -> Any:
    """How much of each of `before` elements goes into each of `after`: (before, after), columns adding up to 1.

    Element i lies at i + 1/2. Where antialiasing shrinks, the kernel is stretched over what falls into an element.
    """
    at = (numpy.arange(after) + 0.5 - translation) / scale - 0.5
    reach = max(1 / scale, 1.0) if antialias else 1.0
    weights = _KERNELS[method](abs(at - numpy.arange(before)[:, None]) / reach)
    total = weights.sum(axis=0)
    usable = abs(total) > 1000 * numpy.finfo("float32").eps
    weights = numpy.where(usable, weights / numpy.where(usable, total, 1), 0)
    return numpy.where((at >= -0.5) & (at <= before - 0.5), weights, 0)


def _along(x: Tensor, axis: int, weights: Any) -> Tensor:
    product = x.swapaxes(axis, -1) @ Tensor(weights, x.dtype, device=x.device)
    return product.swapaxes(axis, -1)


def _weighted(images: Tensor, axes: Sequence[int], matrices: Sequence[Any]) -> Tensor:
    """Each axis times its matrix; whole numbers are rounded back into their range."""
    whole = images.dtype.kind in "iub"
    x = images.astype("float32") if whole else images
    for axis, matrix in zip(axes, matrices, strict=True):
        x = _along(x, axis, matrix)
    if not whole or not images.size:
        return x.astype(images.dtype)
    low, high = images.data.min().item(), images.data.max().item()
    return clip(round_to_even(x), low, high).astype(images.dtype)


@composite
def resize(
    images: TensorLike,
    size: Any,
    interpolation: Interpolation = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: Literal["constant"] | str = "constant",
    fill_value: float = 0.0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Resizes images.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        size: the new height and width.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        antialias: whether to average over all pixels that fall into a new one when images shrink (not with
            `"nearest"`).
        crop_to_aspect_ratio: whether to crop images to the new proportions first, so that nothing is distorted.
        pad_to_aspect_ratio: whether to pad images to the new proportions first, so that nothing is distorted.
        fill_mode: only `"constant"`.
        fill_value: the value to pad with.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        Images of the same type; integers are rounded.

    Raises:
        ValueError: for invalid settings.

    Source: sampling points and kernels as in `jax.image.resize`, which Keras follows.

    >>> ef.ops.image.resize([[[0.0], [2.0]]], (1, 4))[:, :, 0].tolist()
    [[0.0, 0.5, 1.5, 2.0]]
    >>> ef.ops.image.resize(ef.ops.ones((8, 32, 32, 3)), (16, 24)).shape
    (8, 16, 24, 3)
    """
    images = checked_images("resize", images)
    target = _checked_size(images, size, interpolation, fill_mode)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: expected at most one of crop_to_aspect_ratio and pad_to_aspect_ratio; got both.")
    axes = spatial_axes(images, data_format)
    if crop_to_aspect_ratio:
        images = _cropped(images, axes, target)
    elif pad_to_aspect_ratio:
        images = _padded(images, axes, target, fill_value)
    lengths = [images.shape[a] for a in axes]
    if interpolation == "nearest":
        for axis, before, after in zip(axes, lengths, target):
            places = [(2 * i + 1) * before // (2 * after) for i in range(after)]
            chosen = Tensor(places, "int64", device=images.device).data
            images = images[(*(slice(None),) * axis, chosen)]
        return images
    changed = [(a, b, n) for a, b, n in zip(axes, lengths, target) if b != n]
    matrices = [_weights(b, n, n / b, 0.0, interpolation, antialias) for _, b, n in changed]
    return _weighted(images, [a for a, _, _ in changed], matrices)


def _checked_size(
    images: Tensor, size: Any, interpolation: Interpolation, fill_mode: Literal["constant"] | str
) -> tuple[int, ...]:
    known = (*_KERNELS, "nearest")
    expect_one_of("resize", "interpolation", interpolation, known)
    if fill_mode != "constant":
        raise ValueError(f"resize: fill_mode={fill_mode!r}: expected 'constant'.")
    if isinstance(size, numpy.ndarray):
        size = size.tolist()
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ValueError(f"resize: size={size!r}: expected (height, width).")
    if 0 in images.shape[-3:]:
        raise ValueError(f"resize: images: expected at least one pixel; got {signature_of(images)}.")
    return per_axis(size, 2, "size")


def _fitting(lengths: Sequence[int], target: Sequence[int]) -> tuple[int, int]:
    """The height that fits to the width, and the width that fits to the height, in the target's ratio."""
    return int(lengths[1] * target[0] / target[1]), int(lengths[0] * target[1] / target[0])


def _cropped(images: Tensor, axes: tuple[int, int], target: Sequence[int]) -> Tensor:
    lengths = [images.shape[a] for a in axes]
    for axis, length, fit in zip(axes, lengths, _fitting(lengths, target)):
        kept = max(min(length, fit), 1)
        start = (length - kept) // 2
        images = images[(*(slice(None),) * axis, slice(start, start + kept))]
    return images


def _padded(images: Tensor, axes: tuple[int, int], target: Sequence[int], value: float) -> Tensor:
    """As much in front as behind, in both directions of which one needs it."""
    lengths = [images.shape[a] for a in axes]
    widths = [(0, 0)] * images.ndim
    for axis, length, fit in zip(axes, lengths, _fitting(lengths, target)):
        front = (max(length, fit) - length) // 2
        widths[axis] = (front, front)
    return pad(images, widths, constant_values=value) if any(w != (0, 0) for w in widths) else images


@composite
def scale_and_translate(
    images: TensorLike,
    output_shape: Any,
    scale: TensorLike,
    translation: Any,
    spatial_dims: Any,
    method: _Method,
    antialias: bool = True,
) -> Tensor:
    """Scales and moves images: position `i` of an axis moves to `i * scale + translation`.

    Args:
        images: a tensor.
        output_shape: the shape of the result.
        scale: one number per spatial axis. No gradient flows to it.
        translation: one number per spatial axis, in pixels of the result. No gradient flows to it.
        spatial_dims: the axes to scale.
        method: `"linear"`, `"cubic"`, `"lanczos3"` or `"lanczos5"` (Keras' other names for the first two too).
        antialias: whether to average over all pixels that fall into a new one when images shrink.

    Returns:
        A tensor of `output_shape`; pixels outside of the images are 0.

    Raises:
        ValueError: for settings that don't fit together.

    Source: `jax.image.scale_and_translate`, which Keras follows.

    >>> ef.ops.image.scale_and_translate([1.0, 2.0, 3.0], (4,), [1.0], [1.0], [0], "linear").tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    images = convert_to_tensor(images)
    expect_one_of("scale_and_translate", "method", method, sorted(_METHODS))
    scales, moves = _numbers(scale), _numbers(translation)
    axes = [d % images.ndim for d in spatial_dims]
    if not len(scales) == len(moves) == len(axes) or len(output_shape) != images.ndim:
        raise ValueError(
            f"scale_and_translate: expected one scale and one translation for each of {len(axes)} spatial_dims, and "
            f"an output_shape with {images.ndim} lengths; got {len(scales)}, {len(moves)}, {output_shape!r}."
        )
    matrices = [
        _weights(images.shape[a], output_shape[a], s, t, _METHODS[method], antialias)
        for a, s, t in zip(axes, scales, moves)
    ]
    return _weighted(images, axes, matrices)


def _numbers(values: Any) -> list[float]:
    found = numpy.atleast_1d(to_host(convert_to_tensor(values).data)).tolist()
    if not all(math.isfinite(v) for v in found):
        raise ValueError(f"scale_and_translate: expected finite numbers; got {found}.")
    return [float(v) for v in found]
