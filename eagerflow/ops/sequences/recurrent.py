"""Recurrent layers over whole sequences, with tanh and sigmoid: one op each, with kernels for both directions.

Where other activations or dropout of the state are wanted, layers loop over a cell instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Array, Needs, Numpy
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.op import op
from eagerflow.ops.arrays.join import stack
from eagerflow.ops.elementwise.trigonometry import tanh
from eagerflow.ops.neural.activations import relu, sigmoid
from eagerflow.ops.sequences import recurrent_loops as loops

__all__ = ["gru", "lstm", "simple_rnn"]


def check(sequence: Any, state: Any, kernel: Any, recurrent_kernel: Any, mask: Any, gates: int) -> None:
    """Raise a ValueError where arrays of a layer don't fit together."""
    if sequence.ndim != 3:
        raise ValueError(f"sequence: expected (batch, time, features); got {signature_of(sequence)}.")
    units = recurrent_kernel.shape[0]
    expected = (
        ("kernel", kernel, (sequence.shape[2], gates * units)),
        ("recurrent_kernel", recurrent_kernel, (units, gates * units)),
        ("initial state", state, (sequence.shape[0], units)),
    )
    for name, array, shape in expected:
        if array.shape != shape:
            raise ValueError(f"{name}: expected shape {shape} for this sequence; got {signature_of(array)}.")
    if mask is not None and mask.shape != sequence.shape[:2]:
        raise ValueError(f"mask: expected shape {sequence.shape[:2]}; got {signature_of(mask)}.")


def _time_major(mask: Any) -> Any:
    """A mask (batch, time) as (time, batch, 1) of bools."""
    return None if mask is None else mask.astype(bool).T[..., None]


def _drive(sequence: Any, kernel: Any, bias: Any) -> Any:
    """The input's share of the gates at all steps, time-major."""
    batch, steps, features = sequence.shape
    product = sequence.swapaxes(0, 1).reshape(-1, features) @ kernel
    if bias is not None:
        product += bias
    return product.reshape(steps, batch, kernel.shape[1])


def _outputs(xp: Numpy, hs: Array, all_steps: bool) -> tuple[Any, Any]:
    """The states of all steps (of none, if they aren't wanted), batch-major, and the last one."""
    wanted = hs[1:] if all_steps else hs[:0]
    return xp.ascontiguousarray(wanted.swapaxes(0, 1)), hs[-1].copy()


def _input_gradients(g_drive: Any, sequence: Any, kernel: Any, needs: tuple[bool, bool]) -> tuple[Any, Any]:
    """The gradients of the sequence and of the kernel."""
    flat = g_drive.reshape(-1, g_drive.shape[-1])
    d_sequence = d_kernel = None
    if needs[0]:
        d_sequence = (flat @ kernel.T).reshape(*g_drive.shape[:2], kernel.shape[0]).swapaxes(0, 1)
    if needs[1]:
        d_kernel = sequence.swapaxes(0, 1).reshape(-1, sequence.shape[-1]).T @ flat
    return d_sequence, d_kernel


def _steps(sequence: Any, kernel: Any, bias: Any, mask: Any) -> list[tuple[Any, Any]]:
    """For the plain compositions: the drive of each step, and its mask."""
    drive = sequence @ kernel
    if bias is not None:
        drive = drive + bias
    live = [None] * sequence.shape[1] if mask is None else [mask[:, t, None] for t in range(mask.shape[1])]
    return [(drive[:, t], live[t]) for t in range(sequence.shape[1])]


def _mixed(live: Any, new: Any, old: Any) -> Any:
    if live is None:
        return new
    weight = live.astype(new.dtype)
    return new * weight + old * (1 - weight)


def _joined(states: list[Any], sequence: Any, kernel: Any, units: int, all_steps: bool) -> Any:
    """The states of all steps: (batch, time, units)."""
    if not all_steps:
        return (sequence @ kernel)[:, :0, :units]
    return stack(states, axis=1) if states else (sequence @ kernel)[:, :, :units]


def _lstm_by_steps(
    sequence: Any,
    initial_h: Any,
    initial_c: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    mask: Any,
    all_steps: bool = True,
    **_: Any,
) -> tuple[Any, ...]:
    h, c, states, units = initial_h, initial_c, [], recurrent_kernel.shape[0]
    for drive, live in _steps(sequence, kernel, bias, mask):
        a = drive + h @ recurrent_kernel
        i, f, candidate, o = (a[:, k * units : (k + 1) * units] for k in range(4))
        new = sigmoid(f) * c + sigmoid(i) * tanh(candidate)
        h, c = _mixed(live, sigmoid(o) * tanh(new), h), _mixed(live, new, c)
        states.append(h)
    return _joined(states, sequence, kernel, units, all_steps), h, c


def _lstm_rule(
    xp: Numpy,
    g: Sequence[Array],
    needs: Needs,
    sequence: Array,
    initial_h: Array,
    initial_c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    mask: Array | None,
    all_steps: bool,
    hs: Any,
    cs: Any,
    gates: Any,
) -> tuple[Any, ...]:
    g_all = g[0] if all_steps else None
    live = _time_major(mask)
    g_hs = xp.zeros_like(hs[1:]) if g_all is None else g_all.swapaxes(0, 1)
    d, d_h, d_c = loops.lstm_gradient(xp, g_hs, g[1], g[2], cs, gates, recurrent_kernel, live)
    d_sequence, d_kernel = _input_gradients(d, sequence, kernel, (needs[0], needs[3]))
    flat = d.reshape(-1, d.shape[-1])
    d_recurrent = hs[:-1].reshape(-1, hs.shape[-1]).T @ flat if needs[4] else None
    return d_sequence, d_h, d_c, d_kernel, d_recurrent, wide_sum(flat, 0) if needs[5] else None, None


@op(
    _lstm_rule,
    joint=True,
    reference=_lstm_by_steps,
    outputs=3,
    saves=("hs", "cs", "gates"),
    arrays=("sequence", "initial_h", "initial_c", "kernel", "recurrent_kernel", "bias", "mask"),
)
def lstm(
    xp: Numpy,
    sequence: Array,
    initial_h: Array,
    initial_c: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    all_steps: bool = True,
    *,
    keep: bool = False,
) -> Any:
    """Long short-term memory over a whole sequence, with sigmoid gates and tanh.

    Args:
        sequence: (batch, time, features).
        initial_h: the state to begin with, (batch, units).
        initial_c: the cell to begin with, (batch, units).
        kernel: (features, 4 units), the gates in Keras' order: input, forget, candidate, output.
        recurrent_kernel: (units, 4 units).
        bias: (4 units,) or None.
        mask: (batch, time) of bools or None; where False, state and cell stay.
        all_steps: whether the states of all steps are wanted; else the first result is (batch, 0, units).

    Returns:
        The states of all steps (batch, time, units), the last state, the last cell.

    Raises:
        ValueError: when shapes don't fit together.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.
    """
    check(sequence, initial_h, kernel, recurrent_kernel, mask, 4)
    drive = _drive(sequence, kernel, bias)
    hs, cs, gates = loops.lstm(xp, drive, initial_h, initial_c, recurrent_kernel, _time_major(mask))
    return (*_outputs(xp, hs, all_steps), cs[-1].copy()), hs, cs, gates


def _gru_by_steps(
    sequence: Any,
    initial_h: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    recurrent_bias: Any,
    mask: Any,
    reset_after: bool,
    all_steps: bool = True,
    **_: Any,
) -> tuple[Any, ...]:
    h, states, units = initial_h, [], recurrent_kernel.shape[0]
    for drive, live in _steps(sequence, kernel, bias, mask):
        if reset_after:
            product = h @ recurrent_kernel
            if recurrent_bias is not None:
                product = product + recurrent_bias
            pair = sigmoid(drive[:, : 2 * units] + product[:, : 2 * units])
            inner = pair[:, units:] * product[:, 2 * units :]
        else:
            pair = sigmoid(drive[:, : 2 * units] + h @ recurrent_kernel[:, : 2 * units])
            inner = (pair[:, units:] * h) @ recurrent_kernel[:, 2 * units :]
        z, candidate = pair[:, :units], tanh(drive[:, 2 * units :] + inner)
        h = _mixed(live, z * h + (1 - z) * candidate, h)
        states.append(h)
    return _joined(states, sequence, kernel, units, all_steps), h


def _gru_rule(
    xp: Numpy,
    g: Sequence[Array],
    needs: Needs,
    sequence: Array,
    initial_h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    mask: Array | None,
    reset_after: bool,
    all_steps: bool,
    hs: Any,
    gates: Any,
    inner: Any,
) -> tuple[Any, ...]:
    g_all = g[0] if all_steps else None
    live = _time_major(mask)
    g_hs = xp.zeros_like(hs[1:]) if g_all is None else g_all.swapaxes(0, 1)
    d, p, d_h = loops.gru_gradient(xp, g_hs, g[1], hs, gates, inner, recurrent_kernel, reset_after, live)
    d_sequence, d_kernel = _input_gradients(d, sequence, kernel, (needs[0], needs[2]))
    d_bias = wide_sum(d, (0, 1)) if needs[4] else None
    d_recurrent_bias = wide_sum(p, (0, 1)) if needs[5] else None
    d_recurrent = _gru_recurrent_gradient(xp, p, hs, inner, reset_after) if needs[3] else None
    return d_sequence, d_h, d_kernel, d_recurrent, d_bias, d_recurrent_bias, None


def _gru_recurrent_gradient(xp: Numpy, p: Any, hs: Array, inner: Any, reset_after: bool) -> Any:
    units = hs.shape[-1]
    states = hs[:-1].reshape(-1, units)
    flat = p.reshape(-1, 3 * units)
    if reset_after:
        return states.T @ flat
    own = inner.reshape(-1, units).T @ flat[:, 2 * units :]
    return xp.concatenate([states.T @ flat[:, : 2 * units], own], axis=1)


@op(
    _gru_rule,
    joint=True,
    reference=_gru_by_steps,
    outputs=2,
    saves=("hs", "gates", "inner"),
    arrays=("sequence", "initial_h", "kernel", "recurrent_kernel", "bias", "recurrent_bias", "mask"),
)
def gru(
    xp: Numpy,
    sequence: Array,
    initial_h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    recurrent_bias: Array | None = None,
    mask: Array | None = None,
    reset_after: bool = True,
    all_steps: bool = True,
) -> Any:
    """Gated recurrent units over a whole sequence, with sigmoid gates and tanh.

    Args:
        sequence: (batch, time, features).
        initial_h: the state to begin with, (batch, units).
        kernel: (features, 3 units), the gates in Keras' order: update, reset, candidate.
        recurrent_kernel: (units, 3 units).
        bias: (3 units,) or None.
        recurrent_bias: (3 units,) or None, added to the recurrent product; used with `reset_after` only.
        mask: (batch, time) of bools or None; where False, the state stays.
        reset_after: the reset gate multiplies the recurrent product (as in cuDNN), else the state before it.
        all_steps: whether the states of all steps are wanted; else the first result is (batch, 0, units).

    Returns:
        The states of all steps (batch, time, units), and the last state.

    Raises:
        ValueError: when shapes don't fit together.

    Source: Cho et al. 2014, https://arxiv.org/abs/1406.1078.
    """
    check(sequence, initial_h, kernel, recurrent_kernel, mask, 3)
    if recurrent_bias is not None and not reset_after:
        raise ValueError("recurrent_bias: expected None with reset_after=False, which has no place for it.")
    drive = _drive(sequence, kernel, bias)
    live = _time_major(mask)
    hs, gates, inner = loops.gru(xp, drive, initial_h, recurrent_kernel, recurrent_bias, reset_after, live)
    return _outputs(xp, hs, all_steps), hs, gates, inner


_ACTIVATIONS = {"tanh": tanh, "relu": relu, "sigmoid": sigmoid, "linear": lambda x: x}


def _simple_rnn_by_steps(
    sequence: Any,
    initial_h: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    mask: Any,
    all_steps: bool = True,
    activation: str = "tanh",
    **_: Any,
) -> tuple[Any, ...]:
    h, states, act = initial_h, [], _ACTIVATIONS[activation]
    for drive, live in _steps(sequence, kernel, bias, mask):
        h = _mixed(live, act(drive + h @ recurrent_kernel), h)
        states.append(h)
    return _joined(states, sequence, kernel, recurrent_kernel.shape[0], all_steps), h


def _simple_rnn_rule(
    xp: Numpy,
    g: Sequence[Array],
    needs: Needs,
    sequence: Array,
    kernel: Array,
    recurrent_kernel: Array,
    mask: Array | None,
    all_steps: bool,
    activation: str,
    hs: Any,
) -> tuple[Any, ...]:
    live = _time_major(mask)
    g_hs = g[0].swapaxes(0, 1) if all_steps else xp.zeros_like(hs[1:])
    d, d_h = loops.simple_rnn_gradient(xp, g_hs, g[1], hs, recurrent_kernel, live, activation)
    d_sequence, d_kernel = _input_gradients(d, sequence, kernel, (needs[0], needs[2]))
    flat = d.reshape(-1, d.shape[-1])
    d_recurrent = hs[:-1].reshape(-1, hs.shape[-1]).T @ flat if needs[3] else None
    return d_sequence, d_h, d_kernel, d_recurrent, wide_sum(flat, 0) if needs[4] else None, None


@op(
    _simple_rnn_rule,
    joint=True,
    reference=_simple_rnn_by_steps,
    outputs=2,
    saves=("hs",),
    arrays=("sequence", "initial_h", "kernel", "recurrent_kernel", "bias", "mask"),
)
def simple_rnn(
    xp: Numpy,
    sequence: Array,
    initial_h: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    all_steps: bool = True,
    activation: str = "tanh",
) -> Any:
    """`h = activation(x @ kernel + h @ recurrent_kernel + bias)` over a whole sequence.

    Args:
        sequence: (batch, time, features).
        initial_h: the state to begin with, (batch, units).
        kernel: (features, units).
        recurrent_kernel: (units, units).
        bias: (units,) or None.
        mask: (batch, time) of bools or None; where False, the state stays.
        all_steps: whether the states of all steps are wanted; else the first result is (batch, 0, units).
        activation: `"tanh"`, `"relu"`, `"sigmoid"` or `"linear"`.

    Returns:
        The states of all steps (batch, time, units), and the last state.

    Raises:
        ValueError: when shapes don't fit together.
    """
    check(sequence, initial_h, kernel, recurrent_kernel, mask, 1)
    drive = _drive(sequence, kernel, bias)
    hs = loops.simple_rnn(xp, drive, initial_h, recurrent_kernel, _time_major(mask), activation)
    return _outputs(xp, hs, all_steps), hs
