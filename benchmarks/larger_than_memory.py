"""An epoch over data that don't fit into memory: `python -m benchmarks.larger_than_memory --gib 26`.

A file of float32 is written (and deleted afterwards), then streamed through `fit` in several ways, each in a process
of its own. Printed are the time, the rate, and the process's own memory, without the pages of files, which the system
takes back when it needs them: flat means that it doesn't grow after the first steps.

Give `--folder` a disk with enough room, and `--gib` more than the machine's memory.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import clean_environment, memory
from benchmarks.report import table

__all__ = ["WAYS", "main", "streamed", "written"]

ROOT = Path(__file__).parents[1]
FEATURES, BATCH = 4096, 256  # a batch is 4 MiB, a row 16 KiB
PIECE = 64 * BATCH  # rows that are written at once


def written(path: Path, rows: int) -> float:
    """Write `rows` × FEATURES float32, piece by piece; the seconds that it took."""
    started = perf_counter()
    piece = np.random.default_rng(0).random((min(rows, PIECE), FEATURES), dtype=np.float32)
    file = np.lib.format.open_memmap(path, "w+", "float32", (rows, FEATURES))
    for start in range(0, rows, PIECE):
        part = file[start : start + PIECE]
        part[:] = piece[: len(part)]
        part[:, 0] = np.arange(start, start + len(part)) / rows  # no two rows are alike
    file.flush()
    return perf_counter() - started


# -- the ways of reading. `x` is the array in the file.


def _batches(x: Any, y: Any) -> Iterator[Any]:
    for start in range(0, len(x), BATCH):
        yield np.array(x[start : start + BATCH]), y[start : start + BATCH]


def _in_order(x: Any, y: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "batch_size": BATCH, "shuffle": False}


def _blocks_shuffled(x: Any, y: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "batch_size": BATCH, "shuffle": "batch"}


def _rows_shuffled(x: Any, y: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "batch_size": BATCH, "shuffle": True}


def _generator(x: Any, y: Any) -> dict[str, Any]:
    return {"x": _batches(x, y), "steps_per_epoch": -(-len(x) // BATCH)}


def _dataset(x: Any, y: Any) -> dict[str, Any]:
    """Blocks in random order, each read by a thread that works ahead."""
    from eagerflow.data import Dataset

    def read(number: Any) -> Any:
        block = slice(int(number) * BATCH, (int(number) + 1) * BATCH)
        return np.array(x[block]), y[block]

    count = -(-len(x) // BATCH)
    return {"x": Dataset.range(count).shuffle(count).map(read, num_parallel_calls=2).prefetch(2)}


WAYS = {
    "array in the file, in order": _in_order,
    'array, shuffle="batch"': _blocks_shuffled,
    "array, shuffle=True": _rows_shuffled,
    "generator": _generator,
    "Dataset, blocks shuffled": _dataset,
}


def streamed(path: Path, way: str, epochs: int = 1) -> dict[str, Any]:
    """Epochs of `fit` over the file.

    Returns:
        seconds; `seen`, the rows that were trained on; and bytes of the process's own memory, after the first
        steps (`early`) and at most afterwards (`most`).
    """
    import eagerflow as ef

    x = np.load(path, mmap_mode="r")
    y = np.zeros((len(x), 1), "float32")
    model = ef.Sequential([ef.Input((FEATURES,)), ef.layers.Dense(64, activation="relu"), ef.layers.Dense(1)])
    model.compile(ef.optimizers.SGD(1e-6), "mse")
    sizes: list[int] = []
    watch = ef.callbacks.LambdaCallback(on_train_batch_end=lambda step, logs: sizes.append(own_memory()))
    started = perf_counter()
    model.fit(**WAYS[way](x, y), epochs=epochs, verbose=0, callbacks=[watch])
    seconds = perf_counter() - started
    first = max(2, len(sizes) // 20)
    early, most = max(sizes[:first]), max(sizes[first:], default=0)
    return {"seconds": seconds, "steps": len(sizes), "early": early, "most": most}


def own_memory() -> int:
    """Bytes of memory that is the process's own: without pages of files, which the system can take back."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) * 1024


# -- the command


def in_a_process(path: Path, way: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.larger_than_memory", "--point", str(path), way],
        cwd=ROOT,
        env=clean_environment(),
        text=True,
        capture_output=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"{way}: {run.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def row(way: str, found: dict[str, Any], size: int) -> list[str]:
    mebibytes = [f"{found[key] / 2**20:.0f}" for key in ("early", "most")]
    return [way, f"{found['seconds']:.0f}", f"{size / found['seconds'] / 1e6:.0f}", *mebibytes]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.larger_than_memory", description=(__doc__ or "").partition("\n\n")[2]
    )
    parser.add_argument("--gib", type=float, default=26.0, help="GiB of data (default 26)")
    parser.add_argument("--folder", type=Path, help="where the file is written (default: the system's for such)")
    parser.add_argument("--ways", default=",".join(map(str, range(len(WAYS)))), help="their numbers, with commas")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.point:
        print(json.dumps(streamed(Path(chosen.point[0]), chosen.point[1])))
        return
    rows = int(chosen.gib * 2**30 / 4 / FEATURES)
    size = rows * FEATURES * 4
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        free = shutil.disk_usage(folder).free
        if free < 1.1 * size:
            parser.error(f"{folder} has {free / 2**30:.0f} GiB free; choose less (--gib) or another --folder")
        seconds = written(Path(folder) / "data.npy", rows)
        print(f"{size / 2**30:.1f} GiB in a file (written in {seconds:.0f} s), {memory() / 2**30:.1f} GiB of memory\n")
        found = []
        for number in chosen.ways.split(","):
            way = list(WAYS)[int(number)]
            found.append(row(way, in_a_process(Path(folder) / "data.npy", way), size))
            print(" | ".join(found[-1]), file=sys.stderr, flush=True)
    head = ["an epoch of fit", "seconds", "MB/s", "own memory after the first steps, MiB", "at most, MiB"]
    print(table(head, found))


if __name__ == "__main__":
    main()
