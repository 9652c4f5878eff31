"""Depthwise convolution of images, channels last, one filter per channel: pixel by pixel, all channels at once.

The rows of an image that a row of outputs sees are copied to a ring of rows, with the padding's zeros around them: so
pixels at the edges are like all others, and what is read again and again is in the first cache. A row stays in the
ring until the window has moved past it. Where few windows see a pixel, copies cost more than they save: then windows
are read where they are, but for those that reach above or below the image. All arrays are flat, but for the axis of
parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, helper, inner_loop
from eagerflow.compiled.loops.pixels import (
    add_four_pixels,
    add_one_pixel,
    add_one_tap,
    add_row_of_taps,
    add_two_taps,
    fetch_soon,
    next_rows,
)
from eagerflow.compiled.loops.taps import taps

__all__ = ["depthwise", "depthwise_kernel_gradient", "depthwise_strided_image_gradient"]

_PLACES = "height: int, width: int, up: int, over: int, rows: int, cols: int, deep: int, wide: int"
_PLAN = "step: int, side: int, apart: int, beside: int, above: int, left: int"  # strides, dilation, padding in front
_at = np.uint64
_FEWEST_IN_PLACE = 32  # channels: with fewer, what is asked for each output costs more than copies


@inner_loop
def any_taps(
    out: Any,
    at: Any,
    ring: Any,
    first: Any,
    column: Any,
    dilated: Any,
    kernel: Any,
    n: Any,
    rows: Any,
    cols: Any,
    deep: Any,
    wide: Any,
    apart: Any,
    both: Any,
) -> None:
    """An output of any kernel, or `both` of two side by side, a row of the kernel after the other."""
    for u in range(n + n if both else n):
        out[at + _at(u)] = 0
    for i in range(rows):
        a = _at((first + i * apart) % deep * wide + column) * n
        add_row_of_taps(out, at, ring, a, dilated, kernel, _at(i * cols) * n, n, cols, both)


@helper
def places_of_rows(
    is_inside: Any, line: Any, width: Any, left: Any, top: Any, deep: Any, wide: Any, n: Any
) -> tuple[Any, Any, Any, Any, Any]:
    """Where five rows begin that the first window of a line sees, in the image or, with the padding, in the ring."""
    if is_inside:
        a = _at(line * width - left) * n
        more = _at(width) * n
        return a, a + more, a + more + more, a + more + more + more, a + more + more + more + more
    return (
        _at(top % deep * wide) * n,
        _at((top + 1) % deep * wide) * n,
        _at((top + 2) % deep * wide) * n,
        _at((top + 3) % deep * wide) * n,
        _at((top + 4) % deep * wide) * n,
    )


@compiled(
    "pixels[all], kernel[taps], packed[packed], out[found], rings[parts, room], channels: int, at_once: int, "
    f"{_PLACES}, {_PLAN}; start: int, stop: int, part: int",
    apart=True,
)
def depthwise(
    pixels: Any,
    kernel: Any,
    packed: Any,
    out: Any,
    rings: Any,
    channels: int,
    at_once: int,
    height: int,
    width: int,
    up: int,
    over: int,
    rows: int,
    cols: int,
    deep: int,
    wide: int,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
    part: int,
) -> None:
    """The result, for some rows of all images' rows. The ring has `deep` rows of `wide` pixels.

    Kernels of 3×3 and 5×5 are also given as `taps` takes them, for so many channels `at_once`; else `packed` is empty.
    """
    n, ring, dilated = _at(channels), rings[part], _at(channels * beside)
    for u in range(ring.size):
        ring[u] = 0
    move, next_at, most = _at(side) * n, over * channels, 2 if rows == 3 else 4
    right = (over - 1) * side - left + cols - width
    pays = packed.size > 0 and channels >= _FEWEST_IN_PLACE and (rows == 3 or side == 2)
    in_place = pays and width >= cols and left <= cols // 2 and right <= cols // 2
    for line in range(start, stop):
        image, top = line // up, line % up * step - above
        is_inside = in_place and top >= 0 and top + deep <= height
        if not is_inside:
            first = top if in_place or line == start or line % up == 0 else max(top, top + deep - step)
            lead, row = left * channels, wide * channels
            next_rows(ring, pixels, image, first, top + deep, height, width * channels, lead, deep, row)
        seen = pixels if is_inside else ring
        a, b, d, e, f = places_of_rows(is_inside, image * height + top, width, left, top + deep, deep, wide, n)
        at, p, whole = _at(line * over) * n, 0, (width - cols + left) // side + 1 if is_inside else over
        next_row = (image * height + top + deep) * width * channels
        while packed.size > 0 and p < over:
            begins = p * side - left
            missing = min(begins, 0) + max(begins + cols - width, 0) if is_inside else 0
            taken = most if missing == 0 and p + most <= whole else 1
            for h in range(step):
                fetch_soon(pixels, next_row + (h * width + p * side) * channels, taken * side * channels)
            fetch_soon(out, line * next_at + next_at + p * channels, taken * channels)
            stride = side if taken > 1 else 1
            taps(rows, stride, taken, missing, at_once, out, at, seen, (a, b, d, e, f), packed, n)
            more = _at(taken) * move
            p, at, a, b, d, e, f = p + taken, at + _at(taken) * n, a + more, b + more, d + more, e + more, f + more
        together = 2 if side == 1 and beside == 1 and cols > 3 else 1
        while p < over:
            both = together == 2 and p + 1 < over
            any_taps(out, at, ring, top + deep, p * side, dilated, kernel, n, rows, cols, deep, wide, apart, both)
            p, at = (p + 2, at + n + n) if both else (p + 1, at + n)


@compiled(
    "pixels[all], g[found], s0[parts, third], s1[parts, third], s2[parts, third], rings[parts, room], "
    f"channels: int, {_PLACES}, {_PLAN}; start: int, stop: int, part: int",
    apart=True,
)
def depthwise_kernel_gradient(
    pixels: Any,
    g: Any,
    s0: Any,
    s1: Any,
    s2: Any,
    rings: Any,
    channels: int,
    height: int,
    width: int,
    up: int,
    over: int,
    rows: int,
    cols: int,
    deep: int,
    wide: int,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
    part: int,
) -> None:
    """What some rows of outputs add to the gradient of the kernel: its columns 0, 3, ... into s0, and so on.

    Of the last three columns some may not exist: what is added to them is of no use.
    """
    n, ring, groups, dilated = _at(channels), rings[part], (cols + 2) // 3, _at(channels * beside)
    for u in range(ring.size):
        ring[u] = 0
    z0, z1, z2 = s0[part], s1[part], s2[part]
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
                to, seen, p = _at(i * groups + group) * n, row + 3 * group * beside, 0
                while p < over:
                    at, a = _at((line * over + p) * channels), _at(seen + p * side) * n
                    taken = 4 if side == 1 and beside == 1 and p + 3 < over else 1
                    if i == 0 and group == 0:
                        fetch_soon(pixels, next_row + p * side * channels, taken * side * channels)
                        fetch_soon(g, next_line + p * channels, taken * channels)
                    if taken == 4:
                        add_four_pixels(z0, z1, z2, to, ring, a, g, at, n)
                    else:
                        add_one_pixel(z0, z1, z2, to, ring, a, dilated, g, at, n)
                    p += taken


@compiled(f"g[found], kernel[taps], d_x[all], channels: int, {_PLACES}, {_PLAN}; start: int, stop: int", apart=True)
def depthwise_strided_image_gradient(
    g: Any,
    kernel: Any,
    d_x: Any,
    channels: int,
    height: int,
    width: int,
    up: int,
    over: int,
    rows: int,
    cols: int,
    deep: int,
    wide: int,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
) -> None:
    """The gradient of the images, for some of their rows: each output's goes to the pixels that it saw.

    Up to two rows of the kernel are taken at once.
    """
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
                    w = p * side - left + j * beside
                    if 0 <= w < width:
                        to, k, more = _at((line * width + w) * channels), _at(ka + j * channels), _at(p * channels)
                        if sees:
                            other = _at(kb + j * channels)
                            add_two_taps(d_x, to, g, _at(a) + more, _at(b) + more, kernel, k, other, n)
                        else:
                            add_one_tap(d_x, to, g, _at(a) + more, kernel, k, n)
                fetch_soon(d_x, (line + 1) * width * channels + p * step_by, step_by)
            waits = False
