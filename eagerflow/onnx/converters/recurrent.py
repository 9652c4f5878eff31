"""Recurrent layers as ONNX' own nodes, with any mask.

ONNX knows lengths of sequences, but no masks: so the steps that count are moved to the front, run with their number as
the length, and the states are read back from where they arose. Steps that don't count keep the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.graph import Graph

__all__ = ["CONVERTERS"]


class _Recurrent:
    """A node of one kind, and what it needs."""

    def __init__(self, c: Call, kind: str, order: tuple[int, ...]) -> None:
        self.c, self.g, self.kind, self.order = c, c.graph, kind, order
        self.kernel, self.recurrent = c.known("kernel"), c.known("recurrent_kernel")
        self.units = self.recurrent.shape[0]
        self.given = self.kernel.dtype
        self.dtype = numpy.dtype("float32")  # which all runtimes have
        self.starts = [name for name in ("initial_h", "initial_c") if name in c.inputs]

    def weights(self) -> list[str]:
        names = []
        for name, array in (("kernel", self.kernel), ("recurrent_kernel", self.recurrent)):
            path = getattr(self.c.inputs[name], "path", "")
            names.append(self.g.weight(array, path or name, self.kind, self._arranged))
        biases = [self._bias(name).astype(self.dtype) for name in ("bias", "recurrent_bias")]
        return [*names, self.g.constant(numpy.concatenate(biases)[None])]

    def _bias(self, name: str) -> Any:
        if self.c.inputs.get(name) is None:
            return numpy.zeros(self.units * len(self.order), self.dtype)
        return self._sorted(self.c.known(name))

    def _arranged(self, array: Any) -> Any:
        """A kernel in ONNX' order."""
        return self._sorted(array).T[None].astype(self.dtype, copy=False)

    def _sorted(self, array: Any) -> Any:
        cuts = [slice(gate * self.units, (gate + 1) * self.units) for gate in self.order]
        return numpy.concatenate([array[..., cut] for cut in cuts], -1)

    def convert(self, **attributes: Any) -> None:
        """Add the nodes, and name the outputs."""
        g, c = self.g, self.c
        sequence, mask = c.name("sequence", self.dtype), c.inputs.get("mask")
        starts = [c.name(name, self.dtype) for name in self.starts]
        masked = _Mask(g, c.last(mask, bool)) if mask is not None else None
        if masked is not None:
            sequence = masked.front(sequence)
        steps = g.node("Transpose", [sequence], perm=[1, 0, 2])
        ahead = [g.node("Unsqueeze", [name, g.integers([0])]) for name in starts]
        lengths = "" if masked is None else masked.lengths
        given = [steps, *self.weights(), lengths, *ahead]
        made = g.node(self.kind, given, 1 + len(starts), hidden_size=self.units, **attributes)
        states = g.node("Transpose", [g.node("Squeeze", [made[0], g.integers([1])])], perm=[1, 0, 2])
        ends = [g.node("Squeeze", [name, g.integers([0])]) for name in made[1:]]
        if masked is not None:
            ends = [masked.end(found, start) for found, start in zip(ends, starts)]
            states = masked.back(states, starts[0])
        if not c.setting("all_steps"):
            zero = g.integers([0])
            states = g.node("Slice", [states, zero, zero, g.integers([1])])
        c.give(*[c.cast(name, self.dtype, self.given) for name in (states, *ends)])


class _Mask:
    """Which steps count, (batch, time)."""

    def __init__(self, g: Graph, name: str) -> None:
        self.g = g
        self.counts = g.node("Cast", [name], to=numpy.dtype("int32"))
        self.lengths = g.node("ReduceSum", [self.counts, g.integers([1])], keepdims=0)
        steps = g.node("Shape", [name], start=1, end=2)
        numbers = g.node("Cast", [name], to=numpy.dtype("float32"))
        self.order = g.node("TopK", [numbers, steps], 2, axis=1)[1]  # equal ones in the order of their places

    def front(self, sequence: str) -> str:
        """The steps that count, then the others."""
        return self._taken(sequence, self.order)

    def back(self, states: str, start: str) -> str:
        """The state at each step: that of the last one that counted, or the one to begin with."""
        g = self.g
        whole = g.node("Concat", [g.node("Unsqueeze", [start, g.integers([1])]), states], axis=1)
        passed = g.node("CumSum", [self.counts, g.constant(numpy.int64(1))])
        return self._taken(whole, g.node("Cast", [passed], to=numpy.dtype("int64")))

    def end(self, found: str, start: str) -> str:
        """The last state; where no step counts, the one to begin with."""
        g = self.g
        none = g.node("Equal", [self.lengths, g.constant(numpy.int32(0))])
        return str(g.node("Where", [g.node("Unsqueeze", [none, g.integers([1])]), start, found]))

    def _taken(self, name: str, places: str) -> str:
        """The steps at these places, (batch, time), of (batch, time, features)."""
        g = self.g
        width = g.node("Shape", [name], start=2, end=3)
        shape = g.node("Concat", [g.node("Shape", [places]), width], axis=0)
        spread = g.node("Expand", [g.node("Unsqueeze", [places, g.integers([2])]), shape])
        return str(g.node("GatherElements", [name, spread], axis=1))


def _lstm(c: Call) -> None:
    _Recurrent(c, "LSTM", (0, 3, 1, 2)).convert()


def _gru(c: Call) -> None:
    _Recurrent(c, "GRU", (0, 1, 2)).convert(linear_before_reset=int(bool(c.setting("reset_after"))))


_ACTIVATIONS: dict[str, dict[str, Any]] = {
    "tanh": {},
    "relu": {"activations": ["Relu"]},
    "sigmoid": {"activations": ["Sigmoid"]},
    "linear": {"activations": ["Affine"], "activation_alpha": [1.0], "activation_beta": [0.0]},
}


def _simple_rnn(c: Call) -> None:
    _Recurrent(c, "RNN", (0,)).convert(**_ACTIVATIONS[c.setting("activation")])


CONVERTERS: dict[str, Callable[[Call], None]] = {"lstm": _lstm, "gru": _gru, "simple_rnn": _simple_rnn}
