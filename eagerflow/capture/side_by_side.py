"""Replays of a captured step that run at the same time, each on one thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow.capture.instructions import Call, Compute, Instruction, Read
from eagerflow.capture.program import Program
from eagerflow.kernels.machine.costs import Threads
from eagerflow.kernels.machine.threads import each, get_num_threads

__all__ = ["may_run_side_by_side", "run_side_by_side"]

_MEMORY = 1 << 31  # bytes of all replays' values together


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


def run_side_by_side(program: Program, given: Sequence[Sequence[Any]]) -> list[Any]:
    """What the program gives for each of several lists of arrays; the bits are those of one after the other.

    An operation that threads share has to wake them, and to wait for the last. Replays that know nothing of each other
    do so once.
    """
    found: list[Any] = [None] * len(given)

    def replay(i: int) -> None:
        found[i] = program.run(*given[i])

    first = 0
    if program.microseconds is None:  # for short ones a thread isn't worth waking
        start = time.perf_counter()
        replay(0)
        program.microseconds = (time.perf_counter() - start) * 1e6
        first = 1
    if program.microseconds < Threads.LEAST:
        for i in range(first, len(given)):
            replay(i)
    else:
        each(lambda i: replay(first + i), len(given) - first)
    return found
