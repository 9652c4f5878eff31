"""Convolution with one filter: what it sees is not gathered, what it gives is shifted.

Every pixel's channels are multiplied with all elements of the kernel at once, and those products added up where they
belong: that is the gradient of the input of a convolution from one channel, the other way round.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution import columns
from eagerflow.ops.windows.geometry import Geometry, effective

__all__ = ["applies", "forward", "kernel_gradient"]


def applies(geometry: Geometry) -> bool:
    """Whether there is another way round: padding is no longer than windows reach."""
    return set(geometry.strides) == {1} and min(_the_other_way(geometry).before + _the_other_way(geometry).after) >= 0


def forward(x: ndarray, kernel: ndarray, geometry: Geometry) -> Any:
    """(batch, *outputs, 1)."""
    return columns.input_gradient(x, _turned(kernel), _the_other_way(geometry))


def kernel_gradient(x: ndarray, g: ndarray, geometry: Geometry) -> Any:
    """The gradient of the kernel, (*sizes, channels, 1)."""
    shape = (*geometry.sizes, 1, x.shape[-1])
    return _turned(columns.kernel_gradient(g, x, shape, _the_other_way(geometry)))


def _turned(kernel: ndarray) -> Any:
    """The kernel backwards, its channels as filters."""
    return numpy.flip(kernel, tuple(range(kernel.ndim - 2))).swapaxes(-1, -2)


def _the_other_way(geometry: Geometry) -> Geometry:
    """The windows of the outputs in which each input lies."""
    reaches = [effective(k, d) - 1 for k, d in zip(geometry.sizes, geometry.dilation)]
    return geometry._replace(
        before=tuple([reach - n for reach, n in zip(reaches, geometry.before)]),
        after=tuple([reach - n for reach, n in zip(reaches, geometry.after)]),
        lengths=geometry.outputs,
        outputs=geometry.lengths,
    )
