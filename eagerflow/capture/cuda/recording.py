"""Whether there are to be CUDA graphs, and how kernels are captured."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.core.device import load_cupy

__all__ = ["PER_THREAD", "Recording", "graphs_on", "place_now"]

PER_THREAD = 2  # the address of the stream that is another one in each thread


def graphs_on() -> bool:
    """Whether the environment leaves CUDA graphs on: `EAGERFLOW_CUDA_GRAPHS=0` switches them off."""
    return os.environ.get("EAGERFLOW_CUDA_GRAPHS", "1") != "0"


def place_now() -> tuple[int, int]:
    """The GPU and the address of the stream on which kernels are launched now."""
    cuda = load_cupy().cuda
    return cuda.get_device_id(), cuda.get_current_stream().ptr


class Recording:
    """Memory of one CUDA graph, and a stream to capture it on.

    The memory is of a pool of its own: nobody else is given what the graph writes to.
    """

    def __init__(self) -> None:
        self.cupy: Any = load_cupy()
        self.stream = self.cupy.cuda.Stream(non_blocking=True)
        self.pool = self.cupy.cuda.MemoryPool()

    @contextlib.contextmanager
    def memory(self) -> Iterator[None]:
        """New arrays lie in the graph's memory."""
        with self.stream, self.cupy.cuda.using_allocator(self.pool.malloc):
            yield

    def capture(self, function: Callable[[], Any]) -> tuple[Any, Any]:
        """A graph of the kernels that a function launches, and what the function gives.

        Raises:
            Exception: what CuPy raises where something can't be captured.
        """
        with self.memory():
            self.stream.begin_capture()
            try:
                found = function()
            except BaseException:
                with contextlib.suppress(RuntimeError):  # the capture may be lost, and the error of before counts
                    self.stream.end_capture()
                raise
            return self.stream.end_capture(), found
