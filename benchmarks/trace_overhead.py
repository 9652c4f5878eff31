"""What recording costs: `python benchmarks/trace_overhead.py`.

Per op on a chain of small additions, and per training step of an MLP with two hidden layers of 512 units; off, and
with each of viz.trace's levels; and what a guard (`on_nonfinite="raise"`) costs in a long run, for that MLP and
for a convnet with batch norm, whose step is bound by memory. Times are those of one core (`time.process_time`, one
BLAS thread), best of several runs, off and on in turns so that a slower moment of the machine hits both.

At the end, what a watched step of the MLP may take, as a ratio to one that nobody watches, and what it takes; and the
same for a tiny step with statistics, where nearly all time is that of calls.
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
from viz.nonfinite.guard import Guard  # noqa: E402
from viz.nonfinite.segments import Segments  # noqa: E402
from viz.recorder.capture import Options  # noqa: E402

LEVELS: dict[str, dict[str, Any]] = {
    "structure": {"time": False, "source": False, "memory": False},
    "structure, time, source": {"memory": False},
    "default (and memory)": {},
    "stats='basic'": {"stats": "basic"},
    "stats='full'": {"stats": "full"},
}
OPS = 2000
LIMITS = {128: 1.10, 32: 1.15}  # of a watched step to an unwatched one, by batch size
LIMIT_OF_TINY = 2.0  # the same for a tiny step, watched with `stats="basic"`


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


def tiny_step(loss: Any, targets: np.ndarray) -> Callable[[], None]:
    model = ef.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)])
    optimizer = ef.optimizers.Adam()
    x = np.random.default_rng(0).normal(size=(16, 8)).astype("float32")

    def step() -> None:
        with ef.GradientTape() as tape:
            value = loss(targets, model(x, training=True))
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


def watched(run: Callable[[], None], rounds: int, calls: int = 12, **options: Any) -> tuple[float, float]:
    """How much longer a step takes within `viz.trace(**options)`: by the fastest steps, the median over the rounds."""
    for _ in range(calls):
        run()
    off, on = [], []
    for _ in range(rounds):
        off.append(_fastest(run, calls))
        with viz.trace(**options):
            on.append(_fastest(run, calls))
    return min(on) / min(off), float(np.median([with_it / without for with_it, without in zip(on, off)]))


def _fastest(run: Callable[[], None], calls: int) -> float:
    times = []
    for _ in range(calls):
        began = time.process_time()
        run()
        times.append(time.process_time() - began)
    return min(times)


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


def conv_step(batch: int) -> Callable[[], None]:
    rng = np.random.default_rng(0)
    parts: list[Any] = []
    for filters in (16, 16, 32):
        conv = layers.Conv2D(filters, 3, padding="same", use_bias=False)
        parts += [conv, layers.BatchNormalization(), layers.ReLU()]
    model = ef.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(10)])
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = ef.optimizers.Adam()
    x, y = rng.normal(size=(batch, 32, 32, 3)).astype("float32"), rng.integers(0, 10, batch)

    def step() -> None:
        with ef.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)

    return step


def guarded(run: Callable[[], None], rounds: int) -> tuple[float, float, float]:
    """Seconds of a step, and which share of it a guard adds: by the fastest steps, and by the median.

    The guard stays from round to round, as it does in a training: it has recorded the first steps before.
    """
    guard = Guard("raise", Segments(Options(on_nonfinite="raise"), sys._getframe(0)))
    with observe.observing(guard):
        for _ in range(8):
            run()
    off, on = [], []
    for _ in range(rounds):
        off.append(measured(run, 1))
        with observe.observing(guard):
            on.append(measured(run, 1))
    return min(off), min(on) / min(off) - 1, float(np.median(on) / np.median(off) - 1)


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
    for name, step, rounds in (("MLP(512), batch 128", mlp_step(512, 128), 400), ("convnet", conv_step(32), 60)):
        base, fastest, median = guarded(step, rounds)
        print(f"a step of {name}: {base * 1e6:.0f} µs; guarded against NaN it costs more by")
        print(f"  {100 * fastest:.1f} % by the fastest steps, {100 * median:.1f} % by the median")
    for batch, limit in LIMITS.items():
        fastest, median = watched(mlp_step(512, batch), rounds=40)
        verdict = "met" if max(fastest, median) <= limit else "missed"
        print(f"a watched step of MLP(512), batch {batch}, takes {fastest:.3f} (fastest), {median:.3f} (median) of one")
        print(f"  that nobody watches; limit {limit:.2f}: {verdict}")
    rng = np.random.default_rng(1)
    regression = ef.losses.MeanSquaredError(), rng.normal(size=(16, 3)).astype("float32")
    classes = ef.losses.SparseCategoricalCrossentropy(from_logits=True), rng.integers(0, 3, 16)
    for loss, targets in (regression, classes):
        fastest, median = watched(tiny_step(loss, targets), rounds=20, calls=150, stats="basic")
        verdict = "met" if max(fastest, median) <= LIMIT_OF_TINY else "missed"
        print(f"a tiny step ({loss.name}) with statistics takes {fastest:.2f} (fastest), {median:.2f} (median) of one")
        print(f"  that nobody watches; limit {LIMIT_OF_TINY:.2f}: {verdict}")


if __name__ == "__main__":
    main()
