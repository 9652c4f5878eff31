"""The weights of a Winograd convolution, and how groups of few channels share its products.

BLAS needs columns: groups of few channels lie in one matrix, zero but for the groups' own blocks.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution.winograd.minimal import Minimal, minimal
from eagerflow.kernels.machine.costs import Winograd
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each

__all__ = ["Packs"]

_LONGEST = (48, 64)  # channels of the longest sums that are made in one go


class Packs(NamedTuple):
    """How groups share products: the number of products, and of groups in each."""

    products: int
    groups: int
    width: int  # channels of one group
    filters: int  # of one group

    @classmethod
    def of(cls, kernel_shape: tuple[int, ...], groups: int) -> Packs:
        """For kernels (..., channels of a group, filters of all groups)."""
        width, filters = kernel_shape[-2], kernel_shape[-1] // groups
        most = max(1, Winograd.PACKED // max(width, filters))
        together = next(n for n in range(min(groups, most), 0, -1) if groups % n == 0)
        return cls(groups // together, together, width, filters)

    @property
    def channels(self) -> int:
        """What one product takes."""
        return self.groups * self.width

    @property
    def outputs(self) -> int:
        """What one product gives."""
        return self.groups * self.filters

    def weights(self, kernel: ndarray, tile: int) -> Any:
        """(3, 3, width, all filters), transformed: (frequencies, products, channels, outputs)."""
        found = self._transformed(minimal(tile), kernel.reshape(9, -1))
        if self.groups == 1:
            return found.reshape(-1, self.width, self.products, self.filters).transpose(0, 2, 1, 3)
        found = found.reshape(-1, self.width, self.products, self.groups, self.filters)
        blocks = numpy.zeros(
            (len(found), self.products, self.groups, self.width, self.groups, self.filters), kernel.dtype
        )
        for i in range(self.groups):
            blocks[:, :, i, :, i] = found[:, :, :, i].swapaxes(1, 2)
        return blocks.reshape(len(found), self.products, self.channels, self.outputs)

    def kernel(self, sums: ndarray) -> Any:
        """The adjoint: (frequencies, products, channels, outputs) to (3, 3, width, all filters)."""
        blocks = sums.reshape(-1, self.products, self.groups, self.width, self.groups, self.filters)
        found = numpy.empty((len(blocks), self.width, self.products, self.groups, self.filters), sums.dtype)
        for i in range(self.groups):
            found[:, :, :, i] = blocks[:, :, i, :, i].swapaxes(1, 2)
        back = self._transformed(minimal(math.isqrt(len(sums)) - 2), found.reshape(len(found), -1), back=True)
        return back.reshape(3, 3, self.width, -1)

    def _transformed(self, matrices: Minimal, a: ndarray, back: bool = False) -> Any:
        # Sums of few channels are so exact that this rounding counts; those of the longest sums are at the limit.
        is_long = _LONGEST[0] < self.channels <= _LONGEST[1] and not back
        exact = a.shape[1] <= (Winograd.LITTLE_OF_LONGEST if is_long else Winograd.LITTLE)
        matrix = matrices.exact_weight if exact else matrices.weight
        return _by_columns(matrix.T if back else matrix, a)

    def by_frequency(self, a: ndarray) -> Any:
        """(tiles, frequencies, channels) as matrices (frequencies, products, tiles, ...).

        Their rows lie apart: BLAS takes them so.
        """
        return a.reshape(*a.shape[:2], self.products, -1).transpose(1, 2, 0, 3)


def _by_columns(a: ndarray, b: ndarray) -> Any:
    """`a @ b` for a small matrix and one with many columns, in the dtype of `b`; computed in float64 if `a` is that."""
    out = numpy.empty((len(a), b.shape[1]), b.dtype)
    columns = Winograd.COLUMNS if a.dtype == b.dtype else Winograd.EXACT_COLUMNS
    count = -(-b.shape[1] // columns)

    def work(i: int) -> None:
        some = slice(i * columns, (i + 1) * columns)
        numpy.matmul(a, b[:, some], out=out[:, some], casting="same_kind")

    each(work, count, max(out.size, b.size) / speeds().weights)
    return out
