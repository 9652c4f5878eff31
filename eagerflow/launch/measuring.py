"""What `launch --predict` measures here: a few steps of a script alone, and what two ranks need to send something.

python -m eagerflow.launch.measuring step RESULT [run] SCRIPT ARGS | -m MODULE ARGS
mpiexec -n 2 python -m eagerflow.launch.measuring network RESULT
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy

from eagerflow.base import tree
from eagerflow.compat.run import run_module, run_script
from eagerflow.core import observe
from eagerflow.core.variable import Variable
from eagerflow.world.buckets import cut
from eagerflow.world.mpi import Mpi

__all__ = ["Steps", "main"]

_SKIPPED, _STEPS, _SECONDS = 3, 20, 10.0  # steps that build, steps that count, and when fewer must do
_LARGE, _TIMES = 8 << 20, 100  # bytes, and how often a message is sent


class Steps(observe.Observer):
    """Measures the first training steps of a program, and then ends it.

    Args:
        enough: called when there are enough, with what was measured.
    """

    wants_ops = False

    def __init__(self, enough: Callable[[dict[str, Any]], None]) -> None:
        self._enough = enough
        self._began = time.perf_counter()
        self._durations: list[float] = []
        self._trained: dict[int, Variable] = {}  # in the order in which gradients are finished, as a guess: reversed
        self._rows = 0
        self._depth = 0
        self._last: int | None = None  # when the optimizer of a custom loop was done before

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        found = [source for source in reversed(sources) if isinstance(source, Variable)]
        self._trained.update({variable.identity: variable for variable in found})

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if scope.kind == "step":
            self._depth += 1
            shapes = [tuple(getattr(leaf, "shape", ())) for leaf in tree.flatten(scope.inputs)]
            self._rows = next((int(shape[0]) for shape in shapes if shape), 0)

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        now = observe.clock()
        if scope.kind == "step":
            self._depth -= 1
            if scope.name == "train_step" and not self._depth:
                self._take(now - scope.started)
        elif scope.kind == "optimizer" and not self._depth:
            if self._last is not None:
                self._take(now - self._last)
            self._last = now

    def _take(self, took: int) -> None:
        self._durations.append(took / 1e9)
        count = len(self._durations) - _SKIPPED
        if count >= _STEPS or (count >= 3 and time.perf_counter() - self._began > _SECONDS):
            self._enough(self.found())

    def found(self) -> dict[str, Any]:
        """What was measured."""
        steps = self._durations[_SKIPPED:] or self._durations[-1:]
        step = statistics.median(steps) if steps else 0.0
        quartiles = statistics.quantiles(steps) if len(steps) > 3 else [0.0, 0.0, 0.0]
        variables = list(self._trained.values())
        shapes, dtypes = [tuple(v.shape) for v in variables], [v.data.dtype for v in variables]
        buckets = cut(shapes, dtypes, list(range(len(variables)))) if variables else []
        sizes = [math.prod(shape) * dtype.itemsize for shape, dtype in zip(shapes, dtypes)]
        return {
            "steps": len(steps),
            "step": step,
            "jitter": (quartiles[2] - quartiles[0]) / 1.35 / step if step else 0.0,  # as of a normal distribution
            "rows": self._rows,
            "buckets": [sum([sizes[i] for i in bucket.members]) for bucket in buckets],
        }


def _measure_step(result: Path, program: Sequence[str]) -> int:
    def enough(found: dict[str, Any]) -> None:
        result.write_text(json.dumps(found), encoding="utf-8")
        raise SystemExit(0)

    steps = Steps(enough)
    with observe.observing(steps):
        as_keras = program[0] == "run"
        as_module = program[as_keras] == "-m"
        name, *arguments = program[as_keras + as_module :]
        code = (run_module if as_module else run_script)(name, arguments, as_keras=as_keras)
    if not code:
        result.write_text(json.dumps(steps.found()), encoding="utf-8")
    return code


def _measure_network(result: Path) -> int:
    ranks = Mpi()
    small = _median(lambda: ranks.all_reduce(numpy.zeros(1)), _TIMES)
    array, other = numpy.zeros(_LARGE // 4, "float32"), numpy.ones(_LARGE // 4, "float32")
    large = _median(lambda: ranks.all_reduce(array), _TIMES // 10)
    adding = _median(lambda: numpy.add(array, other, out=array), _TIMES // 10) / _LARGE
    if ranks.rank == 0:  # of two ranks: two messages, half of the bytes there and back, and half of them added up
        sending = max(large - small - _LARGE / 2 * adding, 1e-9)
        found = {"latency": small / 2, "bandwidth": _LARGE / sending, "adding": adding}
        result.write_text(json.dumps(found), encoding="utf-8")
    return 0


def _median(call: Callable[[], Any], times: int) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main(arguments: Sequence[str]) -> int:
    """Measure what the first argument says; the second is the file that gets the result."""
    what, result, *program = arguments
    return _measure_network(Path(result)) if what == "network" else _measure_step(Path(result), program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
