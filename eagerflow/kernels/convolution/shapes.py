"""What decides how a convolution is computed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy
from numpy import ndarray

from eagerflow.ops.windows.geometry import Geometry

__all__ = ["Shapes"]


class Shapes(NamedTuple):
    """One convolution: all that decides how it is computed.

    Attributes:
        batch: how many images, or what they are.
        width: channels that one filter sees.
        filters: of all groups.
        groups: of channels.
        is_single: whether numbers are float32; else they are float64.
        geometry: where the windows lie.
    """

    batch: int
    width: int
    filters: int
    groups: int
    is_single: bool
    geometry: Geometry

    @classmethod
    def of(cls, x: ndarray, kernel_shape: tuple[int, ...], geometry: Geometry, groups: int = 1) -> Shapes:
        """Of x (batch, *lengths, channels) and a kernel (*sizes, channels of a group, filters)."""
        width, filters = kernel_shape[-2:]
        return cls(len(x), width, filters, groups, x.dtype == numpy.float32, geometry)

    @property
    def kernel(self) -> tuple[int, ...]:
        """The shape of the kernel."""
        return (*self.geometry.sizes, self.width, self.filters)

    @property
    def channels(self) -> int:
        """Of all groups."""
        return self.groups * self.width

    @property
    def positions(self) -> int:
        """How many windows there are in all images."""
        return self.batch * math.prod(self.geometry.outputs)

    @property
    def multiply_adds(self) -> int:
        """Those of the plain sum."""
        return self.positions * self.geometry.taps * self.width * self.filters
