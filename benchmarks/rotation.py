"""Contenders take turns, each in a process of its own: a slow moment of the machine hits all alike."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from benchmarks.machine import clean_environment, on_gpu
from benchmarks.workloads.data import Workload

__all__ = ["KINDS", "PATIENCE", "PEERS", "Contender", "Figures", "Refused", "cores", "pin", "rotate"]

ROOT = Path(__file__).parents[1]
PEERS = ("eagerflow", "eagerflow-fast", "torch", "torch-compile", "keras-torch", "keras-jax", "keras-tensorflow")
KINDS = ("fit", "train", "predict", "infer")
PATIENCE = 150.0  # seconds that a contender may take for one answer; compilers need many for their first step
SAMPLES = 5  # of each kind, at least
PAUSE = 0.05  # seconds between the turns
_ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
# JAX would take three quarters of the memory at once, and by itself multiply with 10 bits of each number.
_ON_GPU = {
    "EAGERFLOW_DEVICE": "gpu",
    "JAX_PLATFORMS": "cuda",
    "JAX_DEFAULT_MATMUL_PRECISION": "float32",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


@dataclass
class Figures:
    """What one contender did on one workload.

    Attributes:
        times: seconds per step, for each of KINDS.
        memory: by how many bytes memory grew while it trained; None if unknown.
        parameters: how many the model has.
        error: why it did not run, or None.
    """

    times: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    memory: int | None = None
    parameters: int | None = None
    error: str | None = None

    def best(self, kind: str) -> float:
        return min(self.times[kind])

    def median(self, kind: str) -> float:
        return statistics.median(self.times[kind])


class Refused(Exception):
    """A contender that can't run, with the reason."""


class Contender:
    """A child process that holds one model.

    Args:
        peer: one of PEERS. `"eagerflow-fast"` is eagerflow with compiled kernels and captured steps.
        python: the interpreter that has it installed.
        workload: what it runs.
        threads: 1 (on one core), or None for whatever it takes by itself.
        core: where it starts, if it has one thread; None for any.
        patience: seconds to wait for an answer.
    """

    def __init__(
        self,
        peer: str,
        python: str,
        workload: Workload,
        threads: int | None,
        core: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.peer, self.workload, self.threads, self.patience = peer, workload, threads, patience
        self.figures = Figures()
        own = {"KERAS_BACKEND": peer.partition("-")[2]} if peer.startswith("keras") else {}
        if peer.startswith("eagerflow"):
            own = {"EAGERFLOW_KERNELS": "compiled" if peer == "eagerflow-fast" and not on_gpu() else "plain"}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", **(_ON_GPU if on_gpu() else _ON_CPU)}
        paths = os.pathsep.join([str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.contender", peer, workload.name],
            cwd=ROOT,
            env=clean_environment(threads, PYTHONPATH=paths, **own, **quiet),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if not os.environ.get("BENCHMARKS_LOUD") else None,
            text=True,
        )
        self.times_of = dict.fromkeys(KINDS, 1)
        self.move_to(core)

    def move_to(self, core: int | None) -> None:
        """Let a contender of one thread run on this core alone."""
        if self.threads == 1:
            pin(self.process.pid, core)

    def begin(self, kinds: Iterable[str] = KINDS) -> None:
        """Wait until the model stands, then warm up: compilers compile now."""
        self.figures.parameters = self._answer()["parameters"]
        self.figures.memory = self.ask(do="memory", steps=2)["bytes"]
        for kind in kinds:
            self.measure(kind)
            self.figures.times[kind].clear()

    def settle(self, kinds: Iterable[str] = KINDS) -> None:
        """Find out how many steps of each kind take long enough to be measured."""
        for kind in set(kinds) & {"train", "infer"}:
            once = min([self.measure(kind) for _ in range(4)])  # the first ones may still capture or compile
            self.times_of[kind] = max(1, min(1000, int(0.2 / max(once, 1e-6))))
            self.figures.times[kind].clear()

    def measure(self, kind: str) -> float:
        """Do one thing for a while; seconds per step."""
        clock = "processor" if self.threads == 1 else "seconds"  # other programs hardly disturb the former
        if kind in ("fit", "predict"):
            seconds = self.ask(do=kind)[clock] / self.workload.steps
        else:
            seconds = self.ask(do=kind, steps=self.times_of[kind])[clock] / self.times_of[kind]
        self.figures.times[kind].append(seconds)
        return seconds

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Refused(self._last_words()) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        if not select.select([stream], [], [], self.patience)[0]:
            raise Refused(f"no answer within {self.patience:g} s")
        line = stream.readline()
        if not line:
            raise Refused(self._last_words())
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise Refused(found["error"])
        return found

    def _last_words(self) -> str:
        self.process.kill()
        text = self.process.stderr.read() if self.process.stderr is not None else ""
        lines = [line for line in text.strip().splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it ended without a word"

    def end(self) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait()


def pin(process: int, core: int | None) -> None:
    """Let all threads of a process run on one core alone; nothing where the system can't."""
    tasks = Path(f"/proc/{process}/task")
    if core is None or not hasattr(os, "sched_setaffinity") or not tasks.exists():
        return
    for task in tasks.iterdir():
        try:
            os.sched_setaffinity(int(task.name), {core})
        except ProcessLookupError:  # it has just ended
            continue


def cores() -> list[int | None]:
    """The numbers of the cores that this process may use; [None] where the system doesn't tell."""
    return [*sorted(os.sched_getaffinity(0))] if hasattr(os, "sched_getaffinity") else [None]


def rotate(
    workload: Workload,
    pythons: dict[str, str],
    threads: int | None,
    seconds: float,
    kinds: Iterable[str],
    patience: float = PATIENCE,
) -> dict[str, Figures]:
    """Measure all contenders on one workload; about `seconds` for each kind of each contender.

    They start, compile and warm up on all cores at once. Then they run one at a time, those of one thread all on the
    same core.
    """
    kinds, places = list(kinds), cores()
    contenders: list[Contender] = []

    def start(i: int, peer: str) -> bool:
        contenders.append(Contender(peer, pythons[peer], workload, threads, places[i % len(places)], patience))
        return _done(contenders[-1], lambda contender: contender.begin(kinds))

    try:
        with ThreadPoolExecutor(len(places)) as pool:
            begun = dict(zip(pythons, pool.map(start, range(len(pythons)), pythons)))
        contenders.sort(key=lambda contender: list(pythons).index(contender.peer))
        ready = [contender for contender in contenders if begun[contender.peer]]
        for contender in ready:
            contender.move_to(places[-1])
        ready = [each for each in ready if _done(each, lambda contender: contender.settle(kinds))]
        for kind in kinds:
            _take_turns(ready, kind, seconds)
        return {contender.peer: contender.figures for contender in contenders}
    finally:
        for contender in contenders:
            contender.end()


def _take_turns(ready: list[Contender], kind: str, seconds: float) -> None:
    """Measure one after the other, again and again. Who fails is left out from then on."""
    until, rounds = perf_counter() + seconds * len(ready), 0
    while ready and (rounds < SAMPLES or perf_counter() < until):
        rounds += 1
        ready[:] = [each for each in ready if _done(each, lambda contender: _alone(contender, kind))]


def _alone(contender: Contender, kind: str) -> None:
    """Measure when the threads of the one before have gone to sleep: they spin for some milliseconds."""
    sleep(PAUSE)
    contender.measure(kind)


def _done(contender: Contender, what: Callable[[Contender], object]) -> bool:
    try:
        what(contender)
    except Refused as refused:
        contender.figures.error = str(refused)
        contender.end()
        return False
    return True
