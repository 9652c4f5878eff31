"""Depthwise convolution of images, channels last, one filter per channel: pixel by pixel, all channels at once.

Elements of a row of the kernel are taken three at a time where all of them meet the image.
"""

from __future__ import annotations

from typing import Any

from eagerflow.compiled.kernel import compiled

__all__ = ["depthwise", "depthwise_image_gradient", "depthwise_kernel_gradient"]

_PLAN = "step: int, side: int, apart: int, beside: int, above: int, left: int"  # strides, dilation, padding in front


@compiled(
    f"x[images, height, width, channels], kernel[rows, cols, channels], out[images, up, over, channels], {_PLAN}; "
    "start: int, stop: int"
)
def depthwise(
    x: Any,
    kernel: Any,
    out: Any,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
) -> None:
    """The result, for some rows of all images' rows."""
    height, width = x.shape[1], x.shape[2]
    rows, cols = kernel.shape[0], kernel.shape[1]
    up, over, channels = out.shape[1], out.shape[2], out.shape[3]
    for line in range(start, stop):
        image, o = line // up, line % up
        for p in range(over):
            found = out[image, o, p]
            for c in range(channels):
                found[c] = 0
            first = p * side - left
            for i in range(rows):
                h = o * step - above + i * apart
                if h < 0 or h >= height:
                    continue
                j = 0
                while j < cols:
                    w = first + j * beside
                    if j + 2 < cols and w >= 0 and w + 2 * beside < width:
                        a0, a1, a2 = x[image, h, w], x[image, h, w + beside], x[image, h, w + 2 * beside]
                        k0, k1, k2 = kernel[i, j], kernel[i, j + 1], kernel[i, j + 2]
                        for c in range(channels):
                            found[c] += a0[c] * k0[c] + a1[c] * k1[c] + a2[c] * k2[c]
                        j += 3
                        continue
                    if 0 <= w < width:
                        a0, k0 = x[image, h, w], kernel[i, j]
                        for c in range(channels):
                            found[c] += a0[c] * k0[c]
                    j += 1


@compiled(
    f"g[images, up, over, channels], kernel[rows, cols, channels], d_x[images, height, width, channels], {_PLAN}; "
    "start: int, stop: int"
)
def depthwise_image_gradient(
    g: Any,
    kernel: Any,
    d_x: Any,
    step: int,
    side: int,
    apart: int,
    beside: int,
    above: int,
    left: int,
    start: int,
    stop: int,
) -> None:
    """The gradient of the images, for some of their rows: each pixel gathers from the outputs that saw it."""
    up, over, channels = g.shape[1], g.shape[2], g.shape[3]
    rows, cols = kernel.shape[0], kernel.shape[1]
    height, width = d_x.shape[1], d_x.shape[2]
    for line in range(start, stop):
        image, h = line // height, line % height
        for w in range(width):
            found = d_x[image, h, w]
            for c in range(channels):
                found[c] = 0
            for i in range(rows):
                at = h + above - i * apart
                if at < 0 or at % step or at // step >= up:
                    continue
                o = at // step
                j = 0
                while j < cols:
                    place = w + left - j * beside
                    last = place - 2 * beside
                    if side == 1 and j + 2 < cols and last >= 0 and place < over:
                        g0, g1, g2 = g[image, o, place], g[image, o, place - beside], g[image, o, last]
                        k0, k1, k2 = kernel[i, j], kernel[i, j + 1], kernel[i, j + 2]
                        for c in range(channels):
                            found[c] += g0[c] * k0[c] + g1[c] * k1[c] + g2[c] * k2[c]
                        j += 3
                        continue
                    if place >= 0 and place % side == 0 and place // side < over:
                        g0, k0 = g[image, o, place // side], kernel[i, j]
                        for c in range(channels):
                            found[c] += g0[c] * k0[c]
                    j += 1


@compiled(
    f"x[images, height, width, channels], g[images, up, over, channels], sums[parts, rows, cols, channels], {_PLAN}; "
    "start: int, stop: int, part: int"
)
def depthwise_kernel_gradient(
    x: Any,
    g: Any,
    sums: Any,
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
    """What some rows of all images' rows of outputs add to the gradient of the kernel, into a part of `sums`."""
    height, width = x.shape[1], x.shape[2]
    rows, cols = sums.shape[1], sums.shape[2]
    up, over, channels = g.shape[1], g.shape[2], g.shape[3]
    for line in range(start, stop):
        image, o = line // up, line % up
        for i in range(rows):
            h = o * step - above + i * apart
            if h < 0 or h >= height:
                continue
            for p in range(over):
                slope = g[image, o, p]
                first = p * side - left
                j = 0
                while j < cols:
                    w = first + j * beside
                    if j + 2 < cols and w >= 0 and w + 2 * beside < width:
                        a0, a1, a2 = x[image, h, w], x[image, h, w + beside], x[image, h, w + 2 * beside]
                        s0, s1, s2 = sums[part, i, j], sums[part, i, j + 1], sums[part, i, j + 2]
                        for c in range(channels):
                            d = slope[c]
                            s0[c] += d * a0[c]
                            s1[c] += d * a1[c]
                            s2[c] += d * a2[c]
                        j += 3
                        continue
                    if 0 <= w < width:
                        a0, s0 = x[image, h, w], sums[part, i, j]
                        for c in range(channels):
                            s0[c] += slope[c] * a0[c]
                    j += 1
