"""Filters over images: blur, edges, structural similarity."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DataFormat, Padding, Sizes, TensorLike
from eagerflow.core.device import to_host
from eagerflow.core.op import composite
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.ops.arrays.join import stack
from eagerflow.ops.arrays.shape import broadcast_to
from eagerflow.ops.elementwise.arithmetic import square
from eagerflow.ops.elementwise.casting import cast
from eagerflow.ops.elementwise.exponential import exp
from eagerflow.ops.images.layout import as_batch, as_floats, typed_as
from eagerflow.ops.neural.convolution import depthwise_conv
from eagerflow.ops.reduce.reductions import mean
from eagerflow.ops.windows.geometry import per_axis

__all__ = ["gaussian_blur", "sobel_edges", "ssim"]


def _bell(size: int, sigma: float) -> Any:
    """`size` weights of a normal distribution, adding up to 1; a tensor where `sigma` is one."""
    at = numpy.arange(size) - (size - 1) / 2
    if isinstance(sigma, Tensor):
        weights = exp(square(Tensor(at, sigma.dtype, device=sigma.device) / sigma) * -0.5)
        return weights / weights.sum()
    weights = numpy.exp(-0.5 * (at / sigma) ** 2)
    return weights / weights.sum()


def _filtered(x: Tensor, rows: Any, columns: Any, padding: Padding) -> Tensor:
    """`x` (batch, height, width, channels), each channel filtered along height by `rows`, along width by `columns`."""
    for weights, shape in ((rows, (-1, 1, 1, 1)), (columns, (1, -1, 1, 1))):
        sides = (*_sides(weights, shape), x.shape[-1], 1)
        if isinstance(weights, Tensor):
            kernel = broadcast_to(cast(weights, x.dtype).reshape(shape), sides)
        else:
            given = numpy.broadcast_to(numpy.asarray(weights).reshape(shape), sides)
            kernel = Tensor(given, x.dtype, device=x.device)
        x = depthwise_conv(x, kernel, 1, padding, "channels_last")
    return x


def _sides(weights: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    return (len(weights), 1) if shape[0] == -1 else (1, len(weights))


@composite
def gaussian_blur(
    images: TensorLike, kernel_size: Sizes = (3, 3), sigma: Any = (1.0, 1.0), data_format: DataFormat | None = None
) -> Tensor:
    """Blurs images with a Gaussian kernel; pixels outside of the image count as 0.

    Args:
        images: (height, width, channels) or a batch of them, or channels first.
        kernel_size: the size of the kernel in pixels, along width and height.
        sigma: the standard deviations in pixels, along width and height.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Raises:
        ValueError: for invalid settings or shapes.

    >>> dot = ef.ops.pad([[[1.0]]], ((1, 1), (1, 1), (0, 0)))
    >>> ef.ops.image.gaussian_blur(dot)[:, :, 0].round(3)
    Tensor(3×3 float32, [[0.075, 0.124, 0.075],
                         [0.124, 0.204, 0.124],
                         [0.075, 0.124, 0.075]])
    """
    batch, back = as_batch("gaussian_blur", images, data_format)
    sizes = per_axis(_plain(kernel_size), 2, "kernel_size")
    sigmas = _both(sigma)
    if not all(s > 0 for s in sigmas):
        raise ValueError(f"gaussian_blur: sigma={sigma!r}: expected positive numbers.")
    columns, rows = (_bell(n, s) for n, s in zip(sizes, sigmas))
    return back(typed_as(batch, _filtered(as_floats(batch), rows, columns, "same")))


def _both(sigma: Any) -> list[Any]:
    """The deviations along width and height: tensors where they came as tensors, whose gradients flow."""
    if isinstance(sigma, Tensor):
        return list(broadcast_to(sigma, (2,)))
    given = list(sigma) if isinstance(sigma, (list, tuple)) else list(numpy.broadcast_to(sigma, 2))
    given = given * 2 if len(given) == 1 else given
    return [s if isinstance(s, Tensor) else float(s) for s in given]


def _plain(value: Any) -> Any:
    """A tensor of settings as Python numbers."""
    return to_host(value.data).tolist() if isinstance(value, Tensor) else value


@composite
def sobel_edges(images: TensorLike, data_format: DataFormat | None = None) -> Tensor:
    """Image gradients along height and width, by Sobel filters; pixels outside of the image count as 0.

    Args:
        images: floats, (batch, height, width, channels), or channels first.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        (batch, height, width, channels, 2), the last axis (dy, dx); or channels first.

    Raises:
        ValueError: for other numbers of axes.

    >>> step = [[0.0, 1.0, 1.0]] * 3
    >>> ef.ops.image.sobel_edges(ef.ops.reshape(step, (1, 3, 3, 1)))[0, 1, 1, 0].tolist()
    [0.0, 4.0]
    """
    if convert_to_tensor(images).ndim != 4:
        raise ValueError(f"sobel_edges: images: expected a batch with 4 axes; got {signature_of(images)}.")
    batch, back = as_batch("sobel_edges", images, data_format)
    slope, smooth = (-1, 0, 1), (1, 2, 1)
    down, across = _filtered(batch, slope, smooth, "same"), _filtered(batch, smooth, slope, "same")
    return stack([back(down), back(across)], axis=-1)


@composite
def ssim(
    image1: TensorLike,
    image2: TensorLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Structural similarity index (SSIM) of pairs of images: 1 for equal ones.

    Args:
        image1: (height, width, channels) or a batch of them, or channels first.
        image2: of the same shape.
        max_val: the largest value that pixels can have.
        filter_size: the side of the Gaussian window in pixels.
        filter_sigma: the standard deviation of the window in pixels.
        k1: a constant that keeps the division finite for dark images.
        k2: a constant that keeps the division finite for images without contrast.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.

    Returns:
        One float per image.

    Raises:
        ValueError: when shapes differ, or images are smaller than the filter.

    Source: Wang et al. 2004, Image quality assessment: from error visibility to structural similarity.

    >>> image = np.linspace(0, 1, 16 * 16).reshape(16, 16, 1)
    >>> float(ef.ops.image.ssim(image, image).round(3)), float(ef.ops.image.ssim(image, 1 - image)) < 0
    (1.0, True)
    """
    a, _ = as_batch("ssim", image1, data_format)
    b, _ = as_batch("ssim", image2, data_format)
    if a.shape != b.shape:
        raise ValueError(f"ssim: image1 and image2 need the same shape; got {signature_of(a)} and {signature_of(b)}.")
    local = _similarity(
        as_floats(a), as_floats(b), _bell(filter_size, filter_sigma), (k1 * max_val) ** 2, (k2 * max_val) ** 2
    )
    found = mean(local, axis=(1, 2, 3))
    found = found if a.dtype.kind in "iub" else found.astype(a.dtype)
    return found.reshape(()) if convert_to_tensor(image1).ndim == 3 else found


def _similarity(a: Tensor, b: Tensor, bell: Any, c1: float, c2: float) -> Tensor:
    """The similarity around every pixel that has a whole window."""

    def local(x: Tensor) -> Tensor:
        return _filtered(x, bell, bell, "valid")

    mean_a, mean_b = local(a), local(b)
    squares, product = mean_a * mean_a + mean_b * mean_b, mean_a * mean_b
    variances = local(a * a) + local(b * b) - squares
    covariance = local(a * b) - product
    return ((2 * product + c1) * (2 * covariance + c2)) / ((squares + c1) * (variances + c2))
