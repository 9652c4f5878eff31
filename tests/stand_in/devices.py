"""`cupy.cuda`: one device that is always there, always done, and knows how much memory its arrays take."""

from __future__ import annotations

from types import ModuleType

from tests.stand_in import graphs
from tests.stand_in.graphs import POOL, CUDARuntimeError

TOTAL_BYTES = 8 * 2**30


class Device:
    """Device 0; any other is refused when it is entered, as the real one does."""

    def __init__(self, device=None):
        self.id = 0 if device is None else int(device)

    def __enter__(self):
        self.use()
        return self

    def __exit__(self, *problem):
        return None

    def __eq__(self, other):
        return getattr(other, "id", None) == self.id

    def __hash__(self):
        return hash(self.id)

    def __int__(self):
        return self.id

    def __repr__(self):
        return f"<CUDA Device {self.id}>"

    def use(self):
        if self.id:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")

    def synchronize(self):
        self.use()
        graphs.synchronize_device()

    mem_info = property(lambda self: mem_get_info())
    compute_capability = "00"
    pci_bus_id = property(lambda self: f"0000:{self.id:02x}:00.0")


def mem_get_info():
    """Bytes that are free, and bytes that there are."""
    return TOTAL_BYTES - POOL.used_bytes(), TOTAL_BYTES


def alloc_pinned_memory(size):
    """Memory of the host."""
    return memoryview(bytearray(size))


def build(module):
    """Fills `cupy.cuda`, and gives its submodule `runtime`."""
    runtime = ModuleType("cupy.cuda.runtime")
    runtime.CUDARuntimeError = CUDARuntimeError
    runtime.getDeviceCount = lambda: 1
    runtime.getDevice = lambda: 0
    runtime.memGetInfo = mem_get_info
    runtime.deviceSynchronize = graphs.synchronize_device
    runtime.streamLegacy, runtime.streamPerThread = graphs.LEGACY, graphs.PER_THREAD
    runtime.getDeviceProperties = lambda device: {"name": b"stand-in", "totalGlobalMem": TOTAL_BYTES}
    module.Device, module.MemoryPool, module.using_allocator = Device, graphs.MemoryPool, graphs.using_allocator
    module.Stream, module.Event, module.Graph = graphs.Stream, graphs.Event, graphs.Graph
    module.alloc_pinned_memory = alloc_pinned_memory
    module.runtime = runtime
    module.is_available = lambda: True
    module.get_device_id = lambda: 0
    module.get_current_stream = graphs.get_current_stream
    return runtime
