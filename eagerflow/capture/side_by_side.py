"""Replays of a captured step that run at the same time, each on one thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy

from eagerflow.capture.instructions import Call, Compute, Instruction, Read
from eagerflow.capture.program import Program
from eagerflow.kernels.machine.costs import Threads
from eagerflow.kernels.machine.threads import each, get_num_threads

__all__ = ["Pace", "may_run_side_by_side", "run_side_by_side"]

_MEMORY = 1 << 31  # bytes of all replays' values together
_TRIES = 3  # times that are enough: the shortest of them is taken


def may_run_side_by_side(program: Program) -> bool:
    """Whether a replay may run in each thread at the same time.

    They may where the step only computes, on NumPy and by functions of ours: no variable is changed, nothing is drawn.
    """
    if program.modules != {numpy} or program.goes_back or program.taped:
        return False
    return all(map(_only_computes, program.needed)) and program.peak * get_num_threads() <= _MEMORY


def _only_computes(instruction: Instruction) -> bool:
    if isinstance(instruction, Compute):
        return str(getattr(instruction.op.forward, "__module__", "")).startswith("eagerflow.")
    if isinstance(instruction, Call):
        return getattr(instruction.function, "only_checks", False)
    return instruction.pure or isinstance(instruction, Read)


class Pace:
    """What replays of a program took, in microseconds: alone, with all threads for each, and beside others.

    What has many short steps, such as a recurrent network, is faster alone: beside each other, threads wait for the
    interpreter's lock between them.
    """

    def __init__(self) -> None:
        self.alone: list[float] = []
        self.beside: list[float] = []

    def is_better_alone(self) -> bool:
        """Whether replays are to run one after the other: short ones, or, once both ways were tried, slower ones."""
        if not self.is_tried(self.alone):
            return False
        fastest = min(self.alone)
        return fastest < Threads.LEAST or (self.is_tried(self.beside) and min(self.beside) > fastest)

    @staticmethod
    def is_tried(times: list[float]) -> bool:
        """Whether there are enough of them to tell."""
        return len(times) >= _TRIES


def run_side_by_side(program: Program, given: Sequence[Sequence[Any]]) -> list[Any]:
    """What the program gives for each of several lists of arrays; the bits are those of one after the other.

    An operation that threads share has to wake them, and to wait for the last. Replays that know nothing of each other
    do so once. The first ones run one after the other, to be compared with, and so do all where that is faster.
    None is given where one of them raises: it does so again, behind those before it, when each is called by itself.
    """
    with suppress(Exception):
        return _run(program, given)
    return []


def _run(program: Program, given: Sequence[Sequence[Any]]) -> list[Any]:
    found: list[Any] = [None] * len(given)
    pace = program.pace = program.pace or Pace()

    def replay(i: int) -> None:
        found[i] = program.run(*given[i])

    first = 0
    while first < len(given) and not pace.is_tried(pace.alone):
        start = time.perf_counter()
        replay(first)
        pace.alone.append((time.perf_counter() - start) * 1e6)
        first += 1
    left = len(given) - first
    if left < 2 or pace.is_better_alone():
        for i in range(first, len(given)):
            replay(i)
        return found
    start = time.perf_counter()
    each(lambda i: replay(first + i), left)
    if left >= get_num_threads() and not pace.is_tried(pace.beside):
        pace.beside.append((time.perf_counter() - start) * 1e6 / left)
    return found
