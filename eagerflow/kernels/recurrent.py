"""Recurrent layers over time: LSTM, GRU and simple RNN, forward and backward through time.

Sequences are time-major here, (time, batch, features). `drive` is the input's share of the gates, with biases,
computed for all steps at once; the loops hold only what depends on the previous step. `mask` is
(time, batch, 1) of bools or None: where it is False the state stays.
"""

from __future__ import annotations

from typing import Any

from numpy import errstate

__all__ = ["gru", "gru_gradient", "lstm", "lstm_gradient", "simple_rnn", "simple_rnn_gradient"]


def _sigmoid(xp: Any, x: Any) -> Any:
    """The logistic function, in place."""
    xp.negative(x, out=x)
    xp.exp(x, out=x)
    x += 1
    return xp.divide(1, x, out=x)


def _kept(xp: Any, mask: Any, step: int, new: Any, old: Any) -> Any:
    return new if mask is None else xp.where(mask[step], new, old)


def _split_by_mask(mask: Any, step: int, g: Any) -> tuple[Any, Any]:
    """What of a state's gradient goes through the step, and what passes by."""
    if mask is None:
        return g, 0
    through = g * mask[step]
    return through, g - through


def lstm(xp: Any, drive: Any, h: Any, c: Any, recurrent: Any, mask: Any) -> tuple[Any, Any, Any]:
    """States `hs`, cells `cs` (time + 1, batch, units), the first of them initial, and gates (time, batch, 4 units).

    Gates lie in Keras' order: input, forget, candidate, output.
    """
    steps, batch, width = drive.shape
    units = width // 4
    hs, cs = (xp.empty((steps + 1, batch, units), drive.dtype) for _ in range(2))
    hs[0], cs[0] = h, c
    gates = drive.copy()
    with errstate(over="ignore"):
        for t in range(steps):
            a = gates[t]
            a += hs[t] @ recurrent
            _sigmoid(xp, a[:, : 2 * units])
            xp.tanh(a[:, 2 * units : 3 * units], out=a[:, 2 * units : 3 * units])
            _sigmoid(xp, a[:, 3 * units :])
            i, f, candidate, o = (a[:, k * units : (k + 1) * units] for k in range(4))
            new = f * cs[t] + i * candidate
            cs[t + 1] = _kept(xp, mask, t, new, cs[t])
            hs[t + 1] = _kept(xp, mask, t, o * xp.tanh(new), hs[t])
    return hs, cs, gates


def lstm_gradient(
    xp: Any, g_hs: Any, g_h: Any, g_c: Any, hs: Any, cs: Any, gates: Any, recurrent: Any, mask: Any
) -> tuple[Any, Any, Any]:
    """The gradients of `drive`, the initial state and the initial cell."""
    steps, units = gates.shape[0], recurrent.shape[0]
    back = xp.ascontiguousarray(recurrent.T)
    g_drive = xp.empty_like(gates)
    for t in range(steps - 1, -1, -1):
        g_h = g_h + g_hs[t]
        g_h, h_by = _split_by_mask(mask, t, g_h)
        g_c, c_by = _split_by_mask(mask, t, g_c)
        i, f, candidate, o = (gates[t][:, k * units : (k + 1) * units] for k in range(4))
        squashed = xp.tanh(f * cs[t] + i * candidate)
        g_c = g_c + g_h * o * (1 - squashed * squashed)
        d = g_drive[t]
        d[:, :units] = g_c * candidate * i * (1 - i)
        d[:, units : 2 * units] = g_c * cs[t] * f * (1 - f)
        d[:, 2 * units : 3 * units] = g_c * i * (1 - candidate * candidate)
        d[:, 3 * units :] = g_h * squashed * o * (1 - o)
        g_c = g_c * f + c_by
        g_h = d @ back + h_by
    return g_drive, g_h, g_c


def gru(
    xp: Any, drive: Any, h: Any, recurrent: Any, recurrent_bias: Any, reset_after: bool, mask: Any
) -> tuple[Any, Any, Any]:
    """States (time + 1, batch, units), gates (time, batch, 3 units), and what the reset gate multiplied.

    Gates lie in Keras' order: update, reset, candidate. With `reset_after` the reset gate multiplies the
    recurrent product (kept as `inner`), else the state that goes into it.
    """
    steps, batch, width = drive.shape
    units = width // 3
    hs = xp.empty((steps + 1, batch, units), drive.dtype)
    hs[0] = h
    gates = drive.copy()
    inner = xp.empty((steps, batch, units), drive.dtype)
    both, own = recurrent[:, : 2 * units], recurrent[:, 2 * units :]
    with errstate(over="ignore"):
        for t in range(steps):
            state, a = hs[t], gates[t]
            pair, candidate = a[:, : 2 * units], a[:, 2 * units :]
            if reset_after:
                product = state @ recurrent
                if recurrent_bias is not None:
                    product += recurrent_bias
                pair += product[:, : 2 * units]
                _sigmoid(xp, pair)
                inner[t] = product[:, 2 * units :]
                candidate += pair[:, units:] * inner[t]
            else:
                pair += state @ both
                _sigmoid(xp, pair)
                inner[t] = pair[:, units:] * state
                candidate += inner[t] @ own
            xp.tanh(candidate, out=candidate)
            z = pair[:, :units]
            hs[t + 1] = _kept(xp, mask, t, z * state + (1 - z) * candidate, state)
    return hs, gates, inner


def gru_gradient(
    xp: Any,
    g_hs: Any,
    g_h: Any,
    hs: Any,
    gates: Any,
    inner: Any,
    recurrent: Any,
    reset_after: bool,
    mask: Any,
) -> tuple[Any, Any, Any]:
    """The gradients of `drive`, of the recurrent product with its bias, and of the initial state."""
    steps, units = gates.shape[0], recurrent.shape[0]
    back = xp.ascontiguousarray(recurrent.T)
    g_drive, g_product = xp.empty_like(gates), xp.empty_like(gates)
    for t in range(steps - 1, -1, -1):
        g_h, by = _split_by_mask(mask, t, g_h + g_hs[t])
        z, r, candidate = (gates[t][:, k * units : (k + 1) * units] for k in range(3))
        d, p, state = g_drive[t], g_product[t], hs[t]
        d_candidate = g_h * (1 - z) * (1 - candidate * candidate)
        d[:, :units] = g_h * (state - candidate) * z * (1 - z)
        d[:, 2 * units :] = d_candidate
        before = g_h * z
        if reset_after:
            d[:, units : 2 * units] = d_candidate * inner[t] * r * (1 - r)
            p[:, : 2 * units] = d[:, : 2 * units]
            p[:, 2 * units :] = d_candidate * r
            g_h = before + p @ back + by
        else:
            d_inner = d_candidate @ back[2 * units :]
            d[:, units : 2 * units] = d_inner * state * r * (1 - r)
            p[...] = d
            g_h = before + d_inner * r + d[:, : 2 * units] @ back[: 2 * units] + by
    return g_drive, g_product, g_h


def simple_rnn(xp: Any, drive: Any, h: Any, recurrent: Any, mask: Any) -> Any:
    """States (time + 1, batch, units) of `h = tanh(drive + h @ recurrent)`."""
    hs = xp.empty((drive.shape[0] + 1, *drive.shape[1:]), drive.dtype)
    hs[0] = h
    for t in range(drive.shape[0]):
        hs[t + 1] = _kept(xp, mask, t, xp.tanh(drive[t] + hs[t] @ recurrent), hs[t])
    return hs


def simple_rnn_gradient(xp: Any, g_hs: Any, g_h: Any, hs: Any, recurrent: Any, mask: Any) -> tuple[Any, Any]:
    """The gradients of `drive` and the initial state."""
    back = xp.ascontiguousarray(recurrent.T)
    g_drive = xp.empty(g_hs.shape, g_hs.dtype)
    for t in range(g_hs.shape[0] - 1, -1, -1):
        g_h, by = _split_by_mask(mask, t, g_h + g_hs[t])
        xp.multiply(g_h, 1 - hs[t + 1] * hs[t + 1], out=g_drive[t])
        g_h = g_drive[t] @ back + by
    return g_drive, g_h
