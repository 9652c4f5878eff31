"""What recording costs: `python benchmarks/trace_overhead.py`.

Per op on a chain of small additions, and per training step of an MLP with two hidden layers of 512 units; off, and
with each of viz.trace's levels. Times are those of one core (`time.process_time`, one BLAS thread), best of several
runs, off and on in turns so that a slower moment of the machine hits both.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402

import eagerflow as ef  # noqa: E402
import viz  # noqa: E402
from eagerflow import layers, ops  # noqa: E402
from eagerflow.core import observe  # noqa: E402

LEVELS: dict[str, dict[str, Any]] = {
    "structure": {"time": False, "source": False, "memory": False},
    "structure, time, source": {"memory": False},
    "default (and memory)": {},
    "stats='basic'": {"stats": "basic"},
    "stats='full'": {"stats": "full"},
}
OPS = 2000


def chain() -> None:
    x = y = ef.Tensor(np.ones(10, "float32"))
    with observe.scope("model", "m"), observe.scope("layer", "l"):
        for _ in range(OPS):
            y = ops.add(y, x)


def mlp_step(width: int, batch: int) -> Callable[[], None]:
    rng = np.random.default_rng(0)
    hidden = [layers.Dense(width, activation="relu") for _ in range(2)]
    model = ef.Sequential([*hidden, layers.Dense(10)])
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = ef.optimizers.Adam()
    x, y = rng.normal(size=(batch, 784)).astype("float32"), rng.integers(0, 10, batch)

    def step() -> None:
        with ef.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)

    return step


def measured(run: Callable[[], None], calls: int) -> float:
    """Seconds per call: the fastest quarter of `calls`."""
    gc.collect()
    times = []
    for _ in range(calls):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return float(np.mean(sorted(times)[: max(1, calls // 4)]))


def compare(run: Callable[[], None], calls: int, rounds: int) -> tuple[float, dict[str, float]]:
    """Seconds off, and for each level what it adds."""
    run()
    off: list[float] = []
    on: dict[str, list[float]] = {name: [] for name in LEVELS}
    for _ in range(rounds):
        for name, options in LEVELS.items():
            off.append(measured(run, calls))
            with viz.trace(**options):
                on[name].append(measured(run, calls))
    base = min(off)
    return base, {name: min(times) - base for name, times in on.items()}


def flag_share(run: Callable[[], None], tests: int) -> float:
    """Which share of a step the tests of the flag are while nothing is recorded."""
    count = 1_000_000
    state = observe.state
    began = time.process_time()
    for _ in range(count):
        if state.on:
            raise AssertionError
    loop = time.process_time() - began
    began = time.process_time()
    for _ in range(count):
        pass
    per_test = (loop - (time.process_time() - began)) / count
    return tests * per_test / measured(run, 20)


def main() -> None:
    base, added = compare(chain, calls=4, rounds=4)
    print(f"an op: {base / OPS * 1e6:.2f} µs; recorded it costs more by")
    for name, extra in added.items():
        print(f"  {name:28} {extra / OPS * 1e6:6.2f} µs")
    for width, batch in ((512, 128), (512, 32), (64, 32)):
        step = mlp_step(width, batch)
        base, added = compare(step, calls=20, rounds=4)
        print(f"a step of MLP({width}), batch {batch}: {base * 1e6:.0f} µs; recorded it costs more by")
        for name, extra in added.items():
            print(f"  {name:28} {100 * extra / base:6.1f} %   {extra * 1e6:.0f} µs")
        print(f"  {'off (tests of a flag)':28} {100 * flag_share(step, 60):6.2f} %")


if __name__ == "__main__":
    main()
