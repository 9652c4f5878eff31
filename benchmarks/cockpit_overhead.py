"""What `callbacks.Cockpit` costs: `python benchmarks/cockpit_overhead.py`.

`fit` with the callback against `fit` without it, in turns: of an MLP with two hidden layers of 512 units on batches of
128, and of a tiny one. By default it measures as often as 8 % of the time allow; the limit is 10 %.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402

import eagerflow as ef  # noqa: E402
from eagerflow import layers  # noqa: E402

LIMIT = 1.10
SIZES = {512: (128, 784, 16), 8: (32, 8, 400)}  # units: rows of a batch, columns, epochs of 64 steps


def seconds(width: int, callbacks: list[ef.callbacks.Callback]) -> tuple[float, float]:
    """Processor time of a training, and time by the clock."""
    batch, columns, epochs = SIZES[width]
    rng = np.random.default_rng(0)
    ef.utils.set_random_seed(0)
    model = ef.Sequential([*[layers.Dense(width, activation="relu") for _ in range(2)], layers.Dense(10)])
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = rng.normal(size=(64 * batch, columns)).astype("float32")
    y = rng.integers(0, 10, 64 * batch)
    model.fit(x[:batch], y[:batch], batch_size=batch, verbose=0)
    began, clock = time.process_time(), time.perf_counter()
    model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=callbacks)
    return time.process_time() - began, time.perf_counter() - clock


def main(rounds: int = 5) -> None:
    for width, (_, _, epochs) in SIZES.items():
        ratios, shares, measured = [], [], 0
        seconds(width, [ef.callbacks.Cockpit(every=100, curvature=1, verbose=0)])  # loads everything
        for _ in range(rounds):
            cockpit = ef.callbacks.Cockpit(verbose=0)
            without, _ = seconds(width, [])
            took, clock = seconds(width, [cockpit])
            ratios.append(took / without)
            shares.append(cockpit._spent / (clock - cockpit._spent))
            measured = len(cockpit.history["step"])
        curved = sum(value == value for value in cockpit.history["curvature"])
        print(
            f"MLP({width}): × {statistics.median(ratios):.3f} over {64 * epochs} steps (from {min(ratios):.3f} to "
            f"{max(ratios):.3f}; may take × {LIMIT}; by its own clock × {1 + statistics.median(shares):.3f}), "
            f"{measured} steps measured, {curved} times with curvature"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
