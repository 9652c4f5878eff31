"""LSTM, GRU and RNN: by our own ops where their functions are the usual ones, else a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.elementwise import NODES as ELEMENTWISE
from eagerflow.onnx.nodes.limits import go_round, work
from eagerflow.onnx.nodes.values import Known, as_type, numbers
from eagerflow.ops.sequences.recurrent import gru, lstm, simple_rnn

__all__ = ["NODES"]

_USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}  # where our gates stand among theirs


class _Direction:
    """One direction of a node: its weights, and what it is told.

    Args:
        kind: of the node.
        parts: weights, recurrent weights, bias (twice as wide) or None, peepholes or None.
        how: the attributes.
        functions: the activations.
    """

    def __init__(
        self, kind: str, parts: Sequence[Any], how: dict[str, Any], functions: list[Callable[[Any], Any]] | None
    ) -> None:
        self.kind, self.how, self.functions = kind, how, functions
        self.weights, self.recurrent, self.bias, self.peepholes = parts
        self.units = self.recurrent.shape[-1]

    def _sorted(self, array: Any) -> Any:
        """Rows of gates in our order."""
        parts = ops.split(array, _GATES[self.kind], axis=0) if _GATES[self.kind] > 1 else [array]
        order = _ORDER[self.kind]
        return array if order == tuple(range(len(order))) else ops.concatenate([parts[i] for i in order], axis=0)

    def run(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        """All states, (batch, time, units), and the last ones; `x`: (batch, time, features), `mask`: what counts."""
        work(x.size // max(x.shape[-1], 1) * self.recurrent.size)
        usual = self.functions is None and self.peepholes is None and x.shape[1]
        every, last = (self._by_op if usual else self._by_steps)(x, states, mask)
        if mask is not None:
            every = ops.where(ops.expand_dims(mask, 2), every, ops.zeros_like(every))
        return every, last

    def _by_op(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        made: Any
        kernel, recurrent = (ops.transpose(self._sorted(w)) for w in (self.weights, self.recurrent))
        biases = [None, None] if self.bias is None else [self._sorted(b) for b in ops.split(self.bias, 2, axis=0)]
        if self.kind == "GRU":
            after = bool(self.how.get("linear_before_reset"))
            if not after and biases[0] is not None:
                biases = [ops.add(biases[0], biases[1]), None]
            made = gru(x, states[0], kernel, recurrent, biases[0], biases[1], mask, after)
        else:
            bias = None if biases[0] is None else ops.add(biases[0], biases[1])
            if self.kind == "LSTM":
                made = lstm(x, states[0], states[1], kernel, recurrent, bias, mask)
            else:
                made = simple_rnn(x, states[0], kernel, recurrent, bias, mask)
        return made[0], list(made[1:])

    def _by_steps(self, x: Any, states: list[Any], mask: Any) -> tuple[Any, list[Any]]:
        every = []
        step = {"LSTM": self._lstm, "GRU": self._gru, "RNN": self._rnn}[self.kind]
        drive = ops.matmul(x, ops.transpose(self.weights))
        for t in range(x.shape[1]):
            go_round()
            new = step(drive[:, t], states)
            if mask is not None:
                live = mask[:, t : t + 1]
                new = [ops.where(live, ours, old) for ours, old in zip(new, states)]
            states = new
            every.append(states[0])
        none = ops.zeros((x.shape[0], 0, self.units), str(x.dtype))
        return (ops.stack(every, axis=1) if every else none), states

    def _clipped(self, x: Any) -> Any:
        limit = self.how.get("clip")
        return x if not limit else ops.clip(x, -limit, limit)

    def _split(self, x: Any) -> list[Any]:
        return list(ops.split(x, _GATES[self.kind], axis=-1))

    def _biases(self) -> tuple[Any, Any]:
        ours, theirs = (0.0, 0.0) if self.bias is None else ops.split(self.bias, 2, axis=0)
        return ours, theirs

    def _peep(self, which: int, cell: Any) -> Any:
        if self.peepholes is None:
            return 0.0
        return ops.multiply(self.peepholes[which * self.units : (which + 1) * self.units], cell)

    def _acts(self) -> list[Callable[[Any], Any]]:
        return self.functions or [_FUNCTIONS[name] for name in _USUAL[self.kind]]

    def _lstm(self, drive: Any, states: list[Any]) -> list[Any]:
        h, c = states
        f1, f2, f3 = self._acts()
        i, o, f, g = self._split(
            ops.add(drive, ops.add(ops.matmul(h, ops.transpose(self.recurrent)), sum(self._biases())))
        )
        i = f1(self._clipped(ops.add(i, self._peep(0, c))))
        f = ops.subtract(1.0, i) if self.how.get("input_forget") else f1(self._clipped(ops.add(f, self._peep(2, c))))
        cell = ops.add(ops.multiply(f, c), ops.multiply(i, f2(self._clipped(g))))
        o = f1(self._clipped(ops.add(o, self._peep(1, cell))))
        return [ops.multiply(o, f3(cell)), cell]

    def _gru(self, drive: Any, states: list[Any]) -> list[Any]:
        (h,) = states
        f, g = self._acts()
        ours, theirs = self._biases()
        x = self._split(ops.add(drive, ours))
        r = [ops.transpose(part) for part in ops.split(self.recurrent, 3, axis=0)]
        b = [0.0] * 3 if self.bias is None else ops.split(theirs, 3, axis=0)
        z, reset = (f(self._clipped(ops.add(ops.add(x[i], ops.matmul(h, r[i])), b[i]))) for i in (0, 1))
        if self.how.get("linear_before_reset"):
            inner = ops.multiply(reset, ops.add(ops.matmul(h, r[2]), b[2]))
        else:
            inner = ops.add(ops.matmul(ops.multiply(reset, h), r[2]), b[2])
        new = g(self._clipped(ops.add(x[2], inner)))
        return [ops.add(ops.multiply(ops.subtract(1.0, z), new), ops.multiply(z, h))]

    def _rnn(self, drive: Any, states: list[Any]) -> list[Any]:
        inner = ops.add(ops.matmul(states[0], ops.transpose(self.recurrent)), sum(self._biases()))
        return [self._acts()[0](self._clipped(ops.add(drive, inner)))]


def _affine(x: Any, alpha: float = 1.0, beta: float = 0.0) -> Any:
    return ops.add(ops.multiply(x, alpha), beta)


def _scaled_tanh(x: Any, alpha: float = 1.0, beta: float = 1.0) -> Any:
    return ops.multiply(ops.tanh(ops.multiply(x, beta)), alpha)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: ELEMENTWISE[name] for name in "Relu Tanh Sigmoid Softsign Softplus".split()},
    "Affine": _affine,
    "ScaledTanh": _scaled_tanh,
}
_WITH_NUMBERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("LeakyRelu", "Elu"), ("alpha",)),
    **dict.fromkeys(("HardSigmoid", "Affine", "ScaledTanh"), ("alpha", "beta")),
}


def _activations(kind: str, names: Any, alphas: Any, betas: Any, which: int) -> list[Callable[[Any], Any]] | None:
    """The functions of one direction; None for the usual ones."""
    count = len(_USUAL[kind])
    if not names or tuple(names[which * count : (which + 1) * count]) == _USUAL[kind]:
        return None
    found: list[Callable[[Any], Any]] = []
    first, second = iter(alphas or ()), iter(betas or ())
    for i, name in enumerate(names):
        given: dict[str, float] = {}
        for word, left in (("alpha", first), ("beta", second)):
            if word in _WITH_NUMBERS.get(name, ()):
                number = next(left, None)
                given |= {} if number is None else {word: float(number)}
        function = _FUNCTIONS.get(name) or (ELEMENTWISE[name] if name in _WITH_NUMBERS else None)
        if function is None:
            raise ValueError(f"the activation {name!r:.40} isn't known.")
        if which * count <= i < (which + 1) * count:
            found.append(partial(function, **given))
    return found


def _recurrent(kind: str) -> Callable[..., Any]:
    def run(
        x: Any,
        w: Any,
        r: Any,
        b: Any = None,
        lengths: Any = None,
        h: Any = None,
        c: Any = None,
        p: Any = None,
        *,
        activations: Any = None,
        activation_alpha: Any = None,
        activation_beta: Any = None,
        direction: str = "forward",
        hidden_size: int | None = None,
        layout: int = 0,
        outputs: int = 1,
        output_sequence: int = 0,
        **how: Any,
    ) -> Any:
        if how.keys() - {"clip", "input_forget", "linear_before_reset"}:
            raise TypeError(f"unexpected attributes {sorted(how)[:5]}")
        if direction not in ("forward", "reverse", "bidirectional"):
            raise ValueError(f"direction={direction!r:.40}.")
        sequence = x if layout else ops.transpose(x, (1, 0, 2))
        every, ends = [], list[list[Any]]()
        for i, one in enumerate(("forward", "reverse") if direction == "bidirectional" else (direction,)):
            functions = _activations(kind, activations, activation_alpha, activation_beta, i)
            if functions is None and (how.get("clip") or how.get("input_forget")):
                functions = [_FUNCTIONS[name] for name in _USUAL[kind]]
            made = _Direction(kind, [None if each is None else each[i] for each in (w, r, b, p)], how, functions)
            starts = [_start(each, i, layout, sequence, made.units) for each in ((h, c) if kind == "LSTM" else (h,))]
            turns, mask = one == "reverse", _mask(lengths, sequence.shape[1])
            found, last = made.run(_turned(sequence, turns), starts, _turned(mask, turns))
            every.append(_turned(found, turns))
            ends.append(last)
        joined = ops.stack(every, axis=2)  # (batch, time, directions, units)
        joined = joined if layout else ops.transpose(joined, (1, 2, 0, 3))
        states = [ops.stack(list(each), axis=1 if layout else 0) for each in zip(*ends)]
        return [as_type(made, x.dtype) for made in (joined, *states)][:outputs]

    return run


def _turned(x: Any, turns: bool) -> Any:
    return ops.flip(x, 1) if turns and x is not None else x


def _mask(lengths: Any, steps: int) -> Any:
    """Which steps count, (batch, time); None where all do."""
    if lengths is None or (lengths.__class__ is Known and (numbers(lengths) >= steps).all()):
        return None
    return ops.less(numpy.arange(steps)[None], ops.expand_dims(as_type(lengths, "int64"), 1))


def _start(states: Any, which: int, layout: int, sequence: Any, units: int) -> Any:
    if states is None:
        return ops.zeros((sequence.shape[0], units), str(sequence.dtype))
    return states[:, which] if layout else states[which]


NODES: dict[str, Callable[..., Any]] = {kind: _recurrent(kind) for kind in _GATES}
