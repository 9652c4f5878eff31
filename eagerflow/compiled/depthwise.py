"""Depthwise convolution of images, channels last, one filter per channel: pixel by pixel, all channels at once.

The rows of an image that a row of outputs sees are copied to a ring of rows, with the padding's zeros around them: so
pixels at the edges are like all others, and what is read again and again is in the first cache. A row stays in the
ring until the window has moved past it. All arrays are flat, but for the axis of parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import compiled
from eagerflow.compiled.loops.pixels import (
    add_four_pixels,
    add_one_pixel,
    add_one_tap,
    add_row_of_taps,
    add_two_taps,
    fetch_soon,
    next_rows,
    nine_taps,
)
from eagerflow.compiled.pieces import pieces, run, run_rows
from eagerflow.kernels.machine.threads import scratch
from eagerflow.ops.windows.geometry import Geometry, effective

__all__ = ["forward", "input_gradient", "kernel_gradient"]

_at = np.uint64


@compiled("pixels[all], kernel[taps], out[found], rings[parts, room]", noalias=True)
def _depthwise(
    pixels: Any, kernel: Any, out: Any, rings: Any, channels: int, plan: Any, start: int, stop: int, part: int
) -> None:
    """The result, for some rows of all images' rows."""
    height, width, up, over, rows, cols, deep, wide, step, side, apart, spacing, above, left = plan
    n, ring, dilated = _at(channels), rings[part], _at(channels * spacing)
    for u in range(ring.size):
        ring[u] = 0
    together = 2 if side == 1 and spacing == 1 and cols > 3 else 1
    is_nine = rows == 3 and cols == 3 and apart == 1 and spacing == 1
    for line in range(start, stop):
        image, top = line // up, line % up * step - above
        first = top if line == start or line % up == 0 else max(top, top + deep - step)
        lead, row = left * channels, wide * channels
        next_rows(ring, pixels, image, first, top + deep, height, width * channels, lead, deep, row)
        at, p, next_row = _at(line * over) * n, 0, (image * height + top + deep) * width * channels
        r0, r1, r2 = (top + deep) % deep * wide, (top + deep + 1) % deep * wide, (top + deep + 2) % deep * wide
        while p < over:
            both = together == 2 and p + 1 < over
            taken = 2 if both else 1
            for h in range(step):
                fetch_soon(pixels, next_row + (h * width + p * side) * channels, taken * side * channels)
            if is_nine:
                a = _at(p * side)
                nine_taps(out, at, ring, (_at(r0) + a) * n, (_at(r1) + a) * n, (_at(r2) + a) * n, kernel, n)
                p, at = p + 1, at + n
                continue
            for u in range(channels * taken):
                out[at + _at(u)] = 0
            for i in range(rows):
                a = _at((top + deep + i * apart) % deep * wide + p * side) * n
                add_row_of_taps(out, at, ring, a, dilated, kernel, _at(i * cols) * n, n, cols, both)
            p, at = p + taken, at + _at(taken) * n


@compiled("pixels[all], g[found], sums[three, parts, third], rings[parts, room]", noalias=True)
def _depthwise_kernel_gradient(
    pixels: Any, g: Any, sums: Any, rings: Any, channels: int, plan: Any, start: int, stop: int, part: int
) -> None:
    """What some rows of outputs add to the gradient of the kernel: its columns 0, 3, ... into `sums[0]`, and so on.

    Of the last three columns some may not exist: what is added to them is of no use.
    """
    height, width, up, over, rows, cols, deep, wide, step, side, apart, spacing, above, left = plan
    n, ring, groups, dilated = _at(channels), rings[part], (cols + 2) // 3, _at(channels * spacing)
    for u in range(ring.size):
        ring[u] = 0
    z0, z1, z2 = sums[0, part], sums[1, part], sums[2, part]
    for line in range(start, stop):
        image, top = line // up, line % up * step - above
        first = top if line == start or line % up == 0 else max(top, top + deep - step)
        next_rows(
            ring, pixels, image, first, top + deep, height, width * channels, left * channels, deep, wide * channels
        )
        next_row, next_line = (image * height + top + deep) * width * channels, (line + 1) * over * channels
        for i in range(rows):
            row = (top + deep + i * apart) % deep * wide
            for group in range(groups):
                to, seen, p = _at(i * groups + group) * n, row + 3 * group * spacing, 0
                while p < over:
                    at, a = _at((line * over + p) * channels), _at(seen + p * side) * n
                    taken = 4 if side == 1 and spacing == 1 and p + 3 < over else 1
                    if i == 0 and group == 0:
                        fetch_soon(pixels, next_row + p * side * channels, taken * side * channels)
                        fetch_soon(g, next_line + p * channels, taken * channels)
                    if taken == 4:
                        add_four_pixels(z0, z1, z2, to, ring, a, g, at, n)
                    else:
                        add_one_pixel(z0, z1, z2, to, ring, a, dilated, g, at, n)
                    p += taken


@compiled("g[found], kernel[taps], d_x[all]", noalias=True)
def _depthwise_strided_image_gradient(
    g: Any, kernel: Any, d_x: Any, channels: int, plan: Any, start: int, stop: int
) -> None:
    """The gradient of the images, for some of their rows: each output's goes to the pixels that it saw.

    Up to two rows of the kernel are taken at once.
    """
    height, width, up, over, rows, cols, _, _, step, side, apart, spacing, above, left = plan
    n, step_by = _at(channels), side * channels
    for line in range(start, stop):
        image, h = line // height, line % height
        for u in range(line * width * channels, (line + 1) * width * channels):
            d_x[_at(u)] = 0
        a, ka, waits = 0, 0, False
        for i in range(rows + 1):
            at = h + above - i * apart
            sees = i < rows and at >= 0 and at % step == 0 and at // step < up
            b, kb = (image * up + at // step) * over * channels, i * cols * channels
            if sees and not waits:
                a, ka, waits = b, kb, True
                continue
            if not waits or not (sees or i == rows):
                continue
            for p in range(over):
                for j in range(cols):
                    w = p * side - left + j * spacing
                    if 0 <= w < width:
                        to, k, more = _at((line * width + w) * channels), _at(ka + j * channels), _at(p * channels)
                        if sees:
                            other = _at(kb + j * channels)
                            add_two_taps(d_x, to, g, _at(a) + more, _at(b) + more, kernel, k, other, n)
                        else:
                            add_one_tap(d_x, to, g, _at(a) + more, kernel, k, n)
                fetch_soon(d_x, (line + 1) * width * channels + p * step_by, step_by)
            waits = False


_FEWEST = 4  # channels: with fewer, each pixel's loop costs more than its numbers
_PIXELS = 4096  # whose products are added up in the arrays' own type
_COST = 0.02  # nanoseconds for a number and an element of the kernel
_GATHERED = 0.3  # for a number of an image whose gradient comes of strides
_PARTS, _LINES = 16, 16  # parts at most; products in the time that other kernels take for a number


def _takes(given: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> bool:
    fits = len(geometry.sizes) == 2 and kernel_shape[-1] == 1 and kernel_shape[-2] >= _FEWEST
    return fits and 0 not in (given.size, *geometry.lengths, *geometry.outputs, *kernel_shape)


def _plan(geometry: Geometry) -> tuple[int, ...]:
    """What loops read of it: lengths, outputs, sizes, the ring's rows and their pixels, strides, dilation, padding."""
    places = *geometry.lengths, *geometry.outputs, *geometry.sizes, *_ring(geometry)
    return *places, *geometry.strides, *geometry.dilation, *geometry.before


def _ring(geometry: Geometry) -> tuple[int, int]:
    """How many rows of how many pixels windows see; kernels of 4 columns may look at those of 6."""
    cols, side, spacing = geometry.sizes[1], geometry.strides[1], geometry.dilation[1]
    seen = (geometry.outputs[1] - 1) * side + (-(-cols // 3) * 3 - 1) * spacing + 1
    return effective(geometry.sizes[0], geometry.dilation[0]), max(seen, geometry.lengths[1] + geometry.before[1])


def forward(x: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """(batch, *outputs, channels)."""
    if not _takes(x, kernel.shape, geometry):
        return None
    channels, out = x.shape[-1], np.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype)
    lines, (deep, wide) = len(x) * geometry.outputs[0], _ring(geometry)
    cuts = _cuts(lines, out.size * geometry.taps)
    rings = _rings(len(cuts), deep * wide * channels, x.dtype)
    flat = x.reshape(-1), kernel.reshape(-1), out.reshape(-1)
    work = _depthwise.on(*flat, rings, channels, _plan(geometry))
    if work is None:
        return None
    run(work, cuts, out.size * geometry.taps * _COST)
    return out


def _cuts(lines: int, products: int) -> list[slice]:
    """Some lines after the other, in few parts, since each copies what its first line sees."""
    return pieces(lines, min(products // lines // _LINES, (_PARTS << 16) // lines) + 1)


def _rings(parts: int, room: int, dtype: Any) -> Any:
    """Room for the rings of all parts, each at the beginning of a cache line."""
    return scratch("depthwise rings", (parts, -(-room // 16) * 16), dtype)


def input_gradient(g: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """The gradient of the images."""
    if not _takes(g, kernel.shape, geometry):
        return None
    if geometry.strides == (1, 1):  # a convolution with the kernel turned around
        turned = np.ascontiguousarray(kernel[::-1, ::-1])
        return forward(g, turned, _backwards(geometry))
    channels, out = g.shape[-1], np.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    flat = g.reshape(-1), kernel.reshape(-1), out.reshape(-1)
    work = _depthwise_strided_image_gradient.on(*flat, channels, _plan(geometry))
    if work is None:
        return None
    run_rows(work, len(out) * out.shape[1], out.shape[2] * channels, out.size * _GATHERED)
    return out


def _backwards(geometry: Geometry) -> Geometry:
    """Of the outputs' gradient, whose windows are what the outputs saw of."""
    reach = [effective(size, apart) - 1 for size, apart in zip(geometry.sizes, geometry.dilation)]
    before = tuple([most - pad for most, pad in zip(reach, geometry.before)])
    after = tuple([most - pad for most, pad in zip(reach, geometry.after)])
    return geometry._replace(before=before, after=after, lengths=geometry.outputs, outputs=geometry.lengths)


def kernel_gradient(x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel, in its shape."""
    if not _takes(x, kernel_shape, geometry):
        return None
    channels, (rows, cols), (deep, wide) = x.shape[-1], geometry.sizes, _ring(geometry)
    lines = len(g) * geometry.outputs[0]
    cuts = pieces(lines, 1, max(1, _PIXELS // geometry.outputs[1]))
    groups = -(-cols // 3)
    sums = np.zeros((3, len(cuts), rows * groups * channels), x.dtype)
    rings = _rings(len(cuts), deep * wide * channels, x.dtype)
    flat = x.reshape(-1), g.reshape(-1), sums
    work = _depthwise_kernel_gradient.on(*flat, rings, channels, _plan(geometry))
    if work is None:
        return None
    run(work, cuts, g.size * geometry.taps * _COST)
    total = sums.sum(axis=1, dtype="float64").reshape(3, rows, groups, channels)
    return total.transpose(1, 2, 0, 3).reshape(rows, 3 * groups, channels)[:, :cols, :, None].astype(x.dtype)
