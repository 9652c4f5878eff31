"""Building the networks of `applications`, and `predict` with them, beside Keras on PyTorch.

    python -m benchmarks.applications [--only MobileNetV2,ResNet50] [--batches 1,32] [--python PATH] [--json FILE]

Both are processes of their own and take turns, on one core and on all. Weights are random; images are 224 x 224.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.machine import clean_environment
from benchmarks.report import table

ROOT = Path(__file__).parents[1]
SIDE = 224


class Worker:
    """A process that builds networks and predicts; asked by lines, it answers with seconds.

    Args:
        python: its interpreter.
        who: "eagerflow" or "keras".
        threads: 1, or None for all.
    """

    def __init__(self, python: str, who: str, threads: int | None) -> None:
        environment = clean_environment() | {"KERAS_BACKEND": "torch"}
        if threads:
            environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        command = [python, "-m", "benchmarks.applications", "--worker", who, "--threads", str(threads or 0)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *question: object) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args[-3]} ended while it was asked {question}")  # type: ignore[index]
        return float(answer)

    def end(self) -> None:
        self.process.communicate()


def work(who: str, threads: int) -> None:
    """Answer questions from standard input: ["build", name] or ["predict", batch]."""
    if who == "eagerflow":
        import eagerflow as framework

        if threads:
            framework.set_num_threads(threads)
    else:
        import keras as framework
        import torch

        if threads:
            torch.set_num_threads(threads)
    model: Any = None
    for line in sys.stdin:
        kind, what = json.loads(line)
        x = np.random.default_rng(0).random((what, SIDE, SIDE, 3), "float32") if kind == "predict" else None
        began = perf_counter()
        if kind == "build":
            model = getattr(framework.applications, what)(weights=None, input_shape=(SIDE, SIDE, 3))
        else:
            model.predict(x, batch_size=what, verbose=0)
        print(perf_counter() - began, flush=True)


def compare(
    python: str, names: list[str], batches: list[int], rounds: int, threads: int | None
) -> list[dict[str, Any]]:
    """Seconds of both, in turns."""
    workers = {"eagerflow": Worker(sys.executable, "eagerflow", threads), "keras": Worker(python, "keras", threads)}
    rows = []
    for name in names:
        for question in [("build", name), *[("predict", batch) for batch in batches]]:
            times: dict[str, list[float]] = {who: [] for who in workers}
            for turn in range(rounds + 1):
                for who in list(workers)[:: 1 if turn % 2 else -1]:
                    times[who].append(workers[who].ask(*question))
            for found in times.values():
                del found[0]  # the first time is not what a user waits for again
            rows.append({"network": name, "what": question[0], "batch": question[1], "threads": threads, **times})
    for worker in workers.values():
        worker.end()
    return rows


def applications_table(rows: list[dict[str, Any]]) -> str:
    """Seconds, and our time divided by Keras'; least and median."""
    head = ["network", "", "eagerflow, s", "Keras on PyTorch, s", "ours / theirs"]
    return table(head, [_row(row) for row in rows])


def _row(row: dict[str, Any]) -> list[str]:
    least, median = ([f(row[who]) for who in ("eagerflow", "keras")] for f in (min, statistics.median))
    what = "building" if row["what"] == "build" else f"predict, {row['batch']} image{'s' if row['batch'] > 1 else ''}"
    shown = [f"{a:.3g}/{b:.3g}" for a, b in zip(least, median, strict=True)]
    ratios = f"{least[0] / least[1]:.2f}/{median[0] / median[1]:.2f}"
    return [row["network"], f"{what}, {'one core' if row['threads'] else 'all cores'}", *shown, ratios]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="MobileNetV2,ResNet50", help="networks, with commas between")
    parser.add_argument("--batches", default="1,32", help="images at once, with commas between")
    parser.add_argument("--rounds", type=int, default=5, help="how often each (default 5)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has Keras and PyTorch")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--worker", choices=("eagerflow", "keras"), help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        work(chosen.worker, chosen.threads)
        return
    batches = [int(batch) for batch in chosen.batches.split(",") if batch]
    rows: list[dict[str, Any]] = []
    for threads in (1, None) if (os.cpu_count() or 1) > 1 else (1,):
        rows += compare(chosen.python, chosen.only.split(","), batches, chosen.rounds, threads)
    print(applications_table(rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
