"""Convolution, channels last: products of what windows see with the kernel, without a copy of each window.

A window's row lies side by side in its image, so rows of outputs are products of matrices whose rows overlap. There
are three axes, of layers, rows and pixels; images have one layer. Some rows of outputs are a band; what a band sees is
copied where padding belongs around it. All arrays are flat, but for the axis of parts. The kernel lies in blocks of
columns: see `_in_blocks`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import ndarray

from eagerflow.compiled.jit import WIDE, compiled, helper, inner_loop
from eagerflow.compiled.loops.pixels import fetch_soon
from eagerflow.compiled.loops.tiles import nine_rows, tiles
from eagerflow.compiled.pieces import pieces, run
from eagerflow.kernels.machine.threads import scratch
from eagerflow.ops.windows.geometry import Geometry, effective

__all__ = ["applies", "convolve", "convolve_into", "convolve_kernel_gradient", "convolve_relu_gradients"]

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
    "x[all], weights[packed], out[found], row[biases], canvases[parts, seen], rooms[parts, tile], plan: int64[numbers]",
    dtypes=("float32",),
)
def _convolve_bands(
    x: Any,
    weights: Any,
    out: Any,
    row: Any,
    canvases: Any,
    rooms: Any,
    plan: Any,
    places: Any,
    start: int,
    stop: int,
    part: int,
) -> None:
    """The result, for some bands of all images' bands. A bias is added where there is one.

    The places are: whether relu follows the bias, the first output, and distances of images, layers, lines and pixels.
    """
    relu, first_out, of_image, of_layer, of_line, of_pixel = places
    thick, up, over, layers, rows, cols, step, side = _windows(plan)
    groups, filters, columns, lines = _cut(plan)
    channels, height, width, apart, spacing = plan[0], plan[2], plan[3], plan[14], plan[15]
    bands, each, blocks = -(-up // lines), channels // groups, -(-filters // columns)
    taps, canvas, padded, room = layers * rows * cols * each, canvases[part], canvases.shape[1] > 0, rooms[part]
    for number in range(start, stop):
        image, layer, first = number // (thick * bands), number // bands % thick, number % bands * lines
        last, seen = min(up, first + lines), x
        if padded:
            seen = canvas
            copy_band(canvas, x, plan, image, layer, first)
        begin, length, planes = _look(plan, padded, image, layer, first)
        if groups == 1 and spacing == 1:  # all that a window sees of a row lies side by side
            sums = (0, side * channels, layers, planes, rows, apart * length, cols * each, 1, columns)
        else:  # of a single layer
            sums = (0, side * channels, rows, apart * length, cols, spacing * channels, each, 1, columns)
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
                    tiles(columns, over, lanes, out, room, seen, weights, (to, of_pixel, looks, kernel), sums)
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
    "x[all], g[found], positive[kept], gradients[parts, taps], biases: float64[parts, lanes], "
    "rooms[parts, held], canvases[parts, seen], plan: int64[numbers]",
    dtypes=("float32",),
)
def _sum_bands(
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
    channels, apart, spacing = plan[0], plan[14], plan[15]
    many, bands, each = groups * filters, -(-up // lines), channels // groups
    joined = groups == 1 and spacing == 1
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
                    nine_rows(columns, out, seen, given, (tap * 9 * many + block, many, looks, of_g), sums_of_nine)
                for tap in range(0 if is_small else layers * rows):
                    for j in range(across):
                        to = (tap * cols + j) * each * many + group * filters + block
                        looks = begin + tap // rows * planes + tap % rows * apart * length
                        looks += j * spacing * channels + group * each
                        tiles(columns, run, columns, out, out, seen, given, (to, many, looks, of_g), sums)


_CANVAS = 1 << 16  # numbers that a band sees, where they are copied: they stay in the second cache
_OUTPUTS = 1 << 12  # numbers of a band whose gradients are read again for each element of the kernel
_WEIGHTS = 1 << 17  # numbers in a block of columns of the kernel, which are read again for each tile
_COST = 0.02  # nanoseconds of a multiply-add
_PIECE = 1 << 22  # multiply-adds of a piece
_PARTS = 16  # pieces at most
_TILE = 256  # numbers of the largest tile
_ROW = 256  # numbers that a bias is added to at once, at least: with fewer, vectors stay empty


def applies(shapes: Any) -> Any:
    """Whether the loops take such a convolution, and are fast."""
    usual = shapes.is_single and shapes.geometry.taps > 1 and shapes.multiply_adds > 0
    fits = _are_few(shapes.kernel, shapes.groups) and _are_known(shapes.geometry, shapes.groups)
    return usual and fits


def _are_few(kernel_shape: tuple[int, ...], groups: int) -> bool:
    """Whether a block of the kernel's columns isn't too large to be read again and again."""
    return math.prod(kernel_shape[:-1]) * _columns(kernel_shape[-1] // groups) <= _WEIGHTS


def _are_known(geometry: Geometry, groups: int) -> bool:
    """Whether the loops know such windows: tiles go along three axes, of which volumes have none to spare."""
    return len(geometry.sizes) < 3 or (groups == 1 and geometry.dilation[-1] == 1)


def _columns(filters: int) -> int:
    """How many filters are computed at once."""
    if WIDE and filters % 32 == 0:
        return 32
    return 16 if filters % 16 == 0 or filters % 16 > 8 else 8


def _of_volumes(geometry: Geometry) -> Geometry:
    """A geometry with three axes."""
    more = 3 - len(geometry.sizes)
    ones, zeros = (1,) * more, (0,) * more
    return Geometry(*[first + rest for first, rest in zip((ones, ones, ones, zeros, zeros, ones, ones), geometry)])


class _Plan:
    """How a convolution's work is cut, and all numbers that the loops want."""

    def __init__(
        self, x: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int, most: int = 1 << 62
    ) -> None:
        plan, channels = _of_volumes(geometry), x.shape[-1]
        self.filters = kernel_shape[-1] // groups
        self.columns = _columns(self.filters)
        thick, self.up, over = plan.outputs
        layers = plan.sizes[0]
        wide = (over - 1) * plan.strides[2] + effective(plan.sizes[2], plan.dilation[2])
        reach = effective(plan.sizes[1], plan.dilation[1])
        self.multiply_adds = len(x) * math.prod(plan.outputs) * math.prod(kernel_shape)
        shared = min(_PARTS, self.multiply_adds // _PIECE) // (len(x) * thick) + 1  # bands of a layer, for threads
        fits = (_CANVAS // (wide * channels * layers) - reach) // plan.strides[1] + 1
        self.lines = max(1, min(-(-self.up // shared), most // (over * kernel_shape[-1]), fits))
        deep = (self.lines - 1) * plan.strides[1] + reach
        self.bands = -(-self.up // self.lines)
        self.rows, count = len(x) * thick * self.up, len(x) * thick * self.bands  # of outputs, and bands
        self.cuts = pieces(count, self.multiply_adds // count, numbers=max(_PIECE, self.multiply_adds // _PARTS))
        room = -(-layers * deep * wide * channels // 16) * 16 if plan.is_padded else 0
        self.canvases = scratch("convolution canvases", (len(self.cuts), room), x.dtype)
        where = *plan.lengths, *plan.outputs, *plan.sizes, *plan.strides, *plan.dilation, *plan.before
        cut = groups, self.filters, self.columns, self.lines, deep, wide
        self.numbers = np.array((channels, *where, *cut), np.int64)

    def first_line(self, band: int) -> int:
        """Of a band, among the rows of outputs of all layers of all images."""
        return band // self.bands * self.up + band % self.bands * self.lines


def convolve(x: ndarray, kernel: ndarray, geometry: Geometry, groups: int = 1, finish: Any = None) -> Any:
    """(batch, *outputs, filters)."""
    out = np.empty((len(x), *geometry.outputs, kernel.shape[-1]), x.dtype)
    return out if _convolve(x, kernel, geometry, groups, out, [slice(None)] * x.ndim, finish) else None


def convolve_into(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    groups: int,
    out: ndarray,
    targets: tuple[slice, ...],
    finish: Any = None,
) -> Any:
    """The same into some pixels of `out`; None where what follows isn't a bias of these filters."""
    if finish is not None and _bias_of(finish, out)[0] is None:
        return None
    return _convolve(x, kernel, geometry, groups, out, [slice(None), *targets, slice(None)], finish) or None


def _convolve(
    x: ndarray, kernel: ndarray, geometry: Geometry, groups: int, out: ndarray, targets: list[slice], finish: Any
) -> bool:
    """Whether the result was put where it belongs in `out`, which is contiguous."""
    target = out[tuple(targets)]
    if x.dtype != np.float32 or not _are_known(geometry, groups) or not target.size or not kernel.size:
        return False
    x = np.ascontiguousarray(x)
    plan = _Plan(x, kernel.shape, geometry, groups)
    first = (target.ctypes.data - out.ctypes.data) // out.itemsize
    apart = [step // out.itemsize for step in target.strides[:-1]]
    apart = [apart[0], *[0] * (4 - len(apart)), *apart[1:]]
    weights = _in_blocks(kernel, groups, plan.columns)
    rooms = scratch("convolution rooms", (len(plan.cuts), _TILE), x.dtype)
    row, relu = _bias_of(finish, out)
    flat = x.reshape(-1), weights.reshape(-1), out.reshape(-1), np.empty(0, x.dtype) if row is None else row
    work = _convolve_bands.on(*flat, plan.canvases, rooms, plan.numbers, (int(relu), first, *apart))
    if work is None:
        return False
    lines = out.reshape(plan.rows, -1) if finish is not None and row is None else out

    def piece(start: int, stop: int, number: int) -> None:
        work(start, stop, number)
        if finish is not None and row is None:
            finish(lines[plan.first_line(start) : plan.first_line(stop)])

    run(piece, plan.cuts, plan.multiply_adds * _COST)
    return True


def _bias_of(finish: Any, out: ndarray) -> tuple[Any, bool]:
    """The bias that `finish` adds, several times in a row, and whether relu follows; None where it's something else."""
    bias, relu = getattr(finish, "made_of", (None, False))
    if bias is None or bias.dtype != out.dtype or bias.shape != out.shape[-1:]:
        return None, False
    return np.tile(bias, -(-_ROW // bias.size)), relu


def _in_blocks(kernel: ndarray, groups: int, columns: int) -> Any:
    """(*sizes, width, groups * filters) as (groups, blocks, taps, columns): what is missing of the last block is 0."""
    filters = kernel.shape[-1] // groups
    blocks = -(-filters // columns)
    split = kernel.reshape(-1, groups, filters)
    if filters % columns:
        split = np.pad(split, ((0, 0), (0, 0), (0, -filters % columns)))
    return np.ascontiguousarray(split.reshape(-1, groups, blocks, columns).transpose(1, 2, 0, 3))


def convolve_kernel_gradient(
    x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradient of the kernel, in its shape."""
    found = _gradients(x, g, None, kernel_shape, geometry, groups)
    return None if found is None else found[0]


def convolve_relu_gradients(
    x: ndarray, g: ndarray, positive: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1
) -> Any:
    """The gradients of the kernel and of the bias: g is masked while it is in the cache."""
    fits = positive.dtype == g.dtype and positive.shape == g.shape
    return _gradients(x, g, positive, kernel_shape, geometry, groups) if fits else None


def _gradients(
    x: ndarray, g: ndarray, positive: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int
) -> tuple[Any, Any] | None:
    """The gradients of the kernel and, where relu's outputs are given, of the bias."""
    filters = kernel_shape[-1] // groups
    if x.dtype != np.float32 or not g.size or filters % _columns(filters) or not _are_known(geometry, groups):
        return None
    x, g = np.ascontiguousarray(x), np.ascontiguousarray(g)
    kept = np.empty(0, g.dtype) if positive is None else np.ascontiguousarray(positive).reshape(-1)
    plan = _Plan(x, kernel_shape, geometry, groups, _OUTPUTS)
    parts, held = len(plan.cuts), plan.lines * geometry.outputs[-1] * kernel_shape[-1] if kept.size else 0
    sums = np.zeros((parts, math.prod(kernel_shape)), x.dtype)
    biases = np.zeros((parts, kernel_shape[-1]), "float64")
    rooms = scratch("convolution gradients", (parts, held), x.dtype)
    flat = x.reshape(-1), g.reshape(-1), kept
    work = _sum_bands.on(*flat, sums, biases, rooms, plan.canvases, plan.numbers)
    if work is None:
        return None
    run(work, plan.cuts, plan.multiply_adds * _COST)
    found = sums.sum(axis=0, dtype="float64").astype(x.dtype).reshape(kernel_shape)
    return found, biases.sum(axis=0).astype(x.dtype)
