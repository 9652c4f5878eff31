"""What the doctor costs: `python benchmarks/doctor_overhead.py`.

A watched step of training against an unwatched one: of an MLP with two hidden layers of 512 units on batches of 128,
and of a tiny one. The first 24 steps and some later ones are looked at closely, the others cheaply; a training of
1,000 steps has 48 of the first kind. Times are those of one core (`time.process_time`, one BLAS thread), the fastest
steps of several rounds, off and on in turns.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402

import eagerflow as ef  # noqa: E402
from eagerflow import layers  # noqa: E402
from viz.doctor import Watcher  # noqa: E402

LIMITS = {512: 1.10, 8: 2.0}  # of a step of a watched training to an unwatched one, by units
STEPS, CLOSE = 1000, 48
STEPS_SEEN = 100  # of each round, beside those looked at closely


def stepping(width: int) -> Callable[[], None]:
    """Makes one step at a call, as `fit` does."""
    rng = np.random.default_rng(0)
    batch, columns = (128, 784) if width > 100 else (32, 8)
    model = ef.Sequential([*[layers.Dense(width, activation="relu") for _ in range(2)], layers.Dense(10)])
    model.compile("adam", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = rng.normal(size=(batch, columns)).astype("float32"), rng.integers(0, 10, batch)
    model.fit(x, y, batch_size=batch, verbose=0)
    return lambda: model.train_on_batch(x, y)


def fastest(step: Callable[[], None], count: int) -> float:
    """Seconds of one core for a step: the mean of the fastest tenth."""
    gc.collect()
    times = []
    for _ in range(count):
        began = time.process_time()
        step()
        times.append(time.process_time() - began)
    return float(np.mean(sorted(times)[: max(2, count // 10)]))


def compare(step: Callable[[], None], rounds: int) -> tuple[float, float, float]:
    """Seconds of a step: unwatched, looked at closely, watched cheaply."""
    off, close, cheap = [], [], []
    for _ in range(rounds):
        off.append(fastest(step, STEPS_SEEN))
        with Watcher() as watcher:
            close.append(fastest(step, 24))
            while watcher.heavy:
                step()
            for _ in range(100):  # past the closer looks that follow
                step()
            cheap.append(fastest(step, STEPS_SEEN))
    return min(off), min(close), min(cheap)


def main(rounds: int = 5) -> None:
    for width, limit in LIMITS.items():
        off, close, cheap = compare(stepping(width), rounds)
        whole = (CLOSE * close + (STEPS - CLOSE) * cheap) / STEPS
        print(
            f"MLP({width}): {1e3 * off:.2f} ms a step; × {close / off:.2f} looked at closely, × {cheap / off:.3f} "
            "watched "
            f"cheaply; × {whole / off:.3f} over {STEPS} steps (may take × {limit})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
