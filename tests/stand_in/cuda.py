"""`cupy.cuda`: one device that is always there, always done, and knows how much memory its arrays take."""

from __future__ import annotations

from types import ModuleType

from tests.stand_in.array import live

TOTAL_BYTES = 8 * 2**30


class CUDARuntimeError(RuntimeError):
    """What the real runtime raises, for instance for a device that is not there."""


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

    mem_info = property(lambda self: mem_get_info())
    compute_capability = "00"
    pci_bus_id = property(lambda self: f"0000:{self.id:02x}:00.0")


class Stream:
    """Work is done when the call returns, so that there is nothing to wait for."""

    def __init__(self, null=False, non_blocking=False, ptds=False):
        self.ptr = 0

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        return None

    def synchronize(self):
        return None

    def record(self, event=None):
        return Event() if event is None else event

    def wait_event(self, event):
        if not isinstance(event, Event):
            raise TypeError(f"expected an Event, got {type(event).__name__}")

    done = True


class Event:
    """What was recorded is done."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.ptr = 0

    def record(self, stream=None):
        return None

    def synchronize(self):
        return None

    done = True


class MemoryPool:
    """The account of what the living arrays hold."""

    def used_bytes(self):
        return sum(array.nbytes for array in list(live.values()))

    def total_bytes(self):
        return self.used_bytes()

    def free_bytes(self):
        return 0

    def free_all_blocks(self):
        return None


POOL = MemoryPool()


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
    runtime.deviceSynchronize = lambda: None
    runtime.getDeviceProperties = lambda device: {"name": b"stand-in", "totalGlobalMem": TOTAL_BYTES}
    Stream.null = Stream()
    module.Device, module.Stream, module.Event, module.MemoryPool = Device, Stream, Event, MemoryPool
    module.alloc_pinned_memory = alloc_pinned_memory
    module.runtime = runtime
    module.is_available = lambda: True
    module.get_device_id = lambda: 0
    module.get_current_stream = lambda: Stream.null
    return runtime
