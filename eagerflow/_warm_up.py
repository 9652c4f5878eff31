"""`python -m eagerflow compile`: calls all kernels, so that Numba keeps their machine code for this user's programs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy
from numpy import ndarray

from eagerflow.base.config import home
from eagerflow.base.variants import find_again
from eagerflow.cli.statuses import CANNOT, failed
from eagerflow.compiled import choice
from eagerflow.kernels.convolution import direct
from eagerflow.kernels.convolution.depthwise import choice as depthwise
from eagerflow.kernels.convolution.winograd import images
from eagerflow.kernels.elementwise import activations
from eagerflow.kernels.elementwise.gelu import gelu
from eagerflow.kernels.machine.threads import alone
from eagerflow.kernels.normalization import batch_norm, layer_norm
from eagerflow.kernels.pooling import maximum
from eagerflow.kernels.recurrent import gru, lstm
from eagerflow.kernels.recurrent.gru_gradient import gru_gradient
from eagerflow.kernels.recurrent.lstm_gradient import lstm_gradient
from eagerflow.kernels.reduce import softmax
from eagerflow.ops.windows.geometry import window_geometry
from eagerflow.optimizers import adagrad, adam, rmsprop

__all__ = ["fill"]


def fill(off: bool, quiet: bool = False) -> int:
    """Compile what isn't compiled yet, and let programs of this user use it; the exit code.

    Args:
        off: let them use the plain kernels again instead.
        quiet: print nothing but errors.
    """
    say: Callable[[str], object] = (lambda text: None) if quiet else print
    if choice.missing() and not off:
        return failed("compile", f"needs numba; 'eagerflow[fast]' brings it. Fix: {choice.INSTALL}", CANNOT)
    try:
        choice.mark(not off)
    except OSError as error:
        return failed("compile", f"{home()} can't be written to ({error.strerror or error})")
    if off:
        say("Programs use the plain kernels again.")
        return 0
    began = time.perf_counter()
    say("Compiling the kernels for this processor, once: some minutes of one core.")
    workers = min(len(_CALLS), os.cpu_count() or 1, 4)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for name in pool.map(warm_up, _CALLS):
            say(f"  {name}")
    say(f"Programs use compiled kernels from now on ({time.perf_counter() - began:.0f} s).")
    say("To stop that: python -m eagerflow compile --off; for one program: EAGERFLOW_KERNELS=plain")
    return 0


def warm_up(name: str) -> str:
    """Call some kernels in a process of their own; their name."""
    os.environ["EAGERFLOW_KERNELS"] = "compiled"
    choice.is_on.cache_clear()
    find_again()
    with alone(), numpy.errstate(all="ignore"):
        for dtype in ("float32", "float64"):
            for call in _CALLS[name](dtype):
                call()
    return name


Calls = Iterator[Callable[[], object]]


def _numbers(*shape: int, dtype: str = "float32") -> Any:
    return numpy.random.default_rng(0).standard_normal(shape).astype(dtype)


def _rows(dtype: str) -> Calls:
    x, row, labels = _numbers(64, 96, dtype=dtype), _numbers(96, dtype=dtype), numpy.arange(64)
    column, both = x[:, :1].copy(), (True, True)
    yield lambda: softmax.softmax_gradient(x, softmax.softmax(x))
    yield lambda: softmax.log_softmax_gradient(x, softmax.log_softmax(x))
    yield lambda: softmax.crossentropy_of_labels(labels, x)
    yield lambda: softmax.crossentropy_of_labels_gradient(x[:, 0].copy(), labels, x)
    yield lambda: layer_norm.layer_norm(x, row, row, 1e-3)
    plan = batch_norm.Layout(64, 96, 1)
    yield lambda: batch_norm.batch_norm(x, row, row, 1e-3, plan)
    yield lambda: batch_norm.batch_norm_gradient(x, row, row, x, row, row, row, plan, True)
    yield lambda: layer_norm.layer_norm_gradient(x, x, row, column, column, both)


def _elementwise(dtype: str) -> Calls:
    x = _numbers(1 << 12, dtype=dtype)
    for one in (activations.sigmoid, activations.silu, activations.gelu_tanh):
        yield lambda one=one: one(x)  # type: ignore[misc]
    for name in ("relu", "sigmoid", "tanh", "silu", "gelu_tanh"):
        yield lambda name=name: getattr(activations, f"{name}_gradient")(x, x)  # type: ignore[misc]
    if dtype == "float32":
        yield lambda: (gelu(x, True), gelu(x, False))


def _optimizers(dtype: str) -> Calls:
    w, slots, room = _numbers(1 << 12, dtype=dtype), _slots(dtype), _slots(dtype)
    yield lambda: adam._adam(numpy, w, w, slots, (0.0, 0.1, 0.001, 1e-7), room)
    yield lambda: adagrad._adadelta(numpy, w, w, slots, (0.0, 0.95, 0.05, 1e-6), room)
    yield lambda: rmsprop._rmsprop(numpy, w, w, slots[:1], (0.0, 0.9, 0.1, 0.0, 1e-7, False), room)


def _slots(dtype: str) -> list[ndarray]:
    return [numpy.ones(1 << 12, dtype) for _ in range(2)]


def _windows(dtype: str) -> Calls:
    x, kernel = _numbers(2, 12, 12, 16, dtype=dtype), _numbers(3, 3, 16, 1, dtype=dtype)
    pools = window_geometry((12, 12), (2, 2), 2, "valid")
    out, which = maximum.maximum(x, pools, True)
    yield lambda: maximum.maximum_gradient(out, which, pools)
    for stride in (1, 2):
        plan = window_geometry((12, 12), (3, 3), stride, "same")
        g = depthwise.forward(x, kernel, plan)
        yield lambda g=g, plan=plan: depthwise.input_gradient(g, kernel, plan)  # type: ignore[misc]
        yield lambda g=g, plan=plan: depthwise.kernel_gradient(x, g, kernel.shape, plan)  # type: ignore[misc]


def _convolution(dtype: str) -> Calls:
    x, weights = _numbers(2, 12, 12, 16, dtype=dtype), _numbers(3, 3, 16, 16, dtype=dtype)
    plan = window_geometry((12, 12), (3, 3), 1, "same")
    if dtype == "float32":
        yield lambda: direct.convolve(x, weights, plan)
        yield lambda: direct.convolve_kernel_gradient(x, x, weights.shape, plan)


def _winograd(dtype: str) -> Calls:
    x, weights = _numbers(2, 12, 12, 16, dtype=dtype), _numbers(3, 3, 16, 16, dtype=dtype)
    plan = window_geometry((12, 12), (3, 3), 1, "same")
    if dtype == "float32":
        yield lambda: images.forward(x, weights, plan)
        yield lambda: images.kernel_gradient(x, x, plan)


def _recurrent(dtype: str) -> Calls:
    if dtype != "float32":
        return
    x, state, units = _numbers(32, 8, 16), _numbers(32, 32), 32
    kernel, recurrent, g = _numbers(16, 4 * units), _numbers(units, 4 * units), [_numbers(32, 8, units)]
    layers = [lstm.Layer(x, state, state, kernel, recurrent, None, None)]
    yield lambda: lstm_gradient(g, [state], [state], layers, lstm.lstm(layers))
    gated = [gru.Layer(x, state, kernel[:, : 3 * units], recurrent[:, : 3 * units], None, None, None)]
    yield lambda: gru_gradient(g, [state], gated, gru.gru(gated))


_CALLS: dict[str, Callable[[str], Calls]] = {
    "convolution": _convolution,
    "Winograd's convolution": _winograd,
    "LSTM and GRU": _recurrent,
    "depthwise convolution and maxima": _windows,
    "softmax and layer normalization": _rows,
    "activations": _elementwise,
    "optimizers": _optimizers,
}
