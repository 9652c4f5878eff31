"""What the weights of a rank were after some steps: noted here, and compared in the end; see `between_ranks.py`."""

from __future__ import annotations

import zlib

import numpy

from eagerflow.distribution.runtime.current import world
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.facts.host_arrays import host
from viz.doctor.facts.step_facts import Gradients
from viz.frameworks.contract import Variable

__all__ = ["RankWeights"]


class RankWeights(Check):
    """Notes after steps 0, 1, 3, 7, ... what the weights were."""

    of_script = True
    always = ("on_gradients", "on_step_end")

    def begin(self) -> None:
        self.weights: dict[int, dict[str, int]] = {}  # by steps from 0: checksums of trained variables, by their names
        self._trained: list[Variable] = []

    def on_gradients(self, gradients: Gradients) -> None:
        number, several = self.watch.number, world.communicator is not None and world.communicator.size > 1
        if several and number & (number - 1) == 0:
            found = [source for source in gradients.variables if source.trainable]
            self._trained += [variable for variable in found if all(variable is not each for each in self._trained)]

    def on_step_end(self) -> None:
        trained, self._trained = self._trained, []
        if trained:
            values = {each.path: host(each.data).reshape(-1) for each in trained}
            some = {path: x[:: max(1, x.size // limits.LOOKED)] for path, x in values.items()}
            sums = {path: zlib.crc32(numpy.ascontiguousarray(x).view("uint8").data) for path, x in some.items()}
            self.weights[self.watch.number - 1] = sums
