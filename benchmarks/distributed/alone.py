"""What a distribution costs where there is one rank."""

from __future__ import annotations

import statistics
from time import process_time

import eagerflow as ef
from benchmarks.workloads.data import WORKLOADS
from benchmarks.workloads.keras_models import compiled

__all__ = ["overhead"]

_STEPS = 300


def overhead(rounds: int, workload: str = "tiny") -> float:
    """The time of a small model's steps under a distribution, divided by that without; medians of turns."""
    chosen = WORKLOADS[workload]
    model = compiled(ef, chosen)
    batch = tuple([ef.convert_to_tensor(array[: chosen.batch]) for array in chosen.arrays()])
    distribution = ef.distribution.DataParallel()

    def seconds() -> float:
        started = process_time()
        for _ in range(_STEPS):
            model.train_step(batch)
        return process_time() - started

    seconds()
    ratios = []
    for number in range(4 * rounds):
        times = {}
        for kind in ("with", "without") if number % 2 else ("without", "with"):
            ef.distribution.set_distribution(distribution if kind == "with" else None)
            times[kind] = seconds()
        ratios.append(times["with"] / times["without"])
    ef.distribution.set_distribution(None)
    return statistics.median(ratios)
