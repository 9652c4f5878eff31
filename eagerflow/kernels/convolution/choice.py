"""Convolutions: each by the algorithm that is fastest for its shapes.

Arrays are channels-last: `x` (batch, *spatial, channels), `kernel` (*sizes, channels per group, filters). They may
be views with any strides: what is worked on is copied block by block anyway.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.kernels.convolution import columns, planes, swapped
from eagerflow.kernels.convolution import plain as plain_convolution
from eagerflow.kernels.convolution.epilogue import epilogue as epilogue_of
from eagerflow.kernels.convolution.geometry import Geometry
from eagerflow.kernels.convolution.neighbours import folded, joined, neighbours, spread
from eagerflow.kernels.convolution.outliers import Look, Looked, has_steady_borders, peak
from eagerflow.kernels.convolution.phases import phases
from eagerflow.kernels.convolution.winograd import images as winograd
from eagerflow.kernels.convolution.winograd import stacked, volumes
from eagerflow.kernels.machine.parts import at_once
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.machine.views import copy_rows

__all__ = ["forward", "gradients", "input_gradient", "kernel_gradient"]

_LITTLE = 1 << 21  # multiply-adds that aren't worth being taken apart
_COPIED = 2_000  # numbers copied in a microsecond
_COPY = 200  # microseconds of a copy that is worth a thread's while
_STEPS = {2: (3, 3), 3: (1, 3, 3)}  # how many outputs of Winograd's algorithms see the same input
_DTYPES = (numpy.dtype("float32"), numpy.dtype("float64"))


def _is_ours(xp: Any, a: Any, b: Any) -> bool:
    """Whether the CPU's kernels take these arrays."""
    return xp is numpy and a.dtype == b.dtype and a.dtype in _DTYPES


def forward(
    xp: Any,
    x: Any,
    kernel: Any,
    geometry: Geometry,
    groups: int = 1,
    looked: Looked | None = None,
    epilogue: tuple[Any, bool] | None = None,
) -> Any:
    """(batch, *outputs, filters). With an `epilogue`, a bias and whether relu follows it; of NumPy's arrays only.

    What was found about x by the way is noted in `looked`, for `gradients`.
    """
    finish = None
    if epilogue is not None:
        finish = epilogue_of(*epilogue, rows=len(x) * math.prod(geometry.outputs))
    if _is_ours(xp, x, kernel):
        way = _looked_at(x, kernel.shape, geometry, groups)
        if way is not None:
            shape, steps = (len(x), *geometry.outputs, kernel.shape[-1]), _STEPS[len(geometry.sizes)]
            look = Look(shape, steps, groups, list(zip(geometry.before, geometry.after)))
            out = way(x, kernel, geometry, finish, look=look)
            wild = look.wild_images()
            if wild:
                out[wild] = columns.forward(x[wild], kernel, geometry, groups, finish)
            elif looked is not None:
                looked.is_steady = True
            return out
        if swapped.suits(x, kernel.shape, geometry, groups):
            out = swapped.forward(x, kernel, geometry)
        elif groups == 1:
            return _by_columns(x, kernel, geometry, finish)
        elif planes.suits(kernel.shape, geometry, groups):
            out = planes.forward(x, kernel, geometry, groups)
        else:
            return columns.forward(x, kernel, geometry, groups, finish)
    else:
        out = plain_convolution.forward(xp, x, kernel, geometry, groups)
    if finish is not None:
        finish(out)
    return out


def _looked_at(x: Any, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int) -> Any:
    """The fast way whose outputs must be looked at, if one suits."""
    if winograd.suits(kernel_shape, x.dtype, geometry, groups):
        return functools.partial(winograd.forward, groups=groups)
    for way in (volumes, stacked):
        if way.suits(x, kernel_shape, geometry, groups):
            return way.forward
    return None


def _by_columns(x: Any, kernel: Any, geometry: Geometry, finish: Callable[[Any], None] | None) -> Any:
    count = neighbours(x, kernel.shape, geometry)
    if count == 1:
        return columns.forward(x, kernel, geometry, 1, finish)
    with numpy.errstate(invalid="ignore"):
        out = columns.forward(x, spread(kernel, count), joined(geometry, count), 1, finish)
    if not numpy.isfinite(peak(out)):  # zeros among the weights made NaN of what a neighbour sees
        return columns.forward(x, kernel, geometry, 1, finish)
    return out.reshape(len(x), *geometry.outputs, kernel.shape[-1])


def input_gradient(
    xp: Any, g: Any, kernel: Any, geometry: Geometry, groups: int = 1, looked: Looked | None = None
) -> Any:
    """The gradient of `x`, from that of the output: also the transposed convolution of `g`.

    What was found about g by the way is noted in `looked`, for `kernel_gradient`.
    """
    if not _is_ours(xp, g, kernel):
        return plain_convolution.input_gradient(xp, g, kernel, geometry, groups)
    channels, filters = kernel.shape[-2] * groups, kernel.shape[-1]
    if channels == 1:
        return columns.input_gradient(g, kernel, geometry, groups)
    by_planes = planes.suits(kernel.shape, geometry, groups) and (groups > 1 or 2 * channels < filters)
    if by_planes and not winograd.suits(kernel.shape, kernel.dtype, geometry, groups):
        return planes.input_gradient(g, kernel, geometry, groups)
    little = g.size * geometry.taps * kernel.shape[-2] < _LITTLE and set(geometry.strides) != {1}
    found = None if little or not g.size else phases(geometry)
    if found is None:
        return columns.input_gradient(g, kernel, geometry, groups)
    parts = list(found)
    inner = parts[0].geometry
    if len(parts) == 1 and inner is not None:
        taps = _turned(kernel[parts[0].taps], groups)
        given = g[(slice(None), *parts[0].given)]
        return forward(xp, given, taps, inner, groups, looked if given.shape == g.shape else None)
    shape = (len(g), *geometry.lengths, channels)
    has_gaps = any([part.geometry is None for part in parts])
    out = numpy.zeros(shape, g.dtype) if has_gaps else numpy.empty(shape, g.dtype)
    for part in parts:
        if part.geometry is not None:
            taps = _turned(kernel[part.taps], groups)
            given = forward(xp, g[(slice(None), *part.given)], taps, part.geometry, groups)
            _put(given, out[(slice(None), *part.targets)])
    return out


def _put(found: Any, target: Any) -> None:
    """Copy the images of a phase to their places, shared among threads."""
    microseconds = found.size / _COPIED
    step = at_once(len(found), len(found), microseconds, _COPY)

    def work(i: int) -> None:
        some = slice(i * step, (i + 1) * step)
        copy_rows(found[some], target[some])

    each(work, -(-len(found) // step), microseconds)


def _turned(kernel: Any, groups: int) -> Any:
    """(*sizes, width, groups * filters) as (*sizes, filters, groups * width)."""
    rank, (width, filters) = kernel.ndim - 2, kernel.shape[-2:]
    split = kernel.reshape(*kernel.shape[:-1], groups, filters // groups)
    back = split.transpose(*range(rank), rank + 2, rank + 1, rank)
    return back.reshape(*kernel.shape[:-2], filters // groups, groups * width)


def kernel_gradient(
    xp: Any,
    x: Any,
    g: Any,
    kernel_shape: tuple[int, ...],
    geometry: Geometry,
    groups: int = 1,
    looked: Sequence[Looked | None] = (None, None),
) -> Any:
    """The gradient of the kernel; what is known of x and g, `looked` tells."""
    if not _is_ours(xp, x, g):
        return plain_convolution.kernel_gradient(xp, x, g, kernel_shape, geometry, groups)
    with numpy.errstate(invalid="ignore"):
        found = _fast_kernel_gradient(x, g, kernel_shape, geometry, groups, looked)
    # Ways that multiply with zeros between the numbers spread a NaN to elements that never meet it.
    if found is None or not numpy.isfinite(peak(found)):
        return columns.kernel_gradient(x, g, kernel_shape, geometry, groups)
    return found


def _fast_kernel_gradient(
    x: Any,
    g: Any,
    kernel_shape: tuple[int, ...],
    geometry: Geometry,
    groups: int,
    looked: Sequence[Looked | None],
) -> Any:
    """By the algorithm that suits; None where that can't."""
    by_tiles = winograd.suits(kernel_shape, x.dtype, geometry, groups) or stacked.suits(
        x, kernel_shape, geometry, groups
    )
    if by_tiles and not _have_steady_borders((x, g), looked):
        return None
    if winograd.suits(kernel_shape, x.dtype, geometry, groups):
        return winograd.kernel_gradient(x, g, geometry, groups)
    if volumes.suits(x, kernel_shape, geometry, groups):
        return volumes.kernel_gradient(x, g, kernel_shape, geometry)
    if stacked.suits(x, kernel_shape, geometry, groups):
        return stacked.kernel_gradient(x, g, kernel_shape, geometry)
    if groups > 1 and planes.suits(kernel_shape, geometry, groups):
        return planes.kernel_gradient(x, g, kernel_shape, geometry, groups)
    if swapped.suits(x, kernel_shape, geometry, groups):
        return swapped.kernel_gradient(x, g, geometry)
    count = neighbours(x, kernel_shape, geometry) if groups == 1 else 1
    if count > 1:
        together = joined(geometry, count)
        filters = count * kernel_shape[-1]
        given = g.reshape(len(g), *together.outputs, filters)
        shape = (*together.sizes, kernel_shape[-2], filters)
        return folded(columns.kernel_gradient(x, given, shape, together), count)
    return columns.kernel_gradient(x, g, kernel_shape, geometry, groups)


def gradients(
    xp: Any,
    x: Any,
    g: Any,
    kernel: Any,
    needs: Sequence[bool],
    geometry: Geometry,
    groups: int = 1,
    looked: Looked | None = None,
) -> tuple[Any, Any]:
    """The gradients of `x` and of the kernel, None where `needs` says so; `looked` is that of `forward`."""
    if (
        all(needs)
        and _is_ours(xp, x, g)
        and winograd.suits(kernel.shape, kernel.dtype, geometry, groups)
        and winograd.shares_gradients(kernel.shape, geometry, groups)
    ):
        look = Look(x.shape, _STEPS[2], groups, _slack_backward(geometry))
        found = winograd.gradients(x, g, kernel, geometry, groups, look)
        if _are_steady(x, found[1], look, looked):
            return found
    elif (
        all(needs)
        and _is_ours(xp, x, g)
        and volumes.suits(x, kernel.shape, geometry, groups)
        and volumes.shares_gradients(x, kernel.shape, geometry)
    ):
        look = Look(x.shape, _STEPS[3], slack=_slack_backward(geometry))
        found = volumes.gradients(x, g, kernel, geometry, look)
        if _are_steady(x, found[1], look, looked):
            return found
    of_g = Looked()
    dx = input_gradient(xp, g, kernel, geometry, groups, of_g) if needs[0] else None
    dk = kernel_gradient(xp, x, g, kernel.shape, geometry, groups, (looked, of_g)) if needs[1] else None
    return dx, dk


def _slack_backward(geometry: Geometry) -> list[tuple[int, int]]:
    return [(k - 1 - a, k - 1 - b) for k, a, b in zip(geometry.sizes, geometry.before, geometry.after)]


def _are_steady(x: Any, dk: Any, look: Look, looked: Looked | None) -> bool:
    """Whether no number of x, and of the gradient of the output that `look` saw, was too large for their transforms."""
    return bool(numpy.isfinite(peak(dk))) and not look.wild_images() and _have_steady_borders((x,), (looked,))


def _have_steady_borders(arrays: Sequence[Any], looked: Sequence[Looked | None]) -> bool:
    """Whether no number at the borders is far larger than is usual inside, where that isn't known already."""
    return all(
        (note is not None and note.is_steady) or has_steady_borders(a)
        for a, note in zip(arrays, looked, strict=True)
    )
