"""`Buckets`: the gradients of a set of variables side by side, summed over ranks while the backward pass goes on.

They lie in the order in which the tape finishes them, in buckets of some megabytes: large enough for few messages,
small enough that the first one is on its way early. A helper thread sums them, one after the other and in the same
order on all ranks. The thread that waits for it in the end does the remaining work itself.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.base.typing import Array
from eagerflow.core.device import device_of, place, to_host
from eagerflow.distribution.runtime.announced import Notes, blocked
from eagerflow.distribution.runtime.current import world
from eagerflow.distribution.runtime.window import LINE, Range

__all__ = ["BYTES", "Bucket", "Buckets", "Helper", "cut"]

BYTES, _FIRST = 12 << 20, 1 << 20  # of a bucket, and of the first one, which is to be on its way early
_WIDE = {"float16": "float32", "bfloat16": "float32"}  # what narrow types are summed in


class Bucket(NamedTuple):
    """A range of a window, which is summed at once: the numbers of its arrays, and the first byte of each."""

    start: int
    stop: int
    dtype: Any
    members: tuple[int, ...]
    places: tuple[int, ...]


def cut(
    shapes: Sequence[tuple[int, ...]],
    dtypes: Sequence[Any],
    order: Sequence[int],
    most: int = BYTES,
    first: int = _FIRST,
) -> list[Bucket]:
    """Put arrays into buckets.

    Args:
        shapes: of all arrays.
        dtypes: theirs.
        order: their numbers, in the order in which they will be there.
        most: bytes after which a bucket is full; an array is never cut, and goes into the next one where this one would
            become larger by half.
        first: the same for the first bucket.

    >>> [bucket.members for bucket in cut([(8,), (2, 8), (8,)], [numpy.dtype("float32")] * 3, [2, 1, 0], 64, 32)]
    [(2,), (1,), (0,)]
    """
    open_ones: dict[Any, list[int]] = {}
    closed: list[tuple[Any, list[int]]] = []
    sizes = [LINE * -(-math.prod(shape) * dtype.itemsize // LINE) for shape, dtype in zip(shapes, dtypes)]
    for i in order:
        members = open_ones.setdefault(dtypes[i], [])
        if members and 2 * (sum([sizes[j] for j in members]) + sizes[i]) > 3 * most:
            closed.append((dtypes[i], members))
            members = open_ones[dtypes[i]] = []
        members.append(i)
        if sum([sizes[j] for j in members]) >= (most if closed else min(first, most)):
            closed.append((dtypes[i], open_ones.pop(dtypes[i])))
    closed += open_ones.items()
    made, start = [], 0
    for dtype, members in closed:
        places = []
        begin = start
        for i in members:
            places.append(start)
            start += sizes[i]
        made.append(Bucket(begin, start, dtype, tuple(members), tuple(places)))
    return made


class Helper:
    """Sums buckets, one after the other, in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._jobs: deque[Any] = deque()
        self._wake, self._turn = threading.Semaphore(0), threading.Lock()
        self._error: BaseException | None = None
        self._name, self._thread = name, None

    def post(self, job: Any) -> None:
        """Let `job(patient)` run in the thread, after those posted before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)  # type: ignore[assignment]
            self._thread.start()  # type: ignore[attr-defined]
        self._jobs.append(job)
        self._wake.release()

    def finish(self, *jobs: Any) -> None:
        """Come back when all jobs that were posted, and these ones, are done; raises what went wrong."""
        self._jobs.extend(jobs)
        self._work(False)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            self._work(True)

    def _work(self, patient: bool) -> None:
        with self._turn:
            while self._jobs:
                job = self._jobs.popleft()
                try:
                    if self._error is None:
                        job(patient)
                except BaseException as error:  # noqa: BLE001 - raised again in `finish`
                    self._error = error


class Buckets:
    """The gradients of a set of variables on their way through a window.

    Args:
        communicator: of the ranks, which all make the same buckets together.
        helper: sums them.
        shapes: of the gradients.
        dtypes: theirs.
        order: their numbers, in the order in which a backward pass finishes them.
        most: bytes of a bucket.

    A step: `begin`, `fill` for gradients that are there already, `finish`.
    """

    def __init__(
        self,
        communicator: Any,
        helper: Helper,
        shapes: Sequence[tuple[int, ...]],
        dtypes: Sequence[Any],
        order: Sequence[int],
        most: int = BYTES,
    ) -> None:
        self.helper = helper
        self.notes = Notes(communicator.size)
        self.shapes, self.dtypes = list(shapes), [numpy.dtype(dtype) for dtype in dtypes]
        sent = [numpy.dtype(_WIDE.get(dtype.name, dtype)) for dtype in self.dtypes]
        self.buckets = cut(self.shapes, sent, order, most, min(_FIRST, most))
        last = self.buckets[-1]
        flags = LINE * -(-len(self.shapes) * last.dtype.itemsize // LINE)  # behind the last gradients: who has one
        self._end = last.stop + flags
        self.window = communicator.window(self._end)
        # Whether anything is sent before the end: where all processors of one machine are busy, that only disturbs.
        worth = communicator.threads and len(self.buckets) > 1 and (len(set(communicator.hosts)) > 1 or world.spare)
        self.ahead = bool(communicator.broadcast_object(worth))  # the same on all ranks
        self._bucket_of = {i: number for number, bucket in enumerate(self.buckets) for i in bucket.members}
        self.own, self.total = self._views(self.window.own), self._views(self.window.total)
        for view in self.total:
            view.flags.writeable = False
        self._flags, self._summed_flags = (
            memory[last.stop : self._end].view(last.dtype)[: len(self.shapes)]
            for memory in (self.window.own, self.window.total)
        )
        self.began = self._given_up = False
        self.weight = 1.0
        self._reset()

    def _views(self, whole: Array) -> list[Array]:
        found: dict[int, Array] = {}
        for bucket in self.buckets:
            for i, start in zip(bucket.members, bucket.places):
                stop = start + math.prod(self.shapes[i]) * bucket.dtype.itemsize
                found[i] = whole[start:stop].view(bucket.dtype).reshape(self.shapes[i])
        return [found[i] for i in range(len(found))]

    def _reset(self) -> None:
        self._filled = [False] * len(self.shapes)  # in this step
        self._missing = [len(bucket.members) for bucket in self.buckets]
        self._next = 0

    def begin(self, weight: float) -> None:
        """Begin a step, in which this rank's gradients are multiplied by `weight`."""
        if self._given_up:
            self.helper.finish()
        self.began, self._given_up, self.weight = True, False, weight
        self._reset()

    def give_up(self) -> None:
        """Forget a step that an exception has ended. What is on its way goes on; nobody waits for it here."""
        self._given_up, self.began = self.began, False

    def fill(self, i: int, gradient: Any) -> None:
        """Take a gradient in. What is complete is on its way from here on."""
        self._put(i, gradient)
        self._filled[i] = True
        number = self._bucket_of[i]
        self._missing[number] -= 1
        while self.ahead and self._next < len(self.buckets) - 1 and not self._missing[self._next]:
            self.helper.post(self._job(range(self._next, self._next + 1)))
            self._next += 1

    def _put(self, i: int, gradient: Any) -> None:
        view = self.own[i]
        if gradient is None or not self.weight:
            view[...] = 0
        elif type(gradient) is numpy.ndarray and gradient.dtype == view.dtype:
            numpy.multiply(gradient, self.weight, out=view)
        else:
            view[...] = to_host(gradient)
            numpy.multiply(view, self.weight, out=view)

    def _job(self, numbers: range) -> Any:
        """What sums some buckets."""
        ranges = [Range(b.start, b.stop, b.dtype) for b in self.buckets[numbers.start : numbers.stop]]
        if numbers.stop == len(self.buckets):
            ranges[-1] = ranges[-1]._replace(stop=self._end)
        name = f"gradients {numbers.start}" if len(numbers) == 1 else f"gradients {numbers.start}-{numbers.stop - 1}"

        def job(patient: bool) -> None:
            with self.notes.noting("all_reduce", name, ranges[-1].stop - ranges[0].start):
                self.window.reduce(ranges, patient)

        return job

    def finish(self, gradients: Sequence[Any]) -> list[Any]:
        """The sums of all ranks' gradients, from this rank's; None where no rank has one.

        They are arrays to be read only, and only until the next step begins.

        Args:
            gradients: all of them, None for missing ones; those that `fill` took in are not looked at again.
        """
        for i, gradient in enumerate(gradients):
            if not self._filled[i]:
                self._put(i, gradient)
        self._flags[...] = [filled or gradient is not None for filled, gradient in zip(self._filled, gradients)]
        # All ranks must sum the same buckets together, and how many are on their way differs between them; a single
        # job where nothing ever is, which waits but once for all ranks.
        rest = range(self._next, len(self.buckets))
        jobs = [self._job(range(number, number + 1)) for number in rest] if self.ahead else [self._job(rest)]
        with blocked("gradients", self.notes.ranks):
            self.helper.finish(*jobs)
        self.notes.announce()
        self.began = False
        return [
            _as_given(total, dtype, gradient) if flag else None
            for total, dtype, gradient, flag in zip(self.total, self.dtypes, gradients, self._summed_flags.tolist())
        ]

    def close(self) -> None:
        """Give the memory back; all ranks do it together."""
        self.helper.finish()
        self.own, self.total = [], []
        self._flags = self._summed_flags = numpy.empty(0)
        self.window.close()


def _as_given(total: Array, dtype: Any, gradient: Any) -> Any:
    """A sum in the type, and on the device, of the gradient."""
    found = total if total.dtype == dtype else total.astype(dtype)
    return found if gradient is None or type(gradient) is numpy.ndarray else place(found, device_of(gradient))
