"""Convolutions: each by the algorithm that is fastest for its shapes (see `algorithms.py`).

Arrays are channels-last: `x` (batch, *spatial, channels), `kernel` (*sizes, channels per group, filters). They may
be views with any strides: what is worked on is copied block by block anyway.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution import columns, direct
from eagerflow.kernels.convolution.algorithms import COLUMNS, DIRECT, Algorithm, choose, is_taken_apart
from eagerflow.kernels.convolution.epilogue import add_bias, epilogue as epilogue_of
from eagerflow.kernels.convolution.outliers import Look, Looked, has_steady_borders, peak
from eagerflow.kernels.convolution.phases import phases
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.machine.costs import Columns
from eagerflow.kernels.machine.parts import at_once
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each
from eagerflow.kernels.machine.views import copy_rows
from eagerflow.ops.windows import convolution as plain_convolution
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["forward", "gradients", "gradients_of_first", "input_gradient", "kernel_gradient"]

_DTYPES = (numpy.dtype("float32"), numpy.dtype("float64"))


def _is_ours(a: ndarray, b: ndarray) -> bool:
    """Whether this folder's kernels take these arrays; others go the plain way."""
    return a.dtype == b.dtype and a.dtype in _DTYPES


def forward(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    groups: int = 1,
    looked: Looked | None = None,
    epilogue: tuple[Any, bool] | None = None,
) -> Any:
    """(batch, *outputs, filters). With an `epilogue`, a bias and whether relu follows it.

    What is chosen, and found about x by the way, is noted in `looked`, for `gradients`.
    """
    finish = None
    if epilogue is not None:
        finish = epilogue_of(*epilogue, rows=len(x) * math.prod(geometry.outputs))
    if not _is_ours(x, kernel):
        out = plain_convolution.forward(numpy, x, kernel, geometry, groups)
        if finish is not None:
            finish(out)
        return out
    shapes = Shapes.of(x, kernel.shape, geometry, groups)
    algorithm = choose(shapes)
    if looked is not None:
        looked.algorithm = algorithm
    if not algorithm.steps:
        return algorithm.forward(x, kernel, shapes, finish, None)
    shape = (len(x), *geometry.outputs, kernel.shape[-1])
    look = Look(x, shape, algorithm.steps, groups, list(zip(geometry.before, geometry.after)))
    out = algorithm.forward(x, kernel, shapes, finish, look)
    wild = look.wild_images()
    if wild:
        out[wild] = columns.forward(x[wild], kernel, geometry, groups, finish)
    elif looked is not None:
        looked.is_steady = True
    return out


def input_gradient(
    g: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    groups: int = 1,
    looked: Looked | None = None,
    epilogue: tuple[Any, bool] | None = None,
) -> Any:
    """The gradient of `x`, from that of the output: also the transposed convolution of `g`.

    What was found about g by the way is noted in `looked`, for `kernel_gradient`. With an `epilogue`, a bias and
    whether relu follows it.
    """
    if not _is_ours(g, kernel):
        return _finished(plain_convolution.input_gradient(numpy, g, kernel, geometry, groups), epilogue)
    if not is_taken_apart(Shapes.of(g, kernel.shape, geometry, groups)):
        return _finished(columns.input_gradient(g, kernel, geometry, groups), epilogue)
    parts = list(phases(geometry) or ())
    inner = parts[0].geometry
    if len(parts) == 1 and inner is not None:
        taps = _turned(kernel[parts[0].taps], groups)
        given = g[(slice(None), *parts[0].given)]
        return forward(given, taps, inner, groups, looked if given.shape == g.shape else None, epilogue)
    shape = (len(g), *geometry.lengths, kernel.shape[-2] * groups)
    has_gaps = any([part.geometry is None for part in parts])
    out = numpy.zeros(shape, g.dtype) if has_gaps else numpy.empty(shape, g.dtype)
    for part in parts:
        if part.geometry is not None:
            taps, given = _turned(kernel[part.taps], groups), g[(slice(None), *part.given)]
            _convolve_into(given, taps, part.geometry, groups, out, part.targets, None if has_gaps else epilogue)
    return _finished(out, epilogue) if has_gaps else out


def _finished(out: Any, epilogue: tuple[Any, bool] | None) -> Any:
    if epilogue is not None:
        add_bias(out, *epilogue)
    return out


def _convolve_into(
    x: ndarray,
    kernel: ndarray,
    geometry: Geometry,
    groups: int,
    out: ndarray,
    targets: tuple[slice, ...],
    epilogue: tuple[Any, bool] | None,
) -> None:
    """Put a convolution into some pixels of `out`."""
    if choose(Shapes.of(x, kernel.shape, geometry, groups)) is DIRECT:
        finish = None if epilogue is None else epilogue_of(*epilogue, rows=len(x) * math.prod(geometry.outputs))
        if direct.convolve_into(x, kernel, geometry, groups, out, targets, finish):
            return
    _put(forward(x, kernel, geometry, groups, epilogue=epilogue), out[(slice(None), *targets)])


def _put(found: Any, target: ndarray) -> None:
    """Copy the images of a phase to their places, shared among threads."""
    microseconds = found.size / speeds().copied
    step = at_once(len(found), len(found), microseconds, Columns.COPY)

    def work(i: int) -> None:
        some = slice(i * step, (i + 1) * step)
        copy_rows(found[some], target[some])

    each(work, -(-len(found) // step), microseconds)


def _turned(kernel: ndarray, groups: int) -> Any:
    """(*sizes, width, groups * filters) as (*sizes, filters, groups * width)."""
    rank, (width, filters) = kernel.ndim - 2, kernel.shape[-2:]
    split = kernel.reshape(*kernel.shape[:-1], groups, filters // groups)
    back = split.transpose(*range(rank), rank + 2, rank + 1, rank)
    return back.reshape(*kernel.shape[:-2], filters // groups, groups * width)


def kernel_gradient(
    x: ndarray,
    g: ndarray,
    kernel_shape: tuple[int, ...],
    geometry: Geometry,
    groups: int = 1,
    looked: Sequence[Looked | None] = (None, None),
) -> Any:
    """The gradient of the kernel; what is known of x and g, `looked` tells."""
    if not _is_ours(x, g):
        return plain_convolution.kernel_gradient(numpy, x, g, kernel_shape, geometry, groups)
    shapes = Shapes.of(x, kernel_shape, geometry, groups)
    algorithm = _chosen(shapes, looked[0])
    if algorithm is not COLUMNS and (not algorithm.steps or _have_steady_borders((x, g), looked)):
        with numpy.errstate(invalid="ignore"):
            found = algorithm.kernel_gradient(x, g, shapes)
        # Ways that multiply with zeros between the numbers spread a NaN to elements that never meet it.
        if numpy.isfinite(peak(found)):
            return found
    return columns.kernel_gradient(x, g, kernel_shape, geometry, groups)


def gradients_of_first(
    x: ndarray,
    g: ndarray,
    positive: ndarray,
    kernel_shape: tuple[int, ...],
    geometry: Geometry,
    groups: int = 1,
    looked: Looked | None = None,
) -> tuple[Any, Any] | None:
    """The gradients of the kernel and of the bias alone, as a first layer's are, in one go; `positive` is relu's.

    None where they are as soon made one after the other.
    """
    if not _is_ours(x, g) or _chosen(Shapes.of(x, kernel_shape, geometry, groups), looked) is not DIRECT:
        return None
    with numpy.errstate(invalid="ignore"):
        found = direct.convolve_relu_gradients(x, g, positive, kernel_shape, geometry, groups)
    return found if numpy.isfinite(peak(found[0])) else None  # see `kernel_gradient`


def _chosen(shapes: Shapes, looked: Looked | None) -> Algorithm:
    """What the convolution of x was computed by."""
    return choose(shapes) if looked is None or looked.algorithm is None else looked.algorithm


def gradients(
    x: ndarray,
    g: ndarray,
    kernel: ndarray,
    needs: Sequence[bool],
    geometry: Geometry,
    groups: int = 1,
    looked: Looked | None = None,
) -> tuple[Any, Any]:
    """The gradients of `x` and of the kernel, None where `needs` says so; `looked` is that of `forward`."""
    if all(needs) and _is_ours(x, g):
        shapes = Shapes.of(x, kernel.shape, geometry, groups)
        algorithm = _chosen(shapes, looked)
        if algorithm.gradients is not None and algorithm.shares(shapes):
            look = Look(g, x.shape, algorithm.steps, groups, _slack_backward(geometry))
            found = algorithm.gradients(x, g, kernel, shapes, look)
            if _are_steady(x, found[1], look, looked):
                return found
    of_g = Looked()
    dx = input_gradient(g, kernel, geometry, groups, of_g) if needs[0] else None
    dk = kernel_gradient(x, g, kernel.shape, geometry, groups, (looked, of_g)) if needs[1] else None
    return dx, dk


def _slack_backward(geometry: Geometry) -> list[tuple[int, int]]:
    return [(k - 1 - a, k - 1 - b) for k, a, b in zip(geometry.sizes, geometry.before, geometry.after)]


def _are_steady(x: ndarray, dk: Any, look: Look, looked: Looked | None) -> bool:
    """Whether no number of x, and of the gradient of the output that `look` saw, was too large for their transforms."""
    return bool(numpy.isfinite(peak(dk))) and not look.wild_images() and _have_steady_borders((x,), (looked,))


def _have_steady_borders(arrays: Sequence[Any], looked: Sequence[Looked | None]) -> bool:
    """Whether no number at the borders is far larger than is usual inside, where that isn't known already."""
    return all(
        (note is not None and note.is_steady) or has_steady_borders(a) for a, note in zip(arrays, looked, strict=True)
    )
