"""Recurrent layers on a GPU: one launch for all steps, where a layer isn't too wide for it."""

from __future__ import annotations

from typing import Any

from eagerflow.core.device import load_cupy
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.gpu import recurrent as kernels
from eagerflow.kernels.gpu.epilogue import finish
from eagerflow.kernels.gpu.products import product
from eagerflow.lowerings.recurrent import of_both
from eagerflow.ops.sequences.recurrent import check, gru, lstm, simple_rnn
from eagerflow.ops.sequences.recurrent_pairs import check_pair, gru_pair, lstm_pair

__all__: list[str] = []


def _time_major(mask: Any) -> Any:
    return None if mask is None else mask.astype(bool).T


def _product(a: Any, b: Any) -> Any:
    """`a @ b`, by CuPy where cuBLAS can't be called directly."""
    found = product(a, b)
    return a @ b if found is None else found


def _drive(sequence: Any, kernel: Any, bias: Any) -> Any:
    """The input's share of the gates at all steps, time-major."""
    batch, steps, features = sequence.shape
    found = _product(sequence.swapaxes(0, 1).reshape(-1, features), kernel)
    if bias is not None:
        finish(found, bias, False)
    return found.reshape(steps, batch, kernel.shape[1])


def _outputs(hs: Any, all_steps: bool) -> tuple[Any, Any]:
    """The states of all steps (of none, if they aren't wanted), batch-major, and the last one."""
    wanted = hs[1:] if all_steps else hs[:0]
    return load_cupy().ascontiguousarray(wanted.swapaxes(0, 1)), hs[-1].copy()


def _of_inputs(d: Any, sequence: Any, kernel: Any, of_sequence: bool, of_kernel: bool) -> tuple[Any, Any]:
    """The gradients of the sequence and of the kernel."""
    flat = d.reshape(-1, d.shape[-1])
    d_sequence = d_kernel = None
    if of_sequence:
        d_sequence = _product(flat, kernel.T).reshape(*d.shape[:2], kernel.shape[0]).swapaxes(0, 1)
    if of_kernel:
        d_kernel = _product(sequence.swapaxes(0, 1).reshape(-1, sequence.shape[-1]).T, flat)
    return d_sequence, d_kernel


def _of_recurrent(hs: Any, d: Any) -> Any:
    return _product(hs[:-1].reshape(-1, hs.shape[-1]).T, d.reshape(-1, d.shape[-1]))


def _lstm(*arguments: Any, keep: bool = False) -> Any:
    sequence, initial_h, initial_c, kernel, recurrent_kernel, bias, mask, all_steps = arguments
    check(sequence, initial_h, kernel, recurrent_kernel, mask, 4)
    if not kernels.takes(recurrent_kernel, sequence, initial_h, initial_c, kernel, bias):
        return None
    drive = _drive(sequence, kernel, bias)
    hs, cs, gates = kernels.lstm(drive, initial_h, initial_c, recurrent_kernel, _time_major(mask))
    return (*_outputs(hs, all_steps), cs[-1].copy()), hs, cs, gates


def _lstm_gradients(
    g: Any,
    needs: Any,
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
) -> Any:
    if not kernels.takes(recurrent_kernel, sequence, kernel, gates, *g[1:]):
        return None
    g_hs = g[0].swapaxes(0, 1) if all_steps else None
    d, d_h, d_c = kernels.lstm_gradient(g_hs, g[1], g[2], cs, gates, recurrent_kernel, _time_major(mask))
    d_sequence, d_kernel = _of_inputs(d, sequence, kernel, needs[0], needs[3])
    d_recurrent = _of_recurrent(hs, d) if needs[4] else None
    d_bias = wide_sum(d.reshape(-1, d.shape[-1]), 0) if needs[5] else None
    return d_sequence, d_h, d_c, d_kernel, d_recurrent, d_bias, None


lower(lstm, _lstm, device="gpu")
lower_rule(lstm, _lstm_gradients, device="gpu")


def _gru(*arguments: Any) -> Any:
    sequence, initial_h, kernel, recurrent_kernel, bias, recurrent_bias, mask, reset_after, all_steps = arguments
    check(sequence, initial_h, kernel, recurrent_kernel, mask, 3)
    if not reset_after or not kernels.takes(recurrent_kernel, sequence, initial_h, kernel, bias, recurrent_bias):
        return None
    drive = _drive(sequence, kernel, bias)
    hs, gates, inner = kernels.gru(drive, initial_h, recurrent_kernel, recurrent_bias, _time_major(mask))
    return _outputs(hs, all_steps), hs, gates, inner


def _gru_gradients(
    g: Any,
    needs: Any,
    sequence: Any,
    initial_h: Any,
    kernel: Any,
    recurrent_kernel: Any,
    mask: Any,
    reset_after: bool,
    all_steps: bool,
    hs: Any,
    gates: Any,
    inner: Any,
) -> Any:
    if not reset_after or not kernels.takes(recurrent_kernel, sequence, kernel, gates, g[1]):
        return None
    g_hs = g[0].swapaxes(0, 1) if all_steps else None
    d, p, d_h = kernels.gru_gradient(g_hs, g[1], hs, gates, inner, recurrent_kernel, _time_major(mask))
    d_sequence, d_kernel = _of_inputs(d, sequence, kernel, needs[0], needs[2])
    d_recurrent = _of_recurrent(hs, p) if needs[3] else None
    d_bias = wide_sum(d, (0, 1)) if needs[4] else None
    return d_sequence, d_h, d_kernel, d_recurrent, d_bias, wide_sum(p, (0, 1)) if needs[5] else None, None


lower(gru, _gru, device="gpu")
lower_rule(gru, _gru_gradients, device="gpu")


def _simple_rnn(*arguments: Any) -> Any:
    sequence, initial_h, kernel, recurrent_kernel, bias, mask, all_steps, activation = arguments
    check(sequence, initial_h, kernel, recurrent_kernel, mask, 1)
    if activation != "tanh" or not kernels.takes(recurrent_kernel, sequence, initial_h, kernel, bias):
        return None
    hs = kernels.simple_rnn(_drive(sequence, kernel, bias), initial_h, recurrent_kernel, _time_major(mask))
    return _outputs(hs, all_steps), hs


def _simple_rnn_gradients(
    g: Any,
    needs: Any,
    sequence: Any,
    kernel: Any,
    recurrent_kernel: Any,
    mask: Any,
    all_steps: bool,
    activation: str,
    hs: Any,
) -> Any:
    if activation != "tanh" or not kernels.takes(recurrent_kernel, sequence, kernel, hs, g[1]):
        return None
    g_hs = g[0].swapaxes(0, 1) if all_steps else None
    d, d_h = kernels.simple_rnn_gradient(g_hs, g[1], hs, recurrent_kernel, _time_major(mask))
    d_sequence, d_kernel = _of_inputs(d, sequence, kernel, needs[0], needs[2])
    d_recurrent = _of_recurrent(hs, d) if needs[3] else None
    d_bias = wide_sum(d.reshape(-1, d.shape[-1]), 0) if needs[4] else None
    return d_sequence, d_h, d_kernel, d_recurrent, d_bias, None


lower(simple_rnn, _simple_rnn, device="gpu")
lower_rule(simple_rnn, _simple_rnn_gradients, device="gpu")


def _pair(arguments: Any, needed: int, gates: int, forward: Any, *settings: Any) -> Any:
    """Two layers, one after the other."""
    *arrays, all_steps = arguments
    layers = of_both(arrays, needed)
    first, second = [(*each[:2], *each[needed - 2 : needed], each[6]) for each in layers]
    check_pair(first, second, gates)
    found, behind = (forward(*each, *settings, all_steps) for each in layers)
    if found is None or behind is None:
        return None
    return (*found[0], *behind[0]), (found[1:], behind[1:])


def _lstm_pair_gradients(
    g: Any,
    needs: Any,
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
) -> Any:
    one = sequence, initial_h, initial_c, kernel, recurrent_kernel
    other = other_sequence, other_h, other_c, other_kernel, other_recurrent
    of_one, of_other = (*needs[:5], needs[10]), (*needs[5:10], needs[12])
    found = _lstm_gradients(g[:3], of_one, *one, mask, all_steps, *traces[0])
    behind = _lstm_gradients(g[3:], of_other, *other, other_mask, all_steps, *traces[1])
    if found is None or behind is None:
        return None
    return *found[:5], *behind[:5], found[5], None, behind[5], None


lower(lstm_pair, lambda *arguments, keep: _pair(arguments, 5, 4, _lstm), device="gpu")
lower_rule(lstm_pair, _lstm_pair_gradients, device="gpu")


def _gru_pair_gradients(
    g: Any,
    needs: Any,
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
) -> Any:
    one = sequence, initial_h, kernel, recurrent_kernel
    other = other_sequence, other_h, other_kernel, other_recurrent
    of_one, of_other = (*needs[:4], *needs[8:10]), (*needs[4:8], *needs[11:13])
    found = _gru_gradients(g[:2], of_one, *one, mask, True, all_steps, *traces[0])
    behind = _gru_gradients(g[2:], of_other, *other, other_mask, True, all_steps, *traces[1])
    if found is None or behind is None:
        return None
    return *found[:4], *behind[:4], *found[4:6], None, *behind[4:6], None


lower(gru_pair, lambda *arguments: _pair(arguments, 4, 3, _gru, True), device="gpu")
lower_rule(gru_pair, _gru_pair_gradients, device="gpu")
