"""What each step of a rank took, and what its weights were then: noted here, and compared in the end.

Nothing is judged while the program runs, since that would need the other ranks; see `between_ranks.py`.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import Any, NamedTuple

import numpy

from eagerflow.distribution.runtime.current import world
from viz.doctor.check_base import Check
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.step_facts import Gradients
from viz.frameworks.contract import Variable

__all__ = ["RankTimes", "StepTimes"]

_RANK_WINDOW = 512  # the last steps, which are compared

_SAMPLE = 65536  # elements of a weight that are compared


class StepTimes(NamedTuple):
    """A training step of one rank, in milliseconds.

    Attributes:
        compute: without the rest.
        input: making the batch.
        network: standing still in the step, while ranks sent something or waited for each other.
        rows: of the batch that were this rank's; 0 where it isn't known.
        nbytes: how much was sent.
        calls: in how many messages.
    """

    compute: float
    input: float
    network: float
    rows: int = 0
    nbytes: int = 0
    calls: int = 0


class RankTimes(Check):
    """Notes the times of steps, and after steps 0, 1, 3, 7, ... what the weights were.

    Attributes:
        steps: the last ones, but for the first two, which build.
        weights: by the number of a step, from 0: a checksum of each trained variable after it, by its name.
    """

    of_script = True
    always = ("on_scope_begin", "on_scope_end", "on_collective", "on_gradients", "on_step_end")
    begins = ("data", "step", "model", "layer")
    ends = ("data",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.steps: deque[StepTimes] = deque(maxlen=_RANK_WINDOW)
        self.weights: dict[int, dict[str, int]] = {}
        self._trained: list[Variable] = []
        self._blocked = self._sent = self._calls = 0  # nanoseconds, bytes and messages, since the last step
        self._input = 0  # nanoseconds, since the last step
        self._began: tuple[int, int, int] | None = None  # of the step, and what had been blocked and spent by then
        self._rows = 0
        self._data = 0  # what had been blocked when a batch began

    def on_scope_begin(self, opened: Any) -> None:
        if world.communicator is None or world.communicator.size == 1:
            return
        if opened.kind == "data":
            self._data = self._blocked
        elif opened.kind == "step" and opened.scope.name != "train_step":
            self._input = self._blocked = self._sent = self._calls = 0  # neither what evaluates nor its batches
        elif self._began is None and opened.kind in ("step", "model", "layer"):
            self._began = opened.scope.started, self._blocked, opened.at_begin
            self._rows = world.shard.own if world.shard is not None else 0

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind == "data" and self._began is None:
            took = self.watch.now - opened.scope.started - (self.watch.spent - opened.at_begin)
            self._input += max(0, took - (self._blocked - self._data))

    def on_collective(self, nbytes: int, took: int, overlapped: bool) -> None:
        self._sent += nbytes
        self._calls += bool(nbytes)
        self._blocked += 0 if overlapped else took

    def on_gradients(self, gradients: Gradients) -> None:
        if self._began is not None and _is_noted(self.watch.number):
            found = [source for source in gradients.variables if source.trainable]
            self._trained += [variable for variable in found if all(variable is not each for each in self._trained)]

    def on_step_end(self) -> None:
        began, self._began = self._began, None
        if began is None:
            return
        started, blocked, spent = began
        network = self._blocked - blocked  # between steps ranks exchange numbers for whoever watches
        compute = self.watch.now - started - network - (self.watch.spent - spent)
        if self.watch.number > 2:
            compute_ms, input_ms, network_ms = (max(0, n) / 1e6 for n in (compute, self._input, network))
            self.steps.append(StepTimes(compute_ms, input_ms, network_ms, self._rows, self._sent, self._calls))
        self._input = self._blocked = self._sent = self._calls = 0
        if self._trained:
            self.weights[self.watch.number - 1] = {each.path: _checksum(each) for each in self._trained}
            self._trained = []


def _is_noted(step: int) -> bool:
    return step & (step - 1) == 0


def _checksum(variable: Variable) -> int:
    values = host(variable.data).reshape(-1)
    return zlib.crc32(numpy.ascontiguousarray(values[:: max(1, values.size // _SAMPLE)]).view("uint8").data)
