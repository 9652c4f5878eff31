"""Single kernels against PyTorch's and against what the machine can do at most.

    python -m benchmarks.kernels --torch /path/to/python-with-torch --threads 1 --only conv,max_pool

Each framework has a process of its own; they take turns, kernel by kernel. Times are the least of many: CPU time
on one thread (other programs hardly disturb it), else time that passed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.machine import clean_environment, described, fill_kernels
from benchmarks.report import side_by_side, table
from benchmarks.runs import FAST, OURS
from benchmarks.workloads.kernels import KERNELS, Kernel

__all__ = ["kernel_table", "main"]

ROOT = Path(__file__).parents[1]
_KERNELS = {FAST: {"EAGERFLOW_KERNELS": "compiled"}, OURS: {"EAGERFLOW_KERNELS": "plain"}}


class Server:
    """A process which times the kernels of one framework."""

    def __init__(self, framework: str, python: str, threads: int | None) -> None:
        self.process = subprocess.Popen(
            [
                python,
                "-m",
                "benchmarks.kernels",
                "--serve",
                framework.partition("-")[0],
                "--threads",
                str(threads or 0),
            ],
            cwd=ROOT,
            env=clean_environment(threads, PYTHONPATH=str(ROOT), **_KERNELS.get(framework, {})),
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=_on_one_core if threads == 1 else None,
        )

    def ask(self, number: int, seconds: float) -> dict[str, float]:
        """The least seconds of a kernel, forward and both ways."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([number, seconds]) + "\n")
        self.process.stdin.flush()
        found: dict[str, float] = json.loads(self.process.stdout.readline())
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _least(run: Callable[[], Any], seconds: float, clock: Callable[[], float]) -> float:
    run()
    until, found = perf_counter() + seconds, []
    while len(found) < 3 or perf_counter() < until:
        started = clock()
        run()
        found.append(clock() - started)
    return min(found)


def serve(framework: str, threads: int) -> None:
    """Time what is asked for on the standard input."""
    clock = process_time if threads == 1 else perf_counter
    if framework == "torch" and threads:
        import_module("torch").set_num_threads(threads)
    module = import_module(f"benchmarks.workloads.kernels_by_{framework}")
    for line in sys.stdin:
        number, seconds = json.loads(line)
        found: dict[str, float] = {}
        for variant in module.VARIANTS:
            made = module.make(KERNELS[number], variant)
            for name, run in zip(("forward", "both"), made or ()):
                found[name] = min(found.get(name, float("inf")), _least(run, seconds, clock))
        print(json.dumps(found), flush=True)


def measured(numbers: list[int], pythons: dict[str, str], threads: int | None, seconds: float) -> Any:
    """For each kernel, for each framework, the least seconds forward and both ways."""
    servers = {name: Server(name, python, threads) for name, python in pythons.items()}
    try:
        for number in numbers:
            turns: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
            for _ in range(3):
                for name, server in servers.items():
                    turns[name].append(server.ask(number, seconds / 3))
            yield (
                KERNELS[number],
                {name: {key: min(turn[key] for turn in of) for key in of[0]} for name, of in turns.items()},
            )
    finally:
        for server in servers.values():
            server.end()


_PEAK = """
import sys, time, numpy
clock = time.process_time if sys.argv[1] == "1" else time.perf_counter
def least(run, times=30):
    found = []
    for _ in range(times):
        started = clock(); run(); found.append(clock() - started)
    return min(found)
a = numpy.random.rand(1024, 1024).astype("float32")
b, c = numpy.ones(1 << 24, "float32"), numpy.ones(1 << 24, "float32")
print(2 * 1024**3 / least(lambda: a @ a), 2 * b.nbytes / least(lambda: numpy.copyto(c, b)))
"""


def peaks(python: str, threads: int | None) -> tuple[float, float]:
    """Operations per second of a large product, and bytes per second of a large copy."""
    pin = _on_one_core if threads == 1 else None
    run = subprocess.run(
        [python, "-c", _PEAK, str(threads)],
        env=clean_environment(threads),
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=pin,
    )
    product, copy = map(float, run.stdout.split())
    return product, copy


def _row(kernel: Kernel, found: dict[str, dict[str, float]], product: float, copy: float) -> dict[str, Any]:
    """What is kept of a kernel: seconds by framework, and the share of what the machine can do at most."""
    forward = found["eagerflow"]["forward"]
    if kernel.operations():
        rate = 2 * kernel.operations() / forward
        share = f"{rate / 1e9:.0f} GFLOP/s, {rate / product:.0%}"
    else:
        rate = kernel.moved() / forward
        share = f"{rate / 1e9:.1f} GB/s, {rate / copy:.0%}"
    return {"name": str(kernel), "share": share, **found}


def kernel_table(runs: Sequence[dict[str, Any]]) -> str:
    """Milliseconds in the last run, ratios in all of them, the share of the machine's peak in the last."""
    last = runs[-1]
    against = all("torch" in row for row in last["rows"])
    rows = [_cells(row, runs, against) for row in last["rows"]]
    means = []
    for way in ("forward", "both") if against and rows else ():
        means += ["", side_by_side(f"{statistics.geometric_mean(_ratios(run, way)):.2f}" for run in runs)]
    if means:
        rows.append(["geometric mean", *means, ""])
    sides = ["ours, torch: ms {}", "ratio {}"] if against else ["ms {}"]
    head = [side.format(way) for way in ("forward", "both") for side in sides]
    return table(["kernel", *head, "forward, of peak"], rows)


def _cells(row: dict[str, Any], runs: Sequence[dict[str, Any]], against: bool) -> list[str]:
    found = [row["name"]]
    for way in ("forward", "both"):
        who = ("eagerflow", "torch") if against else ("eagerflow",)
        found.append(", ".join(f"{1e3 * row[each][way]:.3g}" for each in who))
        if against:
            each_run = [_ratio_of(run, row["name"], way) for run in runs]
            found.append(side_by_side("" if ratio is None else f"{ratio:.2f}" for ratio in each_run))
    return [*found, row["share"]]


def _ratio_of(run: dict[str, Any], name: str, way: str) -> float | None:
    rows = [row for row in run["rows"] if row["name"] == name and "torch" in row]
    return rows[0]["eagerflow"][way] / rows[0]["torch"][way] if rows else None


def _ratios(run: dict[str, Any], way: str) -> list[float]:
    return [row["eagerflow"][way] / row["torch"][way] for row in run["rows"]]


def _chosen(only: str) -> list[int]:
    wanted = only.split(",") if only else []
    return [i for i, kernel in enumerate(KERNELS) if not wanted or any(w in str(kernel) for w in wanted)]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernels", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--torch", help="an interpreter that has PyTorch")
    parser.add_argument("--fast", action="store_true", help="also with compiled kernels")
    parser.add_argument("--threads", type=int, default=0, help="1: on one core; 0: whatever each takes by itself")
    parser.add_argument("--only", default="", help="parts of names, with commas")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each kernel, framework and direction")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.threads)
        return
    threads = options.threads or None
    if options.fast:
        fill_kernels(sys.executable, ROOT)
    pythons = {OURS: sys.executable} | ({FAST: sys.executable} if options.fast else {})
    pythons |= {"torch": options.torch} if options.torch else {}
    for name, value in described(sys.executable).items():
        print(f"{name}: {value}")
    product, copy = peaks(sys.executable, threads)
    print(f"{product / 1e9:.0f} GFLOP/s in products, {copy / 1e9:.0f} GB/s in copies\n")
    rows = []
    for kernel, found in measured(_chosen(options.only), pythons, threads, options.seconds):
        rows.append(_row(kernel, found, product, copy))
        print(" | ".join(_cells(rows[-1], [], bool(options.torch))), file=sys.stderr, flush=True)
    figures = {"product": product, "copy": copy, "rows": rows}
    print(kernel_table([figures]))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
