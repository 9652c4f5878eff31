"""One process of the rotation: it holds one framework's model of one workload, and does as it is told.

    python -m benchmarks.contender eagerflow mlp

Commands and answers are lines of JSON: `{"do": "train", "steps": 3}` gives `{"seconds": ...}`. What frameworks
print goes to the standard error.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TextIO

from benchmarks.workloads.data import WORKLOADS, Workload

__all__ = ["make", "peak_of"]


def make(peer: str, workload: Workload) -> Any:
    """The model of a workload, in the framework named `peer`."""
    if peer.startswith("eagerflow"):
        return import_module("benchmarks.workloads.by_eagerflow").Eagerflow(workload, peer == "eagerflow-fast")
    if peer.startswith("keras"):
        return import_module("benchmarks.workloads.by_keras").Keras(workload)
    return import_module("benchmarks.workloads.by_torch").Torch(workload, compile=peer == "torch-compile")


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    peer, name = sys.argv[1:3]
    started = perf_counter()
    runner = make(peer, WORKLOADS[name])
    _answer(answers, {"parameters": runner.parameters(), "seconds": perf_counter() - started})
    for line in sys.stdin:
        command = json.loads(line)
        try:
            _answer(answers, _obey(runner, command))
        except Exception as error:  # noqa: BLE001  whatever a framework raises is told, and the run goes on
            _answer(answers, {"error": f"{type(error).__name__}: {error}"[:500]})


def _answer(to: TextIO, what: dict[str, Any]) -> None:
    to.write(json.dumps(what) + "\n")
    to.flush()


def _obey(runner: Any, command: dict[str, Any]) -> dict[str, Any]:
    what = command["do"]
    if what == "memory":
        return {"bytes": peak_of(lambda: runner.train(command["steps"]))}
    gc.collect()
    steps = command.get("steps")
    started, worked = perf_counter(), process_time()
    getattr(runner, what)(*([] if steps is None else [steps]))
    return {"seconds": perf_counter() - started, "processor": process_time() - worked}


def peak_of(run: Any) -> int | None:
    """By how much memory grows, at most, while `run` runs; None where the system doesn't tell."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts over
        before = _status("VmRSS")
        run()
        return _status("VmHWM") - before
    except OSError:
        return None


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


if __name__ == "__main__":
    main()
