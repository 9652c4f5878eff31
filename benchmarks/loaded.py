"""By how much a training step slows down while other programs keep every core busy.

    python -m benchmarks.loaded [--only mlp,convnet] [--peers torch] [--seconds 2] [--python [PEER=]PATH]

Half of the machine is what a fair scheduler leaves; threads that spin while they wait lose much more.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from benchmarks.report import table
from benchmarks.rotation import Contender, Refused
from benchmarks.workloads.data import WORKLOADS


@contextmanager
def busy_cores() -> Iterator[None]:
    """One program per core that does nothing but compute."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        sleep(0.5)
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def median_step(contender: Contender, seconds: float) -> float:
    until, found = perf_counter() + seconds, [contender.measure("train") for _ in range(3)]
    while perf_counter() < until:
        found.append(contender.measure("train"))
    return statistics.median(found)


def compare(peer: str, python: str, name: str, seconds: float) -> dict[str, Any]:
    """Seconds of a step alone and among busy programs; None, and an error, for who does not run it."""
    contender = Contender(peer, python, WORKLOADS[name], threads=None)
    try:
        contender.begin(kinds=["train"])
        contender.settle(kinds=["train"])
        alone = median_step(contender, seconds)
        with busy_cores():
            among = median_step(contender, seconds)
    except Refused as refused:
        return {"workload": name, "peer": peer, "alone": None, "among": None, "error": str(refused)}
    finally:
        contender.end()
    return {"workload": name, "peer": peer, "alone": alone, "among": among}


def busy_table(rows: Iterable[dict[str, Any]]) -> str:
    """Milliseconds and their ratio."""
    head = ["ms per step, median", "", "alone", "all cores busy", "ratio"]
    return table(head, [[row["workload"], row["peer"], *_cells(row)] for row in rows])


def _cells(row: dict[str, Any]) -> list[str]:
    if not row["alone"]:
        return [row["error"][:40], "", ""]
    return [f"{1e3 * row[key]:.3g}" for key in ("alone", "among")] + [f"{row['among'] / row['alone']:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="tiny,mlp,convnet,gru", help="workloads, with commas between")
    parser.add_argument("--peers", default="torch", help="peers, with commas between")
    parser.add_argument("--seconds", type=float, default=2.0, help="per measurement (default 2)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = parser.parse_args()
    who = [("eagerflow", sys.executable), *[(p, chosen.python) for p in chosen.peers.split(",") if p]]
    rows = [compare(peer, python, name, chosen.seconds) for name in chosen.only.split(",") for peer, python in who]
    print(busy_table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
