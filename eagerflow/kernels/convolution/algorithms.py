"""The algorithms of convolution, one row for each: when it applies, what it costs, and what it does.

`choose` takes the row that costs least of those that apply. The choice depends on the shapes alone, and is kept for
the gradients. What is measured here, and on which machine, stands in `machine/costs.py`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy import ndarray

from eagerflow.kernels.convolution import columns, direct, swapped
from eagerflow.kernels.convolution.outliers import Look
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.convolution.winograd import images, volumes
from eagerflow.kernels.convolution.winograd.minimal import tile_for
from eagerflow.kernels.convolution.winograd.packs import Packs
from eagerflow.kernels.machine.costs import Columns, Swapped, Volumes, Winograd
from eagerflow.kernels.machine.speeds import FEW_CHANNELS, speeds
from eagerflow.ops.windows.geometry import Geometry

__all__ = ["ALGORITHMS", "COLUMNS", "DIRECT", "Algorithm", "Shapes", "choose", "is_taken_apart"]

Finish = Callable[..., None]


class Algorithm(NamedTuple):
    """A row of the table.

    Attributes:
        name: what pages call it.
        applies: whether it computes such a convolution, exactly enough.
        microseconds: that the convolution takes one thread, roughly.
        forward: (x, kernel, shapes, finish, look) -> outputs; `finish` gets each block of them, contiguous, and
            where it is to go, if not there.
        kernel_gradient: (x, g, shapes) -> the gradient of the kernel.
        gradients: (x, g, kernel, shapes, look) -> that of x, too, by what both have in common.
        shares: whether `gradients` is faster than both alone.
        steps: how many outputs see the same input along each axis, of algorithms that mix inputs that no single output
            sees together. Their outputs must be looked at (see `outliers.py`).
    """

    name: str
    applies: Callable[[Shapes], bool]
    microseconds: Callable[[Shapes], float]
    forward: Callable[[Any, Any, Shapes, Finish | None, Look | None], Any]
    kernel_gradient: Callable[[Any, Any, Shapes], Any]
    gradients: Callable[[Any, Any, Any, Shapes, Look], tuple[Any, Any]] | None = None
    shares: Callable[[Shapes], bool] = lambda shapes: False
    steps: tuple[int, ...] = ()


def _products(multiply_adds: float, filters: float) -> float:
    """Microseconds of a product of matrices with a number of columns."""
    few = speeds().few_columns if filters >= 16 else speeds().fewer_columns
    return multiply_adds * (filters + few) / (filters * speeds().products) if filters else 0


def _transforms(numbers: float, channels: int, filters: int) -> float:
    """Microseconds of the transforms of a number of tiles' elements, of inputs and outputs."""
    return numbers * (channels + filters + 2 * FEW_CHANNELS) / speeds().transformed


def _weights(numbers: float) -> float:
    """Microseconds of that of the weights."""
    return numbers / speeds().weights * (2 if numbers > Winograd.LARGE_WEIGHTS else 1)


def _is_whole_3x3(geometry: Geometry) -> bool:
    """Whether Winograd's tiles fit windows along the last two axes."""
    inner = Geometry(*[values[-2:] for values in geometry])
    return (
        inner.sizes == (3, 3)
        and inner.strides == inner.dilation == (1, 1)
        and max(*inner.before, *inner.after) <= 2
        and min(inner.outputs) >= 3
    )


def _winograd_applies(s: Shapes) -> bool:
    geometry = s.geometry
    return (
        len(geometry.sizes) == 2
        and s.is_single
        and _is_whole_3x3(geometry)
        and min(s.channels, s.filters) >= Winograd.LEAST_CHANNELS
        # Sums of few numbers, where an image is a single tile: errors are large compared with them.
        and (Packs.of(s.kernel, s.groups).groups == 1 or max(geometry.outputs) > images.LARGEST_TILE)
    )


def _winograd_microseconds(s: Shapes) -> float:
    packs, tile = Packs.of(s.kernel, s.groups), tile_for(s.geometry.outputs)
    numbers = (tile + 2) ** 2 * s.batch * math.prod([-(-n // tile) for n in s.geometry.outputs])
    if images.is_fused(packs):
        return (
            numbers * s.channels * s.filters / (Winograd.FUSED_PRODUCTS * speeds().direct)
            + numbers * (s.channels + s.filters) / (Winograd.FUSED_TRANSFORMS * speeds().transformed)
            + _weights((tile + 2) ** 2 * s.width * s.filters)
            + Winograd.FUSED_CALLS * speeds().call
        )
    return (
        _products(numbers * packs.products * packs.channels * packs.outputs, packs.outputs)
        + _transforms(numbers, s.channels, s.filters)
        + _weights((tile + 2) ** 2 * s.width * s.filters)
        + Winograd.CALLS * speeds().call
    )


def _volumes_apply(s: Shapes) -> bool:
    geometry = s.geometry
    return (
        len(geometry.sizes) == 3
        and s.groups == geometry.dilation[0] == 1
        and s.is_single
        and _is_whole_3x3(geometry)
        and min(geometry.sizes[0] * s.width, s.filters) >= Winograd.LEAST_CHANNELS
        and s.multiply_adds >= Volumes.LEAST
    )


def _volumes_microseconds(s: Shapes) -> float:
    (layers, *outputs), depth = s.geometry.outputs, s.geometry.sizes[0]
    tile = volumes.tile_of(s.batch, s.geometry)
    numbers = (tile + 2) ** 2 * s.batch * math.prod([-(-n // tile) for n in outputs])
    seen = (layers - 1) * s.geometry.strides[0] + depth
    weights = depth * s.width * s.filters  # of one frequency
    in_pieces = 1 + depth * s.width / Volumes.ONE_TILE if max(outputs) <= tile else 1
    return (
        _products(numbers * layers * weights, s.filters) * in_pieces
        + _transforms(numbers, seen * s.width, layers * s.filters)
        + _weights((tile + 2) ** 2 * weights)
        + Volumes.CALLS * speeds().call
    )


def _swapped_applies(s: Shapes) -> bool:
    return s.filters == s.groups == 1 and s.geometry.taps > 1 and swapped.applies(s.geometry)


def _swapped_microseconds(s: Shapes) -> float:
    taps = s.geometry.taps
    calls = Swapped.CALLS + Swapped.CALLS_OF_TAP * taps
    return _products(s.multiply_adds, taps) + s.positions * taps / speeds().copied + calls * speeds().call


def _columns_microseconds(s: Shapes) -> float:
    run = s.width * (s.geometry.sizes[-1] if s.groups == 1 else 1)
    gathered = s.positions * s.geometry.taps * s.channels * (run + speeds().short_run) / (run or 1)
    products = _products(s.multiply_adds, s.filters / s.groups)
    return products + gathered / speeds().gathered + Columns.CALLS * speeds().call


def _swapped_forward(x: ndarray, kernel: ndarray, s: Shapes, finish: Finish | None, look: Look | None) -> Any:
    out = swapped.forward(x, kernel, s.geometry)
    if finish is not None:
        finish(out)
    return out


ALGORITHMS = (
    Algorithm(
        "winograd",
        _winograd_applies,
        _winograd_microseconds,
        lambda x, k, s, finish, look: images.forward(x, k, s.geometry, finish, s.groups, look),
        lambda x, g, s: images.kernel_gradient(x, g, s.geometry, s.groups),
        lambda x, g, k, s, look: images.gradients(x, g, k, s.geometry, s.groups, look),
        lambda s: images.shares_gradients(s.kernel, s.geometry, s.groups),
        steps=(3, 3),
    ),
    Algorithm(
        "winograd of volumes",
        _volumes_apply,
        _volumes_microseconds,
        lambda x, k, s, finish, look: volumes.forward(x, k, s.geometry, finish, look),
        lambda x, g, s: volumes.kernel_gradient(x, g, s.kernel, s.geometry),
        lambda x, g, k, s, look: volumes.gradients(x, g, k, s.geometry, look),
        lambda s: volumes.shares_gradients(s.batch, s.kernel, s.geometry),
        steps=(1, 3, 3),
    ),
    Algorithm(
        "one filter",
        _swapped_applies,
        _swapped_microseconds,
        _swapped_forward,
        lambda x, g, s: swapped.kernel_gradient(x, g, s.geometry),
    ),
    Algorithm(
        "direct",
        direct.applies,
        direct.microseconds,
        lambda x, k, s, finish, look: direct.convolve(x, k, s.geometry, s.groups, finish),
        lambda x, g, s: direct.convolve_kernel_gradient(x, g, s.kernel, s.geometry, s.groups),
    ),
    Algorithm(
        "columns",
        lambda s: True,
        _columns_microseconds,
        lambda x, k, s, finish, look: columns.forward(x, k, s.geometry, s.groups, finish),
        lambda x, g, s: columns.kernel_gradient(x, g, s.kernel, s.geometry, s.groups),
    ),
)

DIRECT, COLUMNS = ALGORITHMS[-2:]


@functools.lru_cache(maxsize=1024)
def choose(shapes: Shapes) -> Algorithm:
    """The row that costs least of those that apply."""
    return min([row for row in ALGORITHMS if row.applies(shapes)], key=lambda row: row.microseconds(shapes))


def is_taken_apart(shapes: Shapes) -> bool:
    """Whether the gradient of the input is made of convolutions (see `phases.py`), each chosen for itself.

    Otherwise each window's share is added where the window lies: of a single channel, of strides with dilation, and
    where several strided convolutions aren't worth the calls.
    """
    geometry = shapes.geometry
    is_strided = set(geometry.strides) != {1}
    return (
        shapes.channels > 1
        and shapes.positions > 0
        and all(s == 1 or d == 1 for s, d in zip(geometry.strides, geometry.dilation))
        and not (is_strided and shapes.multiply_adds < Columns.LITTLE)
    )
