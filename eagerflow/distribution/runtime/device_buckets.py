"""`DeviceBuckets`: gradients that lie on GPUs, summed there while the backward pass goes on.

What NCCL is asked for comes back at once and is computed on a stream of its own, so no thread has to wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.base.typing import Array
from eagerflow.core.device import current_device, device_of, namespace_of, place
from eagerflow.distribution.runtime.buckets import BYTES, Buckets, Helper
from eagerflow.distribution.runtime.window import Window

__all__ = ["DeviceBuckets"]


class _AtOnce(Helper):
    """Makes each sum when it is posted."""

    def post(self, job: Any) -> None:
        self._jobs.append(job)
        self._work(False)


class _DeviceWindow(Window):
    """Memory of this rank's GPU, whose sums take the place of what was filled in."""

    def __init__(self, communicator: Any, nbytes: int) -> None:
        self.communicator, self.place = communicator, communicator.rank
        self.own = self.total = place(numpy.zeros(nbytes, "uint8"), current_device())


class DeviceBuckets(Buckets):
    """The gradients of a set of variables on GPUs; see `Buckets` for the arguments."""

    def __init__(
        self,
        communicator: Any,
        shapes: Sequence[tuple[int, ...]],
        dtypes: Sequence[Any],
        order: Sequence[int],
        most: int = BYTES,
        wire: str | None = None,
    ) -> None:
        self.communicator = communicator
        super().__init__(communicator, _AtOnce("eagerflow-gradients"), shapes, dtypes, order, most, wire)
        self.ahead = len(self.buckets) > 1

    def _window(self, communicator: Any) -> Any:
        return _DeviceWindow(communicator, self._end)

    def _begin_flags(self, start: int, stop: int, dtype: Any) -> None:
        """Which gradients ranks have is summed on the host: that needs no wait for the GPU."""
        self._told = numpy.zeros(len(self.shapes), "int64")

    def _put(self, i: int, gradient: Array | None) -> None:
        view, held = self.own[i], self._held is not None and self._held[i]
        if gradient is None or not self.weight:
            if not held:
                view[...] = 0
            return
        found = place(gradient, device_of(view)).astype(view.dtype, copy=False)
        if held:
            view += found * self.weight
        else:
            namespace_of(view).multiply(found, self.weight, out=view)

    def _seen(self) -> list[bool]:
        self.communicator.all_reduce(self._told)
        found: list[bool] = self._told.astype(bool).tolist()
        return found
