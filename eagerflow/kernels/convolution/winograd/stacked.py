"""3-D convolution with many channels or few tiles by Winograd's convolution of images.

Every layer of the output is an image, the convolution of an image whose channels are those of all the layers of the
input that it sees, side by side: long products, but each layer is transformed several times. See `volumes.py` for
the other way. Of a single volume PyTorch's sums are more exact than of several: it gets the more exact tiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.kernels.convolution.geometry import Geometry
from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.winograd import images as winograd
from eagerflow.kernels.convolution.winograd.minimal import EXACT_TILE
from eagerflow.kernels.machine.threads import each

__all__ = ["forward", "kernel_gradient", "suits"]

_ROOM = 1 << 22  # numbers of the images made at a time
_LEAST = 1 << 22  # multiply-adds: with fewer, making the images isn't worth the calls
_PER_MICROSECOND = 2_000  # numbers copied
_AT_ONCE = 64  # channels of all layers that are added up in one go; PyTorch's own sums are longer here, too


def _images(geometry: Geometry) -> Geometry:
    """The windows within a layer."""
    return Geometry(*[values[1:] for values in geometry])


def suits(x: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int) -> bool:
    """Whether this is the fastest way."""
    if len(geometry.sizes) != 3 or groups > 1:
        return False
    if len(x) * math.prod(geometry.outputs) * math.prod(kernel_shape) < _LEAST:
        return False
    depth, _, _, width, filters = kernel_shape
    return winograd.suits((3, 3, depth * width, filters), x.dtype, _images(geometry), 1)


def forward(
    x: Any,
    kernel: Any,
    geometry: Geometry,
    finish: Callable[[Any], None] | None = None,
    look: Look | None = None,
) -> Any:
    """x (batch, depth, height, width, channels), kernel (*sizes, channels, filters) -> (batch, *outputs, filters)."""
    out = numpy.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    flat = kernel.transpose(1, 2, 0, 3, 4).reshape(3, 3, -1, kernel.shape[-1])
    inner, tile = _images(geometry), EXACT_TILE if len(x) == 1 else 0
    for some in _chunks(x, geometry):
        images = _stacked(x[some], geometry)
        into = out[some].reshape(len(images), *out.shape[2:])
        winograd.forward(images, flat, inner, finish, into=into, tile=tile, at_once=_AT_ONCE)
        if look is not None:
            look.take(out, some)
    return out


def kernel_gradient(x: Any, g: Any, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel, (*sizes, channels, filters)."""
    depth, *_, width, filters = kernel_shape
    total, inner = numpy.zeros((3, 3, depth * width, filters), g.dtype), _images(geometry)
    for some in _chunks(x, geometry):
        images = _stacked(x[some], geometry)
        total += winograd.kernel_gradient(images, g[some].reshape(len(images), *g.shape[2:]), inner)
    return total.reshape(3, 3, depth, width, filters).transpose(2, 0, 1, 3, 4)


def _chunks(x: Any, geometry: Geometry) -> Iterator[slice]:
    """Some of the batch at a time."""
    line = geometry.outputs[0] * math.prod(geometry.lengths[1:]) * geometry.sizes[0] * x.shape[-1]
    step = max(1, _ROOM // line)
    return (slice(i, i + step) for i in range(0, len(x), step))


def _stacked(x: Any, geometry: Geometry) -> Any:
    """(batch * outputs, height, width, layers of the kernel * channels), with zeros for layers beyond the edge."""
    count, layers = geometry.outputs[0], geometry.sizes[0]
    found = numpy.empty((len(x), count, *x.shape[2:4], layers, x.shape[-1]), x.dtype)

    def work(i: int) -> None:
        one, place = divmod(i, count)
        for layer in range(layers):
            seen = place * geometry.strides[0] + layer * geometry.dilation[0] - geometry.before[0]
            found[one, place, :, :, layer] = x[one, seen] if 0 <= seen < x.shape[1] else 0

    each(work, len(x) * count, found.size / _PER_MICROSECOND)
    return found.reshape(len(x) * count, *x.shape[2:4], -1)
