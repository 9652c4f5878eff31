"""Convolution, channels last: products of what windows see with the kernel, without a copy of each window.

A window's row lies side by side in its image, so rows of outputs are products of matrices whose rows overlap. There
are three axes, of layers, rows and pixels; images have one layer. Some rows of outputs are a band; what a band sees is
copied where padding belongs around it. All arrays are flat, but for the axis of parts. The kernel lies in blocks of
columns: see `twins/convolution.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eagerflow.compiled.kernel import compiled, helper, inner_loop
from eagerflow.compiled.loops.pixels import fetch_soon
from eagerflow.compiled.loops.tiles import nine_rows, tiles

__all__ = ["convolve", "convolve_kernel_gradient"]

_at = np.uint64


@helper
def _windows(plan: Any) -> Any:
    """Outputs along the three axes, the kernel's lengths, and strides of the last two."""
    return plan[4], plan[5], plan[6], plan[7], plan[8], plan[9], plan[11], plan[12]


@helper
def _cut(plan: Any) -> Any:
    """Groups, filters of each and how many at once, and a band's rows of outputs."""
    return plan[19], plan[20], plan[21], plan[22]


@inner_loop
def copy_rows(
    canvas: Any, begin: Any, x: Any, plane: Any, top: Any, height: Any, row: Any, deep: Any, wide: Any, lead: Any
) -> None:
    """`deep` rows of a plane from `top` on, with zeros for what it hasn't: a row has `row` numbers, there `wide`."""
    count = min(row, wide - lead)
    for r in range(deep):
        h, to = top + r, _at(begin + r * wide)
        if 0 <= h < height:
            source = _at((plane * height + h) * row)
            for u in range(lead):
                canvas[to + _at(u)] = 0
            for u in range(count):
                canvas[to + _at(lead + u)] = x[source + _at(u)]
            for u in range(lead + count, wide):
                canvas[to + _at(u)] = 0
        else:
            for u in range(wide):
                canvas[to + _at(u)] = 0


@helper
def copy_band(canvas: Any, x: Any, plan: Any, image: Any, layer: Any, first: Any) -> None:
    """What the outputs of one layer see from row `first` on: as many planes as the kernel has layers."""
    channels, depth, height, width, deep, wide = plan[0], plan[1], plan[2], plan[3], plan[23], plan[24]
    for tap in range(plan[7]):
        plane = layer * plan[10] - plan[16] + tap * plan[13]
        rows = height if 0 <= plane < depth else 0  # of a plane in the padding there are none
        to, top = tap * deep * wide * channels, first * plan[11] - plan[17]
        length, lead = wide * channels, plan[18] * channels
        copy_rows(canvas, to, x, image * depth + plane, top, rows, width * channels, deep, length, lead)


@helper
def _look(plan: Any, is_copied: Any, image: Any, layer: Any, first: Any) -> Any:
    """Where a band begins in what it sees; there, how long a row is and how far apart the kernel's layers look."""
    channels, height, width = plan[0], plan[2], plan[3]
    length, begin, planes = width * channels, 0, plan[13] * height
    if is_copied:
        length, planes = plan[24] * channels, plan[23]
    else:
        begin = ((image * plan[1] + layer * plan[10]) * height + first * plan[11]) * length
    return begin, length, planes * length


@inner_loop
def add_bias(out: Any, begin: Any, count: Any, row: Any, relu: Any) -> None:
    """So many numbers become the sum with a bias that lies several times in a row; with relu its positive part."""
    zero = out.dtype.type(0)
    for start in range(0, count, row.size):
        to, rest = _at(begin + start), min(row.size, count - start)
        if relu > 0:
            for u in range(rest):
                at = to + _at(u)
                found = out[at] + row[_at(u)]
                out[at] = zero if found <= zero else found  # NaN stays
        else:
            for u in range(rest):
                out[to + _at(u)] += row[_at(u)]


@compiled(
    "x[all], weights[packed], out[found], row[biases], canvases[parts, seen], rooms[parts, tile], "
    "plan: int64[numbers], relu: int, first_out: int, of_image: int, of_layer: int, of_line: int, of_pixel: int; "
    "start: int, stop: int, part: int",
    dtypes=("float32",),
)
def convolve(
    x: Any,
    weights: Any,
    out: Any,
    row: Any,
    canvases: Any,
    rooms: Any,
    plan: Any,
    relu: int,
    first_out: int,
    of_image: int,
    of_layer: int,
    of_line: int,
    of_pixel: int,
    start: int,
    stop: int,
    part: int,
) -> None:
    """The result, for some bands of all images' bands: its images, layers, lines and pixels lie that far apart.

    A bias is added where there is one.
    """
    thick, up, over, layers, rows, cols, step, side = _windows(plan)
    groups, filters, columns, lines = _cut(plan)
    channels, height, width, apart, beside = plan[0], plan[2], plan[3], plan[14], plan[15]
    bands, each, blocks = -(-up // lines), channels // groups, -(-filters // columns)
    taps, canvas, padded, room = layers * rows * cols * each, canvases[part], canvases.shape[1] > 0, rooms[part]
    for number in range(start, stop):
        image, layer, first = number // (thick * bands), number // bands % thick, number % bands * lines
        last, seen = min(up, first + lines), x
        if padded:
            seen = canvas
            copy_band(canvas, x, plan, image, layer, first)
        begin, length, planes = _look(plan, padded, image, layer, first)
        if groups == 1 and beside == 1:  # all that a window sees of a row lies side by side
            sums = (0, side * channels, layers, planes, rows, apart * length, cols * each, 1, columns)
        else:  # of a single layer
            sums = (0, side * channels, rows, apart * length, cols, beside * channels, each, 1, columns)
        calls, done = groups * blocks * (last - first), 0
        plane, coming = plan[1] * image + layer * plan[10] + (layers - 1) * plan[13], lines * step * width * channels
        next_band = (plane * height + (first + lines) * step) * width * channels
        for group in range(groups):
            for block in range(blocks):
                lanes, kernel = min(columns, filters - block * columns), (group * blocks + block) * taps * columns
                for line in range(first, last):
                    soon, done = coming * done // calls, done + 1
                    fetch_soon(x, next_band + soon, coming * done // calls - soon)
                    to = first_out + image * of_image + layer * of_layer + line * of_line
                    looks = begin + (line - first) * step * length + group * each
                    to += group * filters + block * columns
                    tiles(columns, over, out, to, of_pixel, lanes, room, seen, looks, weights, kernel, sums)
        if row.size > 0:
            begin, many = first_out + image * of_image + layer * of_layer + first * of_line, groups * filters
            if of_line == over * many:  # the lines of a band lie side by side
                add_bias(out, begin, (last - first) * of_line, row, relu)
            else:
                for line in range(last - first):
                    for pixel in range(over):
                        add_bias(out, begin + line * of_line + pixel * of_pixel, many, row, relu)


@inner_loop
def mask_band(room: Any, g: Any, positive: Any, begin: Any, count: Any) -> None:
    """So many numbers of g into a room, zero where relu's outputs are.

    They are products as in relu's own gradient: elsewhere 0 times g, which is NaN of what isn't finite.
    """
    one, zero, start = g.dtype.type(1), g.dtype.type(0), _at(begin)
    for u in range(count):
        at = _at(u)
        room[at] = g[start + at] * (one if positive[start + at] > zero else zero)


@inner_loop
def add_rows(sums: Any, room: Any, rows: Any, n: Any) -> None:
    """The sums of `rows` rows, in float64: four at a time, as turning them takes longer than adding."""
    two, three = n + n, n + n + n
    for row in range(0, rows - 3, 4):
        to = _at(row * n)
        for u in range(n):
            k = to + _at(u)
            sums[_at(u)] += (room[k] + room[k + n]) + (room[k + two] + room[k + three])
    for row in range(rows - rows % 4, rows):
        to = _at(row * n)
        for u in range(n):
            sums[_at(u)] += room[to + _at(u)]


@compiled(
    "x[all], g[found], positive[kept], gradients[parts, taps], biases: float64[parts, lanes], rooms[parts, held], "
    "canvases[parts, seen], plan: int64[numbers]; start: int, stop: int, part: int",
    dtypes=("float32",),
)
def convolve_kernel_gradient(
    x: Any,
    g: Any,
    positive: Any,
    gradients: Any,
    biases: Any,
    rooms: Any,
    canvases: Any,
    plan: Any,
    start: int,
    stop: int,
    part: int,
) -> None:
    """What some bands add to the gradient of the kernel, in the kernel's own order, into a part of `gradients`.

    Where relu's outputs are given, they mask g first, and the gradient of the bias goes into a part of `biases`.
    """
    thick, up, over, layers, rows, cols, step, side = _windows(plan)
    groups, filters, columns, lines = _cut(plan)
    channels, apart, beside = plan[0], plan[14], plan[15]
    many, bands, each = groups * filters, -(-up // lines), channels // groups
    joined = groups == 1 and beside == 1
    across, run = (1, cols * each) if joined else (cols, each)
    is_small = joined and run == 3 and rows == 3
    canvas, padded, out = canvases[part], canvases.shape[1] > 0, gradients[part]
    for number in range(start, stop):
        image, layer, first = number // (thick * bands), number // bands % thick, number % bands * lines
        last, seen, given = min(up, first + lines), x, g
        of_band = ((image * thick + layer) * up + first) * over * many
        if padded:
            seen = canvas
            copy_band(canvas, x, plan, image, layer, first)
        if positive.size > 0:
            given, count = rooms[part], (last - first) * over
            mask_band(given, g, positive, of_band, count * many)
            add_rows(biases[part], given, count, many)
            of_band = 0
        begin, length, planes = _look(plan, padded, image, layer, first)
        sums = (1, 1, last - first, step * length, 1, 0, over, side * channels, many)
        sums_of_nine = (1, apart * length, last - first, step * length, 1, 0, over, side * channels, many)
        for group in range(groups):
            for block in range(0, filters, columns):
                of_g = of_band + group * filters + block
                for tap in range(layers if is_small else 0):  # tiles of three rows would wait for their sums
                    looks = begin + tap * planes
                    nine_rows(columns, out, tap * 9 * many + block, many, seen, looks, given, of_g, sums_of_nine)
                for tap in range(0 if is_small else layers * rows):
                    for j in range(across):
                        to = (tap * cols + j) * each * many + group * filters + block
                        looks = begin + tap // rows * planes + tap % rows * apart * length
                        looks += j * beside * channels + group * each
                        tiles(columns, run, out, to, many, columns, out, seen, looks, given, of_g, sums)
