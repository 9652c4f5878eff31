"""What `viz` takes for a recording of 36,000 ops: `python -m benchmarks.large_recording`.

Each command runs as users run it, in a process of its own, all in turns: wall time and the most memory, and whether
these are within their aims.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import clean_environment

ROUNDS = 7
COMMANDS: dict[str, tuple[list[str], float, float]] = {  # seconds and megabytes that each may take
    "viz --help": (["--help"], 0.3, float("inf")),
    "viz show": (["show", "large.efz"], 0.5, 100),
    "viz html": (["html", "large.efz"], 2.0, float("inf")),
}


_RECORD = """
import sys
import numpy as np
import eagerflow as ef
import viz

ef.utils.set_random_seed(0)
hidden = [ef.layers.Dense(16, activation="relu") for _ in range(20)]
model = ef.Sequential([*hidden, ef.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.random.default_rng(0).normal(size=(6400, 16)).astype("float32")
with viz.trace() as t:
    model.fit(x, x[:, :1], batch_size=16, verbose=0)
t.save(sys.argv[1])
print(f"{len(t.ops):,} ops in {len(t.steps)} steps")
"""  # in a process of its own: a small one begins others, which on Linux count the memory of the one that began them


def measured(arguments: list[str], folder: str) -> tuple[float, float]:
    """Seconds and megabytes of one call."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "viz", *arguments], cwd=folder, env=clean_environment(), stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"viz {' '.join(arguments)} failed")
    return time.perf_counter() - began, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 2**20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", _RECORD, str(Path(folder) / "large.efz")], check=True)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
        for _ in range(ROUNDS):
            for name, (arguments, *_) in COMMANDS.items():
                found[name].append(measured(arguments, folder))
    print(f"{ROUNDS} rounds: seconds, the least and the median, and megabytes at most")
    for name, (_, seconds, megabytes) in COMMANDS.items():
        times, sizes = zip(*found[name])
        well = min(times) <= seconds and max(sizes) <= megabytes
        aim = f"{seconds:g} s" + ("" if megabytes == float("inf") else f", {megabytes:g} MB")
        print(f"{name:<10}  {min(times):5.2f}  {statistics.median(times):5.2f}  {max(sizes):5.0f}", end="  ")
        print(f"aim {aim}: {'yes' if well else 'NO'}")


if __name__ == "__main__":
    main()
