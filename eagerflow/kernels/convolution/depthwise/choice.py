"""Depthwise convolution on the CPU: every channel has its own filters.

A row of an image is one run of width * channels numbers, and so is an element of the kernel repeated along it. A
row of the result is the sum over the kernel's elements of shifted rows times those: `einsum` multiplies and adds in
one pass, with the sums in the first cache. Where the last axis has a stride, its columns are sorted by their remainder
first, so that what is multiplied together lies side by side. Large windows of stride 1 go by `filtering.py`.

`x` is (batch, *spatial, channels), `kernel` (*sizes, channels, multiplier), the result
(batch, *outputs, channels * multiplier) with the filters of one channel side by side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.base.variants import accelerated
from eagerflow.kernels.convolution.depthwise import filtering
from eagerflow.kernels.convolution.depthwise.runs import Block, Runs
from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.phases import phases
from eagerflow.kernels.machine.parts import parts_of, sum_in_order
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.machine.views import copy_rows
from eagerflow.ops.windows import depthwise as plain_depthwise
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "input_gradient", "kernel_gradient"]

_DTYPES = (numpy.dtype("float32"), numpy.dtype("float64"))


def _is_ours(a: ndarray, b: ndarray, geometry: Geometry) -> bool:
    """Whether this file's kernels take these arrays."""
    fits = all(s == 1 or d == 1 for s, d in zip(geometry.strides, geometry.dilation))
    return a.dtype == b.dtype and a.dtype in _DTYPES and fits and 0 not in (a.size, b.size)


@accelerated("depthwise")
def forward(x: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """(batch, *outputs, channels * multiplier)."""
    if not _is_ours(x, kernel, geometry):
        return plain_depthwise.forward(numpy, x, kernel, geometry)
    channels, multiplier = kernel.shape[-2:]
    if multiplier == 1:
        return _forward(x, kernel[..., 0], geometry)
    out = numpy.empty((len(x), *geometry.outputs, channels, multiplier), x.dtype)
    for i in range(multiplier):
        out[..., i] = _forward(x, kernel[..., i], geometry)
    return out.reshape(*out.shape[:-2], channels * multiplier)


def _forward(x: ndarray, kernel: ndarray, geometry: Geometry, into: ndarray | None = None) -> Any:
    """With one filter per channel; `into` an array of any strides, or a new one."""
    if filtering.suits(x, geometry):
        steps = tuple([min(2, n) for n in geometry.sizes])
        look = Look(x, (len(x), *geometry.outputs, x.shape[-1]), steps, groups=x.shape[-1])
        out = filtering.forward(x, kernel, geometry, look)
        wild = look.wild_images()
        if wild:
            out[wild] = _by_runs(x[wild], kernel, geometry)
        return _given(out, into)
    return _by_runs(x, kernel, geometry, into)


def _by_runs(x: ndarray, kernel: ndarray, geometry: Geometry, into: ndarray | None = None) -> Any:
    """The plain sum."""
    runs = Runs(x, geometry)
    out = numpy.empty((len(x), *geometry.outputs, x.shape[-1]), x.dtype) if into is None else into
    given, repeated = runs.three(out), runs.repeated(kernel)
    whole = out.flags.c_contiguous

    def work(i: int) -> None:
        block = runs.blocks[i]
        target = given[block.images, block.rows]
        found = target if whole else scratch("depthwise block", target.shape, x.dtype)
        _fill(runs, repeated, x, block, found.reshape(*found.shape[:3], -1))
        if not whole:
            copy_rows(found, target)

    each(work, len(runs.blocks), out.size * geometry.taps / speeds().einsum)
    return out


def _given(found: Any, into: ndarray | None) -> Any:
    if into is None:
        return found
    copy_rows(found, into)
    return into


def _fill(runs: Runs, repeated: list[Any], x: ndarray, block: Block, out: ndarray) -> None:
    """A block's results, (images, rows, height, columns * channels)."""
    canvas = runs.canvas(x, block)
    for start, stop in runs.ranges:
        target = out[..., start * runs.channels : stop * runs.channels]
        for phase, taps in enumerate(repeated):
            result = scratch("depthwise y", target.shape, x.dtype) if phase else target
            windows = runs.windows(canvas, block, phase, start, stop)
            numpy.einsum("nuvijkl,ijkl->nuvl", windows, taps[..., : target.shape[-1]], out=result)
            if phase:
                numpy.add(target, result, out=target)


@accelerated("depthwise")
def input_gradient(g: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """The gradient of `x`."""
    parts = phases(geometry)
    if parts is None or not _is_ours(g, kernel, geometry):
        return plain_depthwise.input_gradient(numpy, g, kernel, geometry)
    channels, multiplier = kernel.shape[-2:]
    split = g.reshape(*g.shape[:-1], channels, multiplier)
    found = [_input_gradient(split[..., i], kernel[..., i], geometry) for i in range(multiplier)]
    return found[0] if multiplier == 1 else sum(found[1:], found[0])


def _input_gradient(g: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """Each phase fills its own elements."""
    out = numpy.empty((len(g), *geometry.lengths, g.shape[-1]), g.dtype)
    for phase in phases(geometry) or ():
        target = out[(slice(None), *phase.targets)]
        if phase.geometry is None:
            target[...] = 0
        else:
            _forward(g[(slice(None), *phase.given)], kernel[phase.taps], phase.geometry, target)
    return out


@accelerated("depthwise")
def kernel_gradient(x: ndarray, g: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry) -> Any:
    """The gradient of the kernel."""
    if not _is_ours(x, g, geometry):
        return plain_depthwise.kernel_gradient(numpy, x, g, kernel_shape, geometry)
    channels, multiplier = kernel_shape[-2:]
    split = g.reshape(*g.shape[:-1], channels, multiplier)
    found = [_kernel_gradient(x, split[..., i], geometry) for i in range(multiplier)]
    return numpy.stack(found, -1).reshape(kernel_shape)


def _kernel_gradient(x: ndarray, g: ndarray, geometry: Geometry) -> Any:
    """(taps, channels), with one filter per channel."""
    runs = Runs(x, geometry)
    places = runs.flat(g if g.flags.c_contiguous else numpy.ascontiguousarray(g))
    shares = parts_of(len(runs.blocks), geometry.taps * runs.channels)
    sums = numpy.zeros((len(shares), geometry.taps, runs.channels), x.dtype)

    def work(i: int) -> None:
        for block in runs.blocks[shares[i]]:
            canvas = runs.canvas(x, block)
            for start, stop in runs.ranges:
                part = runs.part(places, block, start, stop)
                _add_products(runs, canvas, part, block, (start, stop), sums[i])

    each(work, len(shares), g.size * geometry.taps / speeds().einsum)
    return sum_in_order(sums)


def _add_products(runs: Runs, canvas: ndarray, g: ndarray, block: Block, among: tuple[int, int], sums: ndarray) -> None:
    """Add what the windows among two columns give to each element of the kernel (taps, channels)."""
    found = scratch("depthwise w", (len(sums), g.shape[-1]), g.dtype)
    for tap, window in _each_tap(runs, canvas, block, among):
        numpy.einsum("nuvl,nuvl->l", window, g, out=found[tap])
    columns = found.reshape(len(sums), g.shape[-1] // runs.channels, runs.channels)
    numpy.add(sums, columns.sum(axis=1), out=sums)


def _each_tap(runs: Runs, canvas: ndarray, block: Block, among: tuple[int, int]) -> Iterator[tuple[int, Any]]:
    """The number of each element of the kernel, and what it meets."""
    numbers = numpy.arange(math.prod(runs.sizes)).reshape(runs.sizes)
    for phase in range(min(runs.phases, runs.sizes[2])):
        windows, of_phase = runs.windows(canvas, block, phase, *among), numbers[..., phase :: runs.phases]
        for place in numpy.ndindex(*of_phase.shape):
            yield int(of_phase[place]), windows[(slice(None), slice(None), slice(None), *place)]
