"""A rank at the end of a cable: sums of 100 MB of gradients alone, work alone, and both at once.

The work is as long as the sums, and shared out evenly among the kernels, whose gradients are ready one after the other:
those of a ResNet50, or eight of equal size, of which the first is ready, and on its way, only after an eighth of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from eagerflow.applications import ResNet50
from eagerflow.distribution.runtime.buckets import Buckets, Helper
from eagerflow.distribution.runtime.mpi import Mpi

__all__ = ["main"]


class Step:
    """A step whose gradients are sent while work goes on.

    Args:
        communicator: of the two ranks.
        shapes: of the gradients, in the order in which they are ready.
    """

    def __init__(self, communicator: Mpi, shapes: list[tuple[int, ...]]) -> None:
        self._barrier = communicator.barrier
        self._gradients = [np.ones(shape, "float32") for shape in shapes]
        self._order = range(len(shapes))
        helper = Helper("sums")
        self._buckets = Buckets(communicator.duplicate(), helper, shapes, ["float32"] * len(shapes), self._order)
        self._kernels = [len(shape) > 1 for shape in shapes]
        self._matrix = np.ones((400, 400), "float32")
        self.seconds(self._sums)
        self._part = self.seconds(self._sums) / sum(self._kernels)
        once = min(self.seconds(self._product) for _ in range(9))
        self._times = max(1, round(self._part / once))

    def kinds(self) -> dict[str, Callable[[], None]]:
        """What is to be timed."""
        return {
            "sums alone": self._sums,
            "asleep": lambda: self._work(self._asleep),
            "step while asleep": lambda: self._overlapped(self._asleep),
            "computing": lambda: self._work(self._computing),
            "step while computing": lambda: self._overlapped(self._computing),
        }

    def seconds(self, function: Callable[[], None]) -> float:
        """How long something takes that both ranks begin together."""
        self._barrier()
        started = perf_counter()
        function()
        return perf_counter() - started

    def _sums(self) -> None:
        self._buckets.begin(0.5)
        assert self._buckets.finish(self._gradients)[0].flat[0] == 1

    def _overlapped(self, work: Callable[[], None]) -> None:
        self._buckets.begin(0.5)
        for i in self._order:
            if self._kernels[i]:
                work()
            self._buckets.fill(i, self._gradients[i])
        assert self._buckets.finish(self._gradients)[0].flat[0] == 1

    def _work(self, work: Callable[[], None]) -> None:
        for _ in range(sum(self._kernels)):
            work()

    def _asleep(self) -> None:
        sleep(self._part)

    def _computing(self) -> None:
        for _ in range(self._times):
            self._product()

    def _product(self) -> None:
        np.matmul(self._matrix, self._matrix)


def main() -> None:
    """Measure, and let rank 0 write down what it found."""
    file, rounds = sys.argv[1], int(sys.argv[2])
    communicator = Mpi()
    # A backward pass finishes the last ones first.
    network = [tuple(weight.shape) for weight in reversed(ResNet50(weights=None).trainable_variables)]
    found: dict[str, dict[str, list[float]]] = {}
    for gradients, shapes in (("of a ResNet50", network), ("8 of 12.5 MB", [(1250, 2500)] * 8)):
        step = Step(communicator, shapes)
        times = found[gradients] = {name: [] for name in step.kinds()}
        for _ in range(rounds):
            for name, function in step.kinds().items():
                times[name].append(step.seconds(function))
    if communicator.rank == 0:
        Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
