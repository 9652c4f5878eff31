"""LSTM, GRU and RNN by our own ops, with the functions that these have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.values import Known, as_type, numbers
from eagerflow.ops.sequences.recurrent import gru, lstm, simple_rnn

__all__ = ["NODES"]

_USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
_ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}  # where our gates stand among theirs
_OF_RNN = {"Tanh": "tanh", "Relu": "relu", "Sigmoid": "sigmoid"}


def _sorted(kind: str, array: Any) -> Any:
    """The transposed rows of gates, in our order."""
    order = _ORDER[kind]
    if order == tuple(range(len(order))):
        return ops.transpose(array)
    parts = ops.split(array, len(order), axis=0)
    return ops.transpose(ops.concatenate([parts[i] for i in order], axis=0))


def _direction(
    kind: str, x: Any, states: list[Any], mask: Any, weights: Sequence[Any], activation: str, after: bool
) -> tuple[Any, list[Any]]:
    """All states, (batch, time, units), and the last ones; `x`: (batch, time, features), `mask`: what counts."""
    kernel, recurrent = (_sorted(kind, each) for each in weights[:2])
    halves = [None, None] if weights[2] is None else ops.split(weights[2], 2, axis=0)
    first, second = (None if each is None else _sorted(kind, each) for each in halves)
    if first is not None and not (kind == "GRU" and after):
        first, second = ops.add(first, second), None
    if kind == "GRU":
        made: Any = gru(x, states[0], kernel, recurrent, first, second, mask, after)
    elif kind == "LSTM":
        made = lstm(x, states[0], states[1], kernel, recurrent, first, mask)
    else:
        made = simple_rnn(x, states[0], kernel, recurrent, first, mask, activation=activation)
    every = made[0] if mask is None else ops.where(ops.expand_dims(mask, 2), made[0], ops.zeros_like(made[0]))
    return every, list(made[1:])


def _activation(kind: str, names: Any, alphas: Any, betas: Any, which: int) -> str:
    """The function of one direction of an RNN; gates have the usual ones.

    Raises:
        ValueError: for others.
    """
    count = len(_USUAL[kind])
    own = tuple(names[which * count : (which + 1) * count]) if names else _USUAL[kind]
    if own == _USUAL[kind]:
        return "tanh"
    if kind == "RNN" and own[0] in _OF_RNN:
        return _OF_RNN[own[0]]
    # Without numbers runtimes take other ones than the specification.
    if kind == "RNN" and own == ("Affine",) and {*(alphas or ())} == {1.0} and {*(betas or ())} == {0.0}:
        return "linear"
    raise ValueError(f"the activations {', '.join(own)!r:.60} aren't known here; {', '.join(_USUAL[kind])} are.")


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
        clip: float = 0.0,
        input_forget: int = 0,
        linear_before_reset: int = 0,
        output_sequence: int = 0,
        outputs: int = 1,
    ) -> Any:
        if direction not in ("forward", "reverse", "bidirectional"):
            raise ValueError(f"direction={direction!r:.40}.")
        if p is not None or clip or input_forget:
            raise ValueError("peepholes, clip and input_forget aren't known here.")
        sequence = x if layout else ops.transpose(x, (1, 0, 2))
        every, ends = [], list[list[Any]]()
        for i, one in enumerate(("forward", "reverse") if direction == "bidirectional" else (direction,)):
            activation = _activation(kind, activations, activation_alpha, activation_beta, i)
            weights = [None if each is None else each[i] for each in (w, r, b)]
            starts = [_start(s, i, layout, sequence, r.shape[-1]) for s in ((h, c) if kind == "LSTM" else (h,))]
            turns, mask = one == "reverse", _mask(lengths, sequence.shape[1])
            given = _turned(sequence, turns), starts, _turned(mask, turns)
            found, last = _direction(kind, *given, weights, activation, bool(linear_before_reset))
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


NODES: dict[str, Callable[..., Any]] = {kind: _recurrent(kind) for kind in _USUAL}
