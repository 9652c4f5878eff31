"""Of each network's captured training step: what takes its time, and how much of that the machine asks for at least.

    python -m benchmarks.floors --threads 1 --only resnet,mlp

The floor of an operation is what it computes over what BLAS makes of a large product here, or what it moves over the
speed at which memory is copied, whichever is longer. Only arrays of a megabyte or more count as moved: smaller ones
may be in a cache. Convolutions count as written: Winograd's transforms need a quarter to a half of the products, so
that such an operation may take less than its floor. Times are the least of several steps.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

from benchmarks.machine import clean_environment, fill_kernels
from benchmarks.report import table
from benchmarks.workloads.data import WORKLOADS

ROOT = Path(__file__).parents[1]
_MOVED = 1 << 20  # bytes of an array that is moved
_STEPS = 7
_SHOWN = 4


class _Machine(NamedTuple):
    """What it does at most: operations, and bytes read or written, in a second."""

    flops: float
    bytes: float


class _Part(NamedTuple):
    """An operation of a step; seconds."""

    name: str
    took: float
    floor: float


def main() -> None:
    """Print the table; for each number of threads and set of instructions a process of its own."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.floors", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="of all libraries; default: 1, which times the processor"
    )
    parser.add_argument("--only", default=",".join(WORKLOADS), help="workloads, with commas between")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.here:
        show(chosen.only.split(","), process_time if chosen.threads == 1 else perf_counter)
        return
    fill_kernels(sys.executable, ROOT)
    environment = clean_environment(chosen.threads, PYTHONPATH=str(ROOT), EAGERFLOW_KERNELS="compiled")
    again = [sys.executable, "-m", "benchmarks.floors", "--here", "--threads", str(chosen.threads), "--only"]
    raise SystemExit(subprocess.run([*again, chosen.only], cwd=ROOT, env=environment, check=False).returncode)


def show(names: list[str], clock: Callable[[], float]) -> None:
    """Measure and print."""
    machine = measured_machine(clock)
    print(
        f"A large product makes {machine.flops / 1e9:.0f} GFLOP/s here, a copy moves {machine.bytes / 1e9:.1f} GB/s "
        "(what it reads and writes).\n"
    )
    head = ["", "step, ms", "its operations", "floor", "operations that take the most (their floors)"]
    print(table(head, [_row(name, machine, clock) for name in names]))


def measured_machine(clock: Callable[[], float]) -> _Machine:
    """By a product of 2048 × 2048 and a copy of 64 MB."""
    import numpy

    a, large = numpy.ones((2048, 2048), "float32"), numpy.ones(1 << 24, "float32")
    out, copy = numpy.empty_like(a), numpy.empty_like(large)
    product = _least(lambda: numpy.matmul(a, a, out=out), clock)
    copied = _least(lambda: numpy.copyto(copy, large), clock)
    return _Machine(2 * 2048**3 / product, 2 * large.nbytes / copied)


def _least(run: Callable[[], Any], clock: Callable[[], float]) -> float:
    times = []
    for _ in range(_STEPS + 1):
        started = clock()
        run()
        times.append(clock() - started)
    return min(times[1:])


def _row(name: str, machine: _Machine, clock: Callable[[], float]) -> list[str]:
    from benchmarks.workloads.by_eagerflow import Eagerflow

    runner = Eagerflow(WORKLOADS[name], captured=True)
    runner.train(8)
    step = _least(lambda: runner.train(1), clock)
    parts = list(_parts(runner, machine))
    took, floor = [sum(part[i] for part in parts) for i in (1, 2)]
    most = sorted(parts, key=lambda part: -part.took)[:_SHOWN]
    said = ", ".join(f"{part.name} {_ms(part.took)} ({_ms(part.floor)})" for part in most)
    return [name, _ms(step), _ms(took), _ms(floor), said]


def _parts(runner: Any, machine: _Machine) -> Iterator[_Part]:
    """The operations of a step by name and phase: each at its quickest in some recorded steps."""
    import viz
    from viz.facts.flops import all_flops

    recordings = []
    for _ in range(_STEPS):
        with viz.trace() as found:
            runner.train(1)
        recordings.append(found)
    record = recordings[-1]
    same = [each for each in recordings if len(each.ops) == len(record.ops)]
    sums: dict[str, list[float]] = {}
    for op, flops in zip(record.ops, all_flops(record, record.ops)):
        took = min(each.ops[op.id].duration for each in same) / 1e9
        sizes = [tensor.nbytes or 0 for tensor in (record.tensors[i] for i in {*op.inputs, *op.outputs})]
        moved = sum(size for size in sizes if size >= _MOVED)
        entry = sums.setdefault(f"{op.name}{' ∇' if op.phase == 'backward' else ''}", [0.0, 0.0])
        entry[0] += took
        entry[1] += max((flops or 0) / machine.flops, moved / machine.bytes)
    yield from (_Part(name, *found) for name, found in sums.items())


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g}"


if __name__ == "__main__":
    main()
