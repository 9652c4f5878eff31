"""Recurrent layers over time: LSTM, GRU and simple RNN, forward and backward through time.

Sequences are time-major here, (time, batch, features). `drive` is the input's share of the gates, with biases,
computed for all steps at once. The loops hold only what depends on the step before: what else a gradient
needs is computed before them, for all steps at once. `mask` is (time, batch, 1) of bools or None: where it is
False the state stays.

Sigmoids are written as `(tanh(x / 2) + 1) / 2`: NumPy's tanh is fast, and one call then serves all gates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base.typing import Array, DType, Numpy

__all__ = ["SLOPES", "gru", "gru_gradient", "lstm", "lstm_gradient", "simple_rnn", "simple_rnn_gradient"]

# Activations of the simple RNN: their derivatives, from what they gave.
SLOPES: dict[str, Callable[[Numpy, Any], Any]] = {
    "tanh": lambda xp, y: 1 - y * y,
    "relu": lambda xp, y: (y > 0).astype(y.dtype),
    "sigmoid": lambda xp, y: y * (1 - y),
    "linear": lambda xp, y: xp.ones_like(y),
}


def _split_by_mask(mask: Any, step: int, g: Any) -> tuple[Any, Any]:
    """What of a state's gradient goes through the step, and what passes by."""
    if mask is None:
        return g, 0
    through = g * mask[step]
    return through, g - through


def _keep_where_masked(xp: Numpy, mask: Any, step: int, states: Any) -> None:
    """Put the old state back where the mask is False."""
    if mask is not None:
        states[step + 1] = xp.where(mask[step], states[step + 1], states[step])


def _begun(xp: Numpy, state: Array, drive: Array, units: int) -> Any:
    """Room for the states of all steps, with the initial one in front."""
    states = xp.empty((drive.shape[0] + 1, drive.shape[1], units), drive.dtype)
    states[0] = state
    return states


def _halves(xp: Numpy, units: int, gates: int, dtype: DType) -> Any:
    """For each column 1/2 where the gate is a sigmoid, 1 for the third, the candidate, which is a tanh."""
    half = xp.full(gates * units, 0.5, dtype)
    half[2 * units : 3 * units] = 1
    return half


def _in_gates(x: Any, gates: int) -> Any:
    """The last axis split into gates and units."""
    return x.reshape(*x.shape[:-1], gates, x.shape[-1] // gates)


def lstm(xp: Numpy, drive: Array, h: Array, c: Array, recurrent: Array, mask: Any) -> tuple[Any, Any, Any]:
    """States `hs`, cells `cs` (time + 1, batch, units), the first of them initial, and gates (time, batch, 4 units).

    Gates lie in Keras' order: input, forget, candidate, output.
    """
    units = recurrent.shape[0]
    hs, cs = _begun(xp, h, drive, units), _begun(xp, c, drive, units)
    half = _halves(xp, units, 4, drive.dtype)
    shift = 1 - half
    gates, recurrent = drive * half, recurrent * half
    split = _in_gates(gates, 4)
    for t in range(drive.shape[0]):
        a, parts, cell, state = gates[t], split[t], cs[t + 1], hs[t + 1]
        a += hs[t] @ recurrent
        xp.tanh(a, out=a)
        a *= half
        a += shift
        xp.multiply(parts[:, 1], cs[t], out=cell)
        cell += parts[:, 0] * parts[:, 2]
        xp.tanh(cell, out=state)
        state *= parts[:, 3]
        _keep_where_masked(xp, mask, t, hs)
        _keep_where_masked(xp, mask, t, cs)
    return hs, cs, gates


def lstm_gradient(
    xp: Numpy, g_hs: Array, g_h: Array, g_c: Array, cs: Array, gates: Array, recurrent: Array, mask: Any
) -> tuple[Any, Any, Any]:
    """The gradients of `drive`, the initial state and the initial cell."""
    back = xp.ascontiguousarray(recurrent.T)
    i, f, candidate, o = (_in_gates(gates, 4)[:, :, k] for k in range(4))
    squashed = xp.tanh(cs[1:])
    to_cell = o * (1 - squashed * squashed)
    g_drive = xp.empty_like(gates)
    split = _in_gates(g_drive, 4)  # first the slopes of the gates, then, step by step, times what arrives
    split[:, :, 0] = candidate * i * (1 - i)
    split[:, :, 1] = cs[:-1] * f * (1 - f)
    split[:, :, 2] = i * (1 - candidate * candidate)
    split[:, :, 3] = squashed * o * (1 - o)
    for t in range(gates.shape[0] - 1, -1, -1):
        g_h, h_by = _split_by_mask(mask, t, g_h + g_hs[t])
        g_c, c_by = _split_by_mask(mask, t, g_c)
        g_c = g_c + g_h * to_cell[t]
        split[t][:, :3] *= g_c[:, None]
        split[t][:, 3] *= g_h
        g_c = g_c * f[t] + c_by
        g_h = g_drive[t] @ back + h_by
    return g_drive, g_h, g_c


def gru(
    xp: Numpy, drive: Array, h: Array, recurrent: Array, recurrent_bias: Any, reset_after: bool, mask: Any
) -> tuple[Any, Any, Any]:
    """States (time + 1, batch, units), gates (time, batch, 3 units), and what the reset gate multiplied.

    Gates lie in Keras' order: update, reset, candidate. With `reset_after` the reset gate multiplies the
    recurrent product (kept as `inner`), else the state that goes into it (then `inner` is their product).
    """
    units = recurrent.shape[0]
    hs = _begun(xp, h, drive, units)
    half = _halves(xp, units, 3, drive.dtype)
    gates, recurrent = drive * half, recurrent * half
    bias = None if recurrent_bias is None else recurrent_bias * half
    split, inner = _in_gates(gates, 3), xp.empty(hs[1:].shape, hs.dtype)
    step = _reset_after if reset_after else _reset_before
    for t in range(drive.shape[0]):
        state, pair, candidate = hs[t], gates[t][:, : 2 * units], split[t][:, 2]
        step(xp, state, pair, candidate, recurrent, bias, inner[t])
        xp.tanh(candidate, out=candidate)
        xp.subtract(state, candidate, out=hs[t + 1])
        hs[t + 1] *= split[t][:, 0]
        hs[t + 1] += candidate
        _keep_where_masked(xp, mask, t, hs)
    return hs, gates, inner


def _sigmoid_of_halves(xp: Numpy, x: Array) -> None:
    """In place, from x / 2."""
    xp.tanh(x, out=x)
    x *= 0.5
    x += 0.5


def _reset_after(xp: Numpy, state: Array, pair: Any, candidate: Array, recurrent: Array, bias: Any, inner: Any) -> None:
    """Fill in the gates and the candidate of one step."""
    units = state.shape[-1]
    product = state @ recurrent
    if bias is not None:
        product += bias
    pair += product[:, : 2 * units]
    _sigmoid_of_halves(xp, pair)
    inner[...] = product[:, 2 * units :]
    candidate += pair[:, units:] * inner


def _reset_before(
    xp: Numpy, state: Array, pair: Any, candidate: Array, recurrent: Array, bias: Any, inner: Any
) -> None:
    """The same, with the state reset before the product."""
    units = state.shape[-1]
    pair += state @ recurrent[:, : 2 * units]
    _sigmoid_of_halves(xp, pair)
    xp.multiply(pair[:, units:], state, out=inner)
    candidate += inner @ recurrent[:, 2 * units :]


def gru_gradient(
    xp: Numpy,
    g_hs: Array,
    g_h: Array,
    hs: Array,
    gates: Array,
    inner: Any,
    recurrent: Array,
    reset_after: bool,
    mask: Any,
) -> tuple[Any, Any, Any]:
    """The gradients of `drive`, of the recurrent product with its bias, and of the initial state."""
    units = recurrent.shape[0]
    back = xp.ascontiguousarray(recurrent.T)
    z, r, candidate = (_in_gates(gates, 3)[:, :, k] for k in range(3))
    slopes = xp.empty((*z.shape[:2], 3, units), gates.dtype)
    slopes[:, :, 0] = (hs[:-1] - candidate) * z * (1 - z)
    slopes[:, :, 1] = (inner if reset_after else hs[:-1]) * r * (1 - r)
    slopes[:, :, 2] = (1 - z) * (1 - candidate * candidate)
    g_drive = xp.empty_like(gates)
    g_product = xp.empty_like(gates) if reset_after else g_drive
    for t in range(gates.shape[0] - 1, -1, -1):
        g_h, by = _split_by_mask(mask, t, g_h + g_hs[t])
        d, p = g_drive[t], g_product[t]
        xp.multiply(g_h, slopes[t, :, 0], out=d[:, :units])
        d_candidate = xp.multiply(g_h, slopes[t, :, 2], out=d[:, 2 * units :])
        if reset_after:
            xp.multiply(d_candidate, slopes[t, :, 1], out=d[:, units : 2 * units])
            p[:, : 2 * units] = d[:, : 2 * units]
            xp.multiply(d_candidate, r[t], out=p[:, 2 * units :])
            g_h = g_h * z[t] + p @ back + by
        else:
            d_inner = d_candidate @ back[2 * units :]
            xp.multiply(d_inner, slopes[t, :, 1], out=d[:, units : 2 * units])
            g_h = g_h * z[t] + d_inner * r[t] + d[:, : 2 * units] @ back[: 2 * units] + by
    return g_drive, g_product, g_h


def _activate(xp: Numpy, activation: str, x: Any) -> None:
    """Apply it in place."""
    if activation == "tanh":
        xp.tanh(x, out=x)
    elif activation == "relu":
        xp.maximum(x, 0, out=x)
    elif activation == "sigmoid":
        x *= 0.5
        xp.tanh(x, out=x)
        x += 1
        x *= 0.5


def simple_rnn(xp: Numpy, drive: Array, h: Array, recurrent: Array, mask: Any, activation: str = "tanh") -> Any:
    """States (time + 1, batch, units) of `h = activation(drive + h @ recurrent)`."""
    hs = _begun(xp, h, drive, recurrent.shape[0])
    for t in range(drive.shape[0]):
        state = hs[t + 1]
        xp.add(drive[t], hs[t] @ recurrent, out=state)
        _activate(xp, activation, state)
        _keep_where_masked(xp, mask, t, hs)
    return hs


def simple_rnn_gradient(
    xp: Numpy, g_hs: Array, g_h: Array, hs: Array, recurrent: Array, mask: Any, activation: str = "tanh"
) -> tuple[Any, Any]:
    """The gradients of `drive` and the initial state."""
    back = xp.ascontiguousarray(recurrent.T)
    g_drive = SLOPES[activation](xp, hs[1:])
    for t in range(g_hs.shape[0] - 1, -1, -1):
        g_h, by = _split_by_mask(mask, t, g_h + g_hs[t])
        g_drive[t] *= g_h
        g_h = g_drive[t] @ back + by
    return g_drive, g_h
