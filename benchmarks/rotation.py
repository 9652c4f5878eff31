"""Contenders take turns, each in a process of its own: a slow moment of the machine hits all alike."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.machine import clean_environment
from benchmarks.workloads.data import Workload

__all__ = ["KINDS", "PEERS", "Contender", "Figures", "Refused", "rotate"]

ROOT = Path(__file__).parents[1]
PEERS = ("eagerflow", "torch", "torch-compile", "keras-torch", "keras-jax", "keras-tensorflow")
KINDS = ("fit", "train", "predict", "infer")
PATIENCE = 400  # seconds that a compiler may take for its first step


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
        peer: one of PEERS.
        python: the interpreter that has it installed.
        workload: what it runs.
        threads: 1 (on one core), or None for whatever it takes by itself.
    """

    def __init__(self, peer: str, python: str, workload: Workload, threads: int | None) -> None:
        self.peer, self.workload, self.threads = peer, workload, threads
        self.figures = Figures()
        backend = {"KERAS_BACKEND": peer.partition("-")[2]} if peer.startswith("keras") else {}
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
        paths = os.pathsep.join(
            [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        )
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.contender", peer, workload.name],
            cwd=ROOT,
            env=clean_environment(threads, PYTHONPATH=paths, **backend, **quiet),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if not os.environ.get("BENCHMARKS_LOUD") else None,
            text=True,
            preexec_fn=_on_one_core if threads == 1 else None,
        )
        self.times_of = dict.fromkeys(KINDS, 1)

    def begin(self, kinds: Iterable[str] = KINDS) -> None:
        """Wait until the model stands, then warm up, and find out how often to repeat each thing."""
        self.figures.parameters = self._answer()["parameters"]
        self.figures.memory = self.ask(do="memory", steps=2)["bytes"]
        for kind in kinds:
            self.measure(kind)
            again = self.measure(kind)
            self.times_of[kind] = max(1, min(1000, int(0.2 / max(again, 1e-6))))
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
        if not select.select([stream], [], [], PATIENCE)[0]:
            raise Refused(f"no answer within {PATIENCE} s")
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


def _on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def rotate(
    workload: Workload, pythons: dict[str, str], threads: int | None, seconds: float, kinds: Iterable[str]
) -> dict[str, Figures]:
    """Measure all contenders on one workload; about `seconds` for each kind of each contender."""
    contenders = [Contender(peer, python, workload, threads) for peer, python in pythons.items()]
    try:
        kinds = list(kinds)
        ready = [contender for contender in contenders if _begun(contender, kinds)]
        for kind in kinds:
            until, rounds = perf_counter() + seconds * len(ready), 0
            while rounds < 3 or perf_counter() < until:
                rounds += 1
                ready = [contender for contender in ready if _measured(contender, kind)]
        return {contender.peer: contender.figures for contender in contenders}
    finally:
        for contender in contenders:
            contender.end()


def _measured(contender: Contender, kind: str) -> bool:
    try:
        contender.measure(kind)
    except Refused as refused:
        contender.figures.error = str(refused)
        return False
    return True


def _begun(contender: Contender, kinds: list[str]) -> bool:
    try:
        contender.begin(kinds)
    except Refused as refused:
        contender.figures.error = str(refused)
        contender.end()
        return False
    return True
