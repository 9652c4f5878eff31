"""The pool of threads that the kernels share their work with.

For kernels:

    each(function, count, microseconds)    function(0) ... function(count - 1), shared among threads
    with one_blas_thread: ...              products on one thread (`each` sees to it by itself)
    scratch(name, shape, dtype)            a kept array of the calling thread, for temporaries

Rules for the same bits on any number of threads: cut the work by the shapes alone, never by the number of threads;
let every call of `function` write to places of its own (`out[i]`); add partial sums afterwards, in order of i.
Every product belongs inside of `each` or `one_blas_thread`: OpenBLAS' own threads, once woken by a large product,
spin for a while after it and take the processors from ours.
Few large calls of NumPy per piece (it lets other threads run only inside of them): pieces of 100 µs or more. What
`function` fills, the caller allocates; temporaries are `scratch` of the thread that works.

The caller works too, and takes everything itself while the workers are not scheduled: a busy machine slows us
down by no more than its share. Nobody spins. Workers start at the first use, and again after a fork.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import Context, copy_context
from queue import SimpleQueue

from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.kernels.machine.blas import one_blas_thread
from eagerflow.kernels.machine.costs import Threads
from eagerflow.kernels.machine.cpus import usable_cpus
from eagerflow.kernels.machine.scratch import scratch
from eagerflow.kernels.machine.thread_placement import Mover, processor

__all__ = ["KEPT", "WORKERS", "alone", "each", "get_num_threads", "one_blas_thread", "scratch", "set_num_threads"]
__all__ += ["share_processors", "shares"]

WORKERS = "eagerflow-"  # how the names of the kernels' threads begin
KEPT = 500  # results, or things to copy, up to which NumPy keeps the interpreter's lock while it works
_VARIABLE = "EAGERFLOW_NUM_THREADS"


class _Task:
    """Calls to make, taken one by one by the threads that are free."""

    def __init__(self, function: Callable[[int], object], count: int) -> None:
        self.function, self.count = function, count
        self.place = processor()
        self.without_subnormals = without_subnormals.entered  # as the caller, so are the workers
        self.places = itertools.count()
        self.errors: list[tuple[int, BaseException]] = []
        self.lock, self.done = threading.Lock(), threading.Lock()
        self.busy, self.awaited = 0, False
        self.done.acquire()

    def work(self) -> None:
        """Take calls until none is left. After an error nobody takes another."""
        for i in self.places:
            if i >= self.count:
                break
            try:
                self.function(i)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                self.errors.append((i, error))
                self.count = 0

    def help(self) -> None:
        """What a worker does."""
        with self.lock:
            self.busy += 1
        with without_subnormals if self.without_subnormals else nullcontext():
            self.work()
        with self.lock:
            self.busy -= 1
            if self.awaited and not self.busy:
                self.awaited = False  # a worker that comes later finds nothing to do, and wakes nobody
                self.done.release()

    def finish(self) -> None:
        """Wait for the workers that are at it; raise what went wrong first in order."""
        with self.lock:
            wait = self.awaited = self.busy > 0
        if wait:
            self.done.acquire()
        self.function = _nothing  # a worker that comes too late keeps no arrays alive
        if self.errors:
            raise min(self.errors, key=lambda found: found[0])[1]


def _nothing(i: int) -> None:
    pass


class _Mine(threading.local):
    inside = False  # whether this thread takes part in a call of `each`


class _Pool:
    """Workers that wait for tasks."""

    def __init__(self) -> None:
        self.wanted: int | None = None
        self.asked = False  # whether somebody has set it
        self.most: int | None = None  # of the processors, where others have the rest
        self.forget()

    def forget(self) -> None:
        """At the start, and in the child of a fork, where the parent's threads are not."""
        self.tasks: SimpleQueue[tuple[Context, _Task]] = SimpleQueue()
        self.started = 0
        self.lock = threading.Lock()

    def share(self, task: _Task, helpers: int) -> None:
        """Let some workers take part in a task."""
        if self.started < helpers:
            self._start(helpers)
        for _ in range(min(helpers, self.started)):
            self.tasks.put((copy_context(), task))

    def _start(self, helpers: int) -> None:
        """Start workers as far as the system has threads (there are none at the interpreter's end)."""
        with self.lock:
            while self.started < helpers:
                name = f"{WORKERS}{self.started + 1}"
                worker = threading.Thread(target=_serve, args=(self.tasks,), name=name, daemon=True)
                try:
                    worker.start()
                except RuntimeError:
                    return
                self.started += 1


def _serve(tasks: SimpleQueue[tuple[Context, _Task]]) -> None:
    """The life of a worker. Settings such as numpy.errstate are the caller's."""
    _mine.inside = True
    without_subnormals.begin_thread()
    mover = Mover()
    while True:
        context, task = tasks.get()
        mover.leave(task.place)
        context.run(task.help)
        del context, task


_mine, _pool = _Mine(), _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.forget)


def each(function: Callable[[int], object], count: int, microseconds: float = float("inf")) -> None:
    """Call `function(i)` for each i below `count`, in the caller and in workers, and wait for all.

    Inside of `function`, `each` runs in the thread that calls it, and products run on one thread.

    Args:
        function: gets the number of the piece. Pieces run in any order and at the same time.
        count: how many pieces there are.
        microseconds: roughly how long all of it takes one thread; with little work the caller stays alone.

    Raises:
        BaseException: what `function` raised; of several, the one with the smallest i.

    >>> found = [0] * 4
    >>> each(lambda i: found.__setitem__(i, i * i), 4)
    >>> found
    [0, 1, 4, 9]
    """
    helpers = min(count, get_num_threads()) - 1 if shares(microseconds) else 0
    with one_blas_thread:
        if helpers > 0:
            _shared(function, count, helpers)
        else:
            for i in range(count):
                function(i)


def shares(microseconds: float) -> bool:
    """Whether `each` lets other threads take part here in work that takes one thread so long."""
    return microseconds >= Threads.LEAST and not _mine.inside and get_num_threads() > 1


def _shared(function: Callable[[int], object], count: int, helpers: int) -> None:
    task = _Task(function, count)
    _pool.share(task, helpers)
    _mine.inside = True
    try:
        task.work()
    finally:
        _mine.inside = False
        task.finish()


@contextmanager
def alone() -> Iterator[None]:
    """Inside of the block this thread shares no work: what it computes can be timed."""
    before, _mine.inside = _mine.inside, True
    try:
        yield
    finally:
        _mine.inside = before


def get_num_threads() -> int:
    """How many threads the kernels use, the caller's among them.

    The number that `set_num_threads` set, else the environment variable `EAGERFLOW_NUM_THREADS`, else the number of
    processors that this process may use; where ranks of a training share a machine, this rank's share of them.

    Raises:
        ValueError: when `EAGERFLOW_NUM_THREADS` is no integer of at least 1.

    >>> ef.get_num_threads() >= 1
    True
    """
    if _pool.wanted is None:
        _pool.wanted = _default()
    return _pool.wanted


def set_num_threads(count: int | None) -> None:
    """Sets the number of threads that kernels use. Results are the same for any number, bit for bit.

    Args:
        count: at least 1 (only the caller's thread), or None for the default, see `get_num_threads`.

    Raises:
        ValueError: for anything else.

    >>> ef.set_num_threads(2)
    >>> ef.get_num_threads()
    2
    >>> ef.set_num_threads(None)
    """
    _pool.wanted = _default() if count is None else _checked("set_num_threads(count", count, ")")
    _pool.asked = count is not None


def share_processors(count: int) -> None:
    """Use at most this number of processors, for others need the rest. `set_num_threads` counts more."""
    _pool.most = count
    if not _pool.asked:
        _pool.wanted = None


def _default() -> int:
    given = os.environ.get(_VARIABLE)
    if not given:
        return _pool.most or usable_cpus()
    return _checked(_VARIABLE, int(given) if given.isdecimal() else given)


def _checked(name: str, count: object, end: str = "") -> int:
    if isinstance(count, bool) or not hasattr(count, "__index__") or count.__index__() < 1:
        raise ValueError(f"{name}={count!r}{end}: expected an integer of at least 1, the number of threads.")
    return int(count.__index__())
