"""Recurrent layers over whole sequences, one or the two of a `Bidirectional` in one loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.recurrent import gru as gru_kernel, lstm as lstm_kernel
from eagerflow.kernels.recurrent.gru_gradient import gru_gradient
from eagerflow.kernels.recurrent.lstm_gradient import lstm_gradient
from eagerflow.kernels.recurrent.sequences import batch_first
from eagerflow.kernels.recurrent.step_product import columns, pays_side_by_side, side_by_side
from eagerflow.ops.sequences.recurrent import check, gru, lstm
from eagerflow.ops.sequences.recurrent_pairs import check_pair, gru_pair, lstm_pair

__all__ = ["of_both"]

# The kernels take the op's arguments by position: its arrays, which are a layer's, in its order, and its settings.


def _lstm_outputs(trace: lstm_kernel.Trace, all_steps: bool, number: int = 0, count: int = 1) -> tuple[Any, Any, Any]:
    """The states of all steps (or none), the last state and the last cell of one layer of some side by side."""
    parts = trace.strips()
    _, units, width = parts[0].squashed.shape
    cut = columns(count, width // count)[number]
    found = batch_first([part.inputs[1 : None if all_steps else 1, :units, cut] for part in parts], 0.5)
    last = side_by_side([part.inputs[-1, :units, cut] for part in parts]) * 0.5
    return found, last.T.copy(), side_by_side([part.gates[-1, 4 * units :, cut] for part in parts]).T.copy()


def _gru_outputs(trace: gru_kernel.Trace, all_steps: bool, number: int = 0, count: int = 1) -> tuple[Any, Any]:
    """The states of all steps (or none) and the last state of one layer of some side by side."""
    parts = trace.strips()
    cut = columns(count, parts[0].states.shape[2] // count)[number]
    found = batch_first([part.states[1 : None if all_steps else 1, :-1, cut] for part in parts])
    return found, side_by_side([part.states[-1, :-1, cut] for part in parts]).T.copy()


def _check(gates: int, *layers: lstm_kernel.Layer | gru_kernel.Layer) -> None:
    first, *others = [(layer.x, layer.h, layer.kernel, layer.recurrent, layer.mask) for layer in layers]
    if others:
        check_pair(first, others[0], gates)
    else:
        check(*first, gates)


def of_both(arrays: Sequence[Any], needed: int) -> tuple[list[Any], list[Any]]:
    """The arguments of each layer of a pair: required arrays, then those that may be None.

    Args:
        arrays: of the first and second layer those that are needed, then of both the others.
        needed: how many a layer needs.
    """
    others = len(arrays) // 2 - needed
    first, second = [arrays[i * needed : (i + 1) * needed] for i in range(2)]
    rest = arrays[2 * needed :]
    return [*first, *rest[:others]], [*second, *rest[others:]]


def _lstm(*arguments: Any, keep: bool) -> Any:
    *arrays, all_steps = arguments
    layer = lstm_kernel.Layer(*arrays)
    _check(4, layer)
    trace = lstm_kernel.lstm([layer], keep)
    return _lstm_outputs(trace, all_steps), trace.inputs, trace.squashed, trace.gates


def _lstm_gradients(
    g: Any,
    sequence: Any,
    initial_h: Any,
    initial_c: Any,
    kernel: Any,
    recurrent_kernel: Any,
    mask: Any,
    all_steps: bool,
    hs: Any,
    cs: Any,
    gates: Any,
) -> tuple[Any, ...]:
    layer = lstm_kernel.Layer(sequence, initial_h, initial_c, kernel, recurrent_kernel, None, mask)
    g_states = [g[0] if all_steps else None]
    return *lstm_gradient(g_states, [g[1]], [g[2]], [layer], lstm_kernel.Trace(hs, gates, cs))[0], None


lower(lstm, _lstm)
lower_rule(lstm, _lstm_gradients)


def _gru(*arguments: Any) -> Any:
    *arrays, reset_after, all_steps = arguments
    if not reset_after:
        return None
    layer = gru_kernel.Layer(*arrays)
    _check(3, layer)
    trace = gru_kernel.gru([layer])
    return _gru_outputs(trace, all_steps), *trace, trace.gates[:0]


def _gru_gradients(
    g: Any,
    sequence: Any,
    initial_h: Any,
    kernel: Any,
    recurrent_kernel: Any,
    mask: Any,
    reset_after: bool,
    all_steps: bool,
    hs: Any,
    gates: Any,
) -> Any:
    if not reset_after:
        return None
    layer = gru_kernel.Layer(sequence, initial_h, kernel, recurrent_kernel, mask=mask)
    return *gru_gradient([g[0] if all_steps else None], [g[1]], [layer], gru_kernel.Trace(hs, gates))[0], None


lower(gru, _gru)
lower_rule(gru, _gru_gradients)


def _pair(layers: list[Any], run: Any, outputs: Any, all_steps: bool) -> Any:
    """Two layers in one loop, or one after the other: their outputs, and what is kept for gradients."""
    if pays_side_by_side(len(layers[0].recurrent), len(layers[0].x)):
        trace = run(layers)
        found, behind = (outputs(trace, all_steps, number, 2) for number in range(2))
        return (*found, *behind), (trace,)
    traces = tuple([run([layer]) for layer in layers])
    found, behind = (outputs(trace, all_steps) for trace in traces)
    return (*found, *behind), traces


def _pair_gradients(gradient: Any, arriving: Any, layers: list[Any], traces: Any) -> Any:
    """The gradients of both layers; `arriving` are those of their states, last states and, of an LSTM, last cells."""
    if len(traces) == 1:
        return gradient(*arriving, layers, traces[0])
    return [
        gradient(*[[each] for each in of_layer], [layer], trace)[0]
        for *of_layer, layer, trace in zip(*arriving, layers, traces)
    ]


def _lstm_pair(*arguments: Any, keep: bool) -> Any:
    *arrays, all_steps = arguments
    layers = [lstm_kernel.Layer(*each) for each in of_both(arrays, 5)]
    _check(4, *layers)
    return _pair(layers, partial(lstm_kernel.lstm, keep=keep), _lstm_outputs, all_steps)


def _lstm_pair_gradients(
    g: Any,
    sequence: Any,
    initial_h: Any,
    initial_c: Any,
    kernel: Any,
    recurrent_kernel: Any,
    other_sequence: Any,
    other_h: Any,
    other_c: Any,
    other_kernel: Any,
    other_recurrent: Any,
    mask: Any,
    other_mask: Any,
    all_steps: bool,
    traces: Any,
) -> tuple[Any, ...]:
    layers = [
        lstm_kernel.Layer(sequence, initial_h, initial_c, kernel, recurrent_kernel, mask=mask),
        lstm_kernel.Layer(other_sequence, other_h, other_c, other_kernel, other_recurrent, mask=other_mask),
    ]
    g_states = [g[0], g[3]] if all_steps else [None, None]
    arriving = g_states, [g[1], g[4]], [g[2], g[5]]
    found, behind = _pair_gradients(lstm_gradient, arriving, layers, traces)
    return *found[:5], *behind[:5], found[5], None, behind[5], None


lower(lstm_pair, _lstm_pair)
lower_rule(lstm_pair, _lstm_pair_gradients)


def _gru_pair(*arguments: Any) -> Any:
    *arrays, all_steps = arguments
    layers = [gru_kernel.Layer(*each) for each in of_both(arrays, 4)]
    _check(3, *layers)
    return _pair(layers, gru_kernel.gru, _gru_outputs, all_steps)


def _gru_pair_gradients(
    g: Any,
    sequence: Any,
    initial_h: Any,
    kernel: Any,
    recurrent_kernel: Any,
    other_sequence: Any,
    other_h: Any,
    other_kernel: Any,
    other_recurrent: Any,
    mask: Any,
    other_mask: Any,
    all_steps: bool,
    traces: Any,
) -> tuple[Any, ...]:
    layers = [
        gru_kernel.Layer(sequence, initial_h, kernel, recurrent_kernel, mask=mask),
        gru_kernel.Layer(other_sequence, other_h, other_kernel, other_recurrent, mask=other_mask),
    ]
    arriving = [g[0], g[2]] if all_steps else [None, None], [g[1], g[3]]
    found, behind = _pair_gradients(gru_gradient, arriving, layers, traces)
    return *found[:4], *behind[:4], *found[4:6], None, *behind[4:6], None


lower(gru_pair, _gru_pair)
lower_rule(gru_pair, _gru_pair_gradients)
