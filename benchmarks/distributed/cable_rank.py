"""A rank at the end of a cable: the sums of a ResNet50's gradients alone, work alone, and both at once.

The work is as long as the sums, and shared out evenly among the 54 layers that have kernels.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from eagerflow.applications import ResNet50
from eagerflow.world.buckets import Buckets, Helper
from eagerflow.world.mpi import Mpi

__all__ = ["main"]


def main() -> None:
    """Measure, and let rank 0 write down what it found."""
    file, rounds = sys.argv[1], int(sys.argv[2])
    communicator = Mpi()
    weights = ResNet50(weights=None).trainable_variables  # 25.6 million numbers, 102 MB
    shapes = [tuple(weight.shape) for weight in weights]
    order = range(len(shapes) - 1, -1, -1)  # a backward pass finishes the last ones first
    layers = sum(len(shape) > 1 for shape in shapes)
    buckets = Buckets(communicator.duplicate(), Helper("sums"), shapes, ["float32"] * len(shapes), order)
    gradients = [np.ones(shape, "float32") for shape in shapes]
    matrix = np.ones((400, 400), "float32")

    def sums() -> None:
        buckets.begin(0.5)
        assert buckets.finish(gradients)[-1][0] == 1

    def step(work: Callable[[], None]) -> Callable[[], None]:
        def overlapped() -> None:
            buckets.begin(0.5)
            for i in order:
                if len(shapes[i]) > 1:
                    work()
                buckets.fill(i, gradients[i])
            assert buckets.finish(gradients)[-1][0] == 1

        return overlapped

    def seconds(function: Callable[[], None]) -> float:
        communicator.barrier()
        started = perf_counter()
        function()
        return perf_counter() - started

    seconds(sums)
    part = seconds(sums) / layers
    once = min(seconds(lambda: _product(matrix)) for _ in range(5))
    times = max(1, round(part / once))

    def asleep() -> None:
        sleep(part)

    def computing() -> None:
        for _ in range(times):
            _product(matrix)

    kinds: dict[str, Callable[[], None]] = {
        "sums alone": sums,
        "asleep": lambda: [asleep() for _ in range(layers)] and None,
        "step while asleep": step(asleep),
        "computing": lambda: [computing() for _ in range(layers)] and None,
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
