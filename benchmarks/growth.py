"""How time and memory grow: with the batch, the width, the depth, the length of sequences and of chains of ops.

    python -m benchmarks.growth [--only chain,depth] [--quick]

Every point is a process of its own. Printed are the exponents of the growth, fitted to the larger half of the
points (1: linear), those that there is a reason for (what doesn't grow, such as Python itself, makes the measured one
smaller), and what was measured at the largest; then a model of 2 GB, which is trained, saved and loaded. Data that
don't fit into memory have a command of their own: `python -m benchmarks.larger_than_memory`.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks import larger_than_memory
from benchmarks.contender import peak_of
from benchmarks.machine import clean_environment
from benchmarks.report import table

ROOT = Path(__file__).parents[1]
Step = Callable[[], object]
Measured = dict[str, float | None]


class Axis(NamedTuple):
    """What grows.

    Attributes:
        title: of the chart.
        x: what its horizontal scale shows.
        sizes: the points.
        make: gives what is measured at a size; `streamed` is measured as a whole.
        expected: the exponents of time and memory that there is a reason for.
        y: what its vertical scale shows.
    """

    title: str
    x: str
    sizes: Sequence[int]
    make: Callable[[int], Step | Measured]
    expected: tuple[float, float]
    y: str = "s, MiB per training step"


def trained(layers: list[Any], x: np.ndarray, y: np.ndarray) -> Step:
    """A training step of a model."""
    import eagerflow as ef

    model = ef.Sequential([ef.Input(x.shape[1:], dtype=x.dtype.name), *layers])
    model.compile("sgd", "mse")
    return lambda: model.train_on_batch(x, y)


def mlp(batch: int, width: int, depth: int) -> Step:
    from eagerflow import layers

    hidden = [layers.Dense(width, activation="relu") for _ in range(depth)]
    return trained([*hidden, layers.Dense(1)], np.ones((batch, width), "float32"), np.ones((batch, 1), "float32"))


def built(depth: int) -> Step:
    """Making a model of so many layers."""
    import eagerflow as ef

    def step() -> object:
        return ef.Sequential([ef.Input((4,)), *[ef.layers.Dense(4) for _ in range(depth)]])

    ef.Sequential([ef.Input((4,)), ef.layers.Dense(4)])  # what is done once: imports, for one
    return step


def recurrent(length: int) -> Step:
    from eagerflow import layers

    x = np.random.default_rng(0).random((16, length, 32), dtype=np.float32)
    return trained([layers.LSTM(32), layers.Dense(1)], x, np.ones((16, 1), "float32"))


def attention(length: int) -> Step:
    import eagerflow as ef

    x = ef.Input((length, 32))
    y = ef.layers.MultiHeadAttention(2, 16)(x, x)
    model = ef.Model(x, ef.layers.Dense(1)(ef.layers.GlobalAveragePooling1D()(y)))
    model.compile("sgd", "mse")
    data = np.random.default_rng(0).random((4, length, 32), dtype=np.float32)
    return lambda: model.train_on_batch(data, np.ones((4, 1), "float32"))


def chain(length: int) -> Step:
    """The gradient of so many ops, one after the other."""
    import eagerflow as ef

    x = ef.Variable(np.full(10, 0.5, "float32"))

    def step() -> None:
        with ef.GradientTape() as tape:
            y = x * 1.0
            for _ in range(length - 1):
                y = y * 1.0
        tape.gradient(y, x)

    return step


def streamed(mebibytes: int) -> Measured:
    """An epoch over an array in a file; of memory, the process's own, without pages of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "data.npy", Path(folder) / "small.npy"
        way, row = next(iter(larger_than_memory.WAYS)), 4 * larger_than_memory.FEATURES
        larger_than_memory.written(path, mebibytes * 2**20 // row)
        larger_than_memory.written(small, 8 * 2**20 // row)
        before = larger_than_memory.own_memory()
        larger_than_memory.streamed(small, way)  # what is done once: imports, for one
        began = process_time()
        found = larger_than_memory.streamed(path, way)
        return {"seconds": process_time() - began, "bytes": max(found["early"], found["most"]) - before}


def powers(first: int, last: int, factor: int = 4) -> list[int]:
    found = [first]
    while found[-1] * factor <= last:
        found.append(found[-1] * factor)
    return found


AXES = {
    "batch": Axis("batch, MLP of 3 × 256", "samples", powers(8, 32768), lambda n: mlp(n, 256, 3), (1, 1)),
    "width": Axis("width, MLP of 3 layers, batch 64", "units", powers(16, 4096), lambda n: mlp(64, n, 3), (2, 2)),
    "depth": Axis("depth, Dense(16), batch 16", "layers", [10, 100, 1000, 10_000], lambda n: mlp(16, 16, n), (1, 1)),
    "building": Axis("building the model", "layers", [10, 100, 1000, 10_000], built, (1, 1), "s, MiB per model"),
    "lstm": Axis("sequence, LSTM(32), batch 16", "steps", powers(16, 4096), recurrent, (1, 1)),
    "attention": Axis("sequence, attention, batch 4", "tokens", powers(32, 8192), attention, (2, 1)),
    "chain": Axis(
        "chain of ops, with gradient",
        "ops",
        [10, 100, 1000, 10_000, 100_000, 1_000_000],
        chain,
        (1, 1),
        "s, MiB per chain",
    ),
    "streaming": Axis(
        "fit over an array in a file",
        "MiB in the file",
        powers(16, 1024),
        streamed,
        (1, 0),
        "s, MiB of its own per epoch",
    ),
}


def measure(axis: str, size: int) -> Measured:
    """The processor's seconds of a step, the least of some, and by how many bytes memory grows in the first."""
    started = perf_counter()
    step = AXES[axis].make(size)
    if isinstance(step, dict):
        return step
    memory = peak_of(step)
    seconds = [math.inf]
    while len(seconds) < 2 or (perf_counter() - started < 1.0 and len(seconds) < 50):
        began = process_time()
        step()
        seconds.append(process_time() - began)
    return {"seconds": min(seconds), "bytes": memory}


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the larger half of the points on logarithmic scales."""
    large = [(math.log(x), math.log(y)) for x, y in points[-max(2, (len(points) + 1) // 2) :] if y > 0]
    if len(large) < 2:
        return math.nan
    return float(np.polyfit(*zip(*large), 1)[0])


def two_gigabytes() -> dict[str, float]:
    """A model with 2 GB of weights: seconds and memory of a training step, seconds to save and to load it."""
    import eagerflow as ef

    width = 16384
    small = ef.initializers.Constant(1e-5)  # zeros would take memory only when they are first changed
    layers = [ef.layers.Dense(width, use_bias=False, kernel_initializer=small) for _ in range(2)]
    model = ef.Sequential([ef.Input((width,)), *layers])
    model.compile("sgd", "mse")
    x = np.ones((8, width), "float32")
    found = {"weights": model.count_params() * 4.0}
    found["bytes"] = float(peak_of(lambda: found.update(seconds=_seconds(lambda: model.train_on_batch(x, x)))) or 0)
    trained = model.predict(x[:1], verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        found["saving"] = float(peak_of(lambda: found.update(save=_seconds(lambda: model.save(path)))) or 0)
        loaded: list[Any] = []
        found["load"] = _seconds(lambda: loaded.append(ef.saving.load_model(path)))
    np.testing.assert_array_equal(loaded[0].predict(x[:1], verbose=0), trained)
    return found


def _seconds(run: Step) -> float:
    started = perf_counter()
    run()
    return perf_counter() - started


# -- the command


def in_a_process(*arguments: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", *arguments],
        cwd=ROOT,
        env=clean_environment(),
        text=True,
        capture_output=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"growth {' '.join(arguments)}: {run.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join([*AXES, "large"]), help="what to measure, with commas")
    parser.add_argument("--quick", action="store_true", help="without the largest sizes")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.point:
        print(json.dumps(_point(*chosen.point)))
        return
    names = chosen.only.split(",")
    found = {name: _along(name, chosen.quick) for name in AXES if name in names}
    print(_table(found) if found else "")
    if "large" in names:
        one = in_a_process("--point", "large", "0")
        beside = f"{one['seconds']:.1f} s a step, {_size(one['bytes'])} beside the weights"
        kept = f"saved in {one['save']:.1f} s ({_size(one['saving'])} beside), loaded in {one['load']:.1f} s"
        print(f"\na model of {_size(one['weights'])}: {beside}; {kept}")


def _point(name: str, size: str) -> dict[str, Any]:
    if name == "large":
        return two_gigabytes()
    return dict(measure(name, int(size)))


Points = list[tuple[float, float]]


def _along(name: str, quick: bool) -> tuple[Points, Points]:
    """Times and bytes along an axis."""
    sizes = AXES[name].sizes[: -2 if quick else None]
    each = [(size, in_a_process("--point", name, str(size))) for size in sizes]
    times = [(float(size), one["seconds"]) for size, one in each]
    return times, [(float(size), float(one["bytes"] or 0)) for size, one in each]


def _table(found: dict[str, tuple[Points, Points]]) -> str:
    rows = []
    for name, (times, sizes) in found.items():
        axis = AXES[name]
        rows.append(
            [
                axis.title,
                f"{int(times[0][0]):,} to {int(times[-1][0]):,} {axis.x}",
                f"{times[-1][1]:.3g} s",
                _size(sizes[-1][1]),
                f"{exponent(times):.2f}, {exponent(sizes):.2f}",
                ", ".join(f"{power:g}" for power in axis.expected),
            ]
        )
    head = ["growth with", "from, to", "time at most", "memory at most", "exponents", "expected"]
    return table(head, rows)


def _size(count: float) -> str:
    return f"{count / 2**30:.2f} GiB" if count > 2**29 else f"{count / 2**20:.1f} MiB"


if __name__ == "__main__":
    main()
