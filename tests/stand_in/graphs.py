"""Streams that capture: what is called meanwhile isn't computed, but noted, and computed by each launch of the graph.

As in CuPy 14.2 (`cupy/cuda/stream.pyx`, `graph.pyx`, `memory.pyx`; `setStream` in `cupy_backends/cuda/libs/`):

* until a graph is launched, what was captured has not happened: results hold garbage, and what would have been written
  in place is as before;
* a launch computes on the very memory that was captured: what was put there since counts, and what lies elsewhere
  doesn't. Memory that was given back meanwhile is an error here (a GPU would work on whatever is there by then);
* copies between host and device, cuBLAS, cuSOLVER and cuRAND raise, and the capture goes on;
* synchronizing raises, and the capture is lost. Here so does sorting, since it isn't known what Thrust does then;
* the legacy stream can't capture, nor be used while a stream captures that waits for it.

Here there are no graphs inside graphs, and no streams that join a capture by events.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
import weakref

import numpy

from tests.stand_in.cuda.compiler import compiled
from tests.stand_in.kernels import memory

LEGACY, PER_THREAD = 1, 2  # names of streams that are no pointers
in_graphs = set()  # libraries that may be called while capturing: none of them in CuPy 14 (its issue 6290)
_pointers = itertools.count(1000)
_serials = itertools.count()
_open = []  # captures, of all threads


class CUDARuntimeError(RuntimeError):
    """What the real runtime raises, for instance for a device that is not there."""


# -- memory


class MemoryPool:
    """Memory for arrays. What they give back is taken for the next ones of that size, as the real pool does."""

    def __init__(self, allocator=None):
        self._arrays = weakref.WeakValueDictionary()
        self._free = {}

    def malloc(self, size):
        raise NotImplementedError("the stand-in makes no arrays from pointers")

    def hold(self, array):
        """Count an array, and let it lie in the pool's memory."""
        numbers = array._numbers
        if numbers.nbytes and (self is not POOL or memory.zones[0]):
            blocks = [] if self is POOL else self._free.setdefault(numbers.nbytes, [])
            block = blocks.pop() if blocks else memory.room(numbers.nbytes)
            array._numbers = memory.placed(numbers, block)
            if self is not POOL:
                weakref.finalize(array, blocks.append, block).atexit = False
        array._pool = weakref.ref(self)
        self._arrays[next(_serials)] = array

    def used_bytes(self):
        return sum(array.nbytes for array in list(self._arrays.values()))

    def free_bytes(self):
        return sum(size * len(blocks) for size, blocks in self._free.items())

    def total_bytes(self):
        return self.used_bytes() + self.free_bytes()

    def free_all_blocks(self):
        self._free = {}


POOL = MemoryPool()


def hold(array):
    """Give a new array memory of the pool that is used now."""
    (_thread.pools[-1] if _thread.pools else POOL).hold(array)


@contextlib.contextmanager
def using_allocator(allocator=None):
    pool = POOL if allocator is None else allocator.__self__
    _thread.pools.append(pool)
    try:
        yield
    finally:
        _thread.pools.pop()


# -- streams


class Stream:
    """Work is done when the call returns, unless the stream captures."""

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        self.ptr = 0 if null else PER_THREAD if ptds else next(_pointers)
        self.device_id = -1 if null or ptds else 0
        self.is_non_blocking = non_blocking
        self._capture = None

    def __eq__(self, other):
        return isinstance(other, Stream) and other.ptr == self.ptr

    def __hash__(self):
        return hash(self.ptr)

    def __enter__(self):
        _thread.streams.append(self)
        return self

    def __exit__(self, *problem):
        _thread.streams.pop()

    def use(self):
        _thread.streams[-1] = self
        return self

    def begin_capture(self, mode=None):
        if self.ptr in (0, LEGACY):
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self._capture is not None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        self._capture = _Capture(self)
        _open.append(self._capture)

    def end_capture(self):
        capture, self._capture = self._capture, None
        if capture is None:
            raise CUDARuntimeError("cudaErrorIllegalState: the operation cannot be performed in the present state")
        _open.remove(capture)
        if capture.lost:
            raise CUDARuntimeError(
                "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
            )
        graph = object.__new__(Graph)
        graph._nodes = capture.nodes
        return graph

    def is_capturing(self):
        self._refuse_waiting(loses=False)
        if self._capture is not None and self._capture.lost:
            raise RuntimeError("the stream was capturing, but an error has occurred")
        return self._capture is not None

    def _refuse_waiting(self, loses=True):
        """The legacy stream waits for all streams that aren't non-blocking."""
        for capture in _open if self.ptr in (0, LEGACY) else ():
            if not capture.stream.is_non_blocking:
                capture.lost = capture.lost or loses
                raise CUDARuntimeError(
                    "cudaErrorStreamCaptureImplicit: operation would make the legacy stream depend on a capturing "
                    "blocking stream"
                )

    def synchronize(self):
        self._refuse_waiting()
        if self._capture is not None:
            raise self._capture.lose()

    @property
    def done(self):
        if self._capture is not None:
            self._capture.lost = True
            return False
        return True

    def record(self, event=None):
        return Event() if event is None else event

    def wait_event(self, event):
        if not isinstance(event, Event):
            raise TypeError(f"expected an Event, got {type(event).__name__}")


class Event:
    """What was recorded is done."""

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        self.ptr = 0

    def record(self, stream=None):
        return None

    def synchronize(self):
        return None

    done = True


Stream.null, Stream.ptds = Stream(null=True), Stream(ptds=True)


class _Thread(threading.local):
    """What is current in a thread."""

    def __init__(self):
        self.streams, self.pools = [Stream.null], []


_thread = _Thread()


def get_current_stream(device_id=-1):
    return _thread.streams[-1]


def synchronize_device():
    """Waits for all streams, which none may that captures."""
    for capture in _open:
        raise capture.lose()


# -- what is captured


class _Capture:
    """What was called so far while a stream captures."""

    def __init__(self, stream):
        self.stream, self.nodes = stream, []
        self.lost = self.inside = False

    def lose(self):
        self.lost = True
        return CUDARuntimeError("cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing")

    def note(self, function, args, kwargs, gives):
        """Find out what a call gives, but let it have done nothing. What gives nothing isn't called."""
        if self.lost:
            raise CUDARuntimeError("cudaErrorStreamCaptureInvalidated: operation failed due to a previous error")
        arrays = list(_arrays_in((args, kwargs)))
        node = _Node(function, args, kwargs, arrays)
        if not gives:
            self.nodes.append(node)
            return None
        before = [(a._numbers, a._numbers.copy()) for a in arrays if a._numbers.flags.writeable]
        self.inside = True
        try:
            found = function(*args, **kwargs)
        finally:
            self.inside = False
            for numbers, values in before:
                numbers[...] = values
        made = [a for a in _arrays_in(found) if a.base is None and not any(a is given for given in arrays)]
        for array in made:
            array._numbers.fill(numpy.nan if array.dtype.kind in "fc" else 1)
        node.gives(made)
        self.nodes.append(node)
        return found


class _Node:
    """One call, with the memory that it works on."""

    def __init__(self, function, args, kwargs, arrays):
        self.function = function
        self.args, self.kwargs = _same_memory((args, kwargs))
        self.memory = [_owner_of(a) for a in arrays]
        self.made = []

    def gives(self, made):
        self.made = [_same_memory(array) for array in made]
        self.memory += [_owner_of(array) for array in made]

    def run(self):
        for array, pool, shape in self.memory:
            if array() is None and (pool is None or pool() in (None, POOL)):
                raise AssertionError(f"a graph works on memory that was given back: of an array of shape {shape}")
        found = [a for a in _arrays_in(self.function(*self.args, **self.kwargs)) if a.base is None]
        for place, array in zip(self.made, [a for a in found if not _is_given(a, (self.args, self.kwargs))]):
            place._numbers[...] = array._numbers


def _is_given(array, given):
    return any(array is other for other in _arrays_in(given))


def _owner_of(array):
    owner = array if array.base is None else array.base
    return weakref.ref(owner), owner._pool, owner.shape


def _is_array(value):
    return hasattr(value, "_numbers")


def _arrays_in(value):
    if _is_array(value):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _arrays_in(part)
    elif isinstance(value, dict):
        yield from _arrays_in(list(value.values()))


def _same_memory(value):
    """The same with other array objects: a graph keeps addresses, not arrays."""
    if _is_array(value):
        made = object.__new__(type(value))
        made._numbers, made.base, made._pool = value._numbers.view(), None, None
        return made
    if isinstance(value, (list, tuple)):
        return type(value)([_same_memory(part) for part in value])
    if isinstance(value, dict):
        return {name: _same_memory(part) for name, part in value.items()}
    return value


def launched(function, gives=True):
    """A function that launches kernels, compiled first; while the current stream captures, its calls are noted.

    Args:
        function: it.
        gives: whether it gives something; what doesn't, but writes to arrays that it is given, isn't called then.
    """

    @functools.wraps(function)
    def call(*args, **kwargs):
        compiled(function, args)
        if not _open:
            return function(*args, **kwargs)
        stream = get_current_stream()
        stream._refuse_waiting()
        capture = stream._capture
        if capture is None or capture.inside:
            return function(*args, **kwargs)
        return capture.note(function, args, kwargs, gives)

    return call


def refuse_copy(direction):
    """Copies between host and device can't be captured; `direction` is H2D or D2H."""
    if _open and get_current_stream().is_capturing():
        raise RuntimeError(f"the current stream is capturing, so {direction} transfers are disallowed")


def refuse_library(name):
    """Nor can calls of some libraries."""
    if _open and name not in in_graphs and get_current_stream().is_capturing():
        raise NotImplementedError(f"calling {name} API during stream capture is currently unsupported")


def refuse_waiting():
    """Nor what waits for the stream inside."""
    if _open:
        get_current_stream().synchronize()


class Graph:
    """What a stream captured."""

    def __init__(self, *args, **kwargs):
        raise NotImplementedError(
            "currently this class cannot be initiated by the user and must be created via stream capture"
        )

    def launch(self, stream=None):
        if _open and (get_current_stream() if stream is None else stream).is_capturing():
            raise NotImplementedError("the stand-in has no graphs inside graphs")
        for node in self._nodes:
            node.run()

    def upload(self, stream=None):
        return None
