"""A rank at the end of a cable: sums of 100 MB alone, work alone, and both at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from eagerflow.world.buckets import Buckets, Helper
from eagerflow.world.mpi import Mpi

__all__ = ["main"]

COUNT, SIZE = 8, 3_125_000  # gradients of 12.5 MB


def main() -> None:
    """Measure, and let rank 0 write down what it found."""
    file, rounds = sys.argv[1], int(sys.argv[2])
    communicator = Mpi()
    buckets = Buckets(communicator.duplicate(), Helper("sums"), [(SIZE,)] * COUNT, ["float32"] * COUNT, range(COUNT))
    gradients = [np.ones(SIZE, "float32") for _ in range(COUNT)]
    matrix = np.ones((1200, 1200), "float32")

    def sums() -> None:
        buckets.begin(0.5)
        assert buckets.finish(gradients)[0][0] == 1

    def step(work: Callable[[], None]) -> Callable[[], None]:
        def overlapped() -> None:
            buckets.begin(0.5)
            for i in range(COUNT):
                work()
                buckets.fill(i, gradients[i])
            assert buckets.finish(gradients)[0][0] == 1

        return overlapped

    def seconds(function: Callable[[], None]) -> float:
        communicator.barrier()
        started = perf_counter()
        function()
        return perf_counter() - started

    seconds(sums)
    part = seconds(sums) / COUNT
    once = min(seconds(lambda: _product(matrix)) for _ in range(5))
    times = max(1, round(part / once))

    def asleep() -> None:
        sleep(part)

    def computing() -> None:
        for _ in range(times):
            _product(matrix)

    kinds: dict[str, Callable[[], None]] = {
        "sums alone": sums,
        "asleep": lambda: [asleep() for _ in range(COUNT)] and None,
        "step while asleep": step(asleep),
        "computing": lambda: [computing() for _ in range(COUNT)] and None,
        "step while computing": step(computing),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, function in kinds.items():
            found[name].append(seconds(function))
    if communicator.rank == 0:
        Path(file).write_text(json.dumps(found), encoding="utf-8")


def _product(matrix: np.ndarray) -> None:
    np.matmul(matrix, matrix)


if __name__ == "__main__":
    main()
