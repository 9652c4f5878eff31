"""Whether a compiled kernel is faster than the plain one on this processor: both run, and the slower one is left out.

Processors differ: where NumPy has vectors of 512 bits, its own exponential function may be as fast as compiled loops.
`python -m eagerflow compile` and `measure` hold the races and keep what they find, so that programs take the same
kernels, and give the same bits, until somebody measures again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import geometric_mean
from typing import Any, NamedTuple

import numpy
from numpy import ndarray

from eagerflow.base.twins import without
from eagerflow.kernels.convolution.depthwise import choice as depthwise
from eagerflow.kernels.convolution.winograd import images
from eagerflow.kernels.elementwise import activations, exponential
from eagerflow.kernels.elementwise.gelu import gelu
from eagerflow.kernels.machine.threads import alone
from eagerflow.kernels.normalization import batch_norm, layer_norm
from eagerflow.kernels.pooling import average, maximum
from eagerflow.kernels.recurrent import gru, lstm
from eagerflow.kernels.recurrent.gru_gradient import gru_gradient
from eagerflow.kernels.recurrent.lstm_gradient import lstm_gradient
from eagerflow.kernels.reduce import extremes, softmax
from eagerflow.measuring.clock import microseconds
from eagerflow.ops.windows.geometry import window_geometry
from eagerflow.optimizers import adagrad, adam, rmsprop

__all__ = ["LOST", "Race", "held"]

LOST = 1.05  # times what the plain kernel takes
_ROUNDS = 3


class Race(NamedTuple):
    """A kernel on arrays as networks have them.

    Attributes:
        place: the twin's file and name.
        runs: call the kernel, on arrays of one shape each.
    """

    place: tuple[str, str]
    runs: Sequence[Callable[[], object]]


def held(say: Callable[[str], object] = lambda text: None) -> list[tuple[str, str]]:
    """Run each compiled kernel and its plain twin in turn, on one thread; those that lose."""
    lost = []
    with alone():
        for race in _races():
            times = [_times(race.place, run) for run in race.runs]
            told = "; ".join([f"{compiled:.0f} µs, plain {plain:.0f} µs" for compiled, plain in times])
            say(f"  {'/'.join(race.place)}: {told}")
            if geometric_mean([compiled / plain for compiled, plain in times]) > LOST:
                lost.append(race.place)
    return lost


def _times(place: tuple[str, str], run: Callable[[], object]) -> tuple[float, float]:
    """The least microseconds of the compiled kernel and of the plain one."""
    compiled = plain = float("inf")
    for _ in range(_ROUNDS):
        compiled = min(compiled, microseconds(run, 2))
        with without(place):
            plain = min(plain, microseconds(run, 2))
    return compiled, plain


def _numbers(*shape: int) -> ndarray:
    return numpy.random.default_rng(0).standard_normal(shape, "float32")


def _races() -> Iterator[Race]:
    yield from _of_rows()
    yield from _of_numbers()
    yield from _of_windows()
    yield from _of_recurrent()
    yield from _of_optimizers()


def _of_rows() -> Iterator[Race]:
    # Short rows, as of features and heads, and long ones, as of words: what wins on one kind may lose on the other.
    kinds = [_kernels_of_rows(4096, 96), _kernels_of_rows(512, 1024)]
    for place in kinds[0]:
        yield Race(place, [kernels[place] for kernels in kinds])
    x, g, row = _numbers(4096, 96), _numbers(4096, 96), _numbers(96)
    plan, zeros = batch_norm.Layout(len(x), 96, 1), numpy.zeros(96, "float32")
    _, center, _, scale = batch_norm.batch_norm(x, row, row, 1e-3, plan)
    yield Race(("batch_norm", "batch_norm"), [partial(batch_norm.batch_norm, x, row, row, 1e-3, plan)])
    given = (g, zeros, zeros, x, row, center, scale, plan, True)
    yield Race(("batch_norm", "batch_norm_gradient"), [partial(batch_norm.batch_norm_gradient, *given)])
    yield Race(("batch_norm", "scale_channels"), [partial(batch_norm.scale_channels, x, row, row, plan)])
    cube = x.reshape(32, 128, 96)
    yield Race(("extremes", "extreme_with_places"), [partial(extremes.extreme_with_places, cube, (1,), True)])


def _kernels_of_rows(rows: int, columns: int) -> dict[tuple[str, str], Callable[[], object]]:
    x, g, row = _numbers(rows, columns), _numbers(rows, columns), _numbers(columns)
    labels, slope = numpy.arange(rows) % columns, g[:, 0].copy()
    out = softmax.softmax(x)
    _, mean, inverse = layer_norm.layer_norm(x, row, row, 1e-3)
    both = (True, True)
    return {
        ("softmax", "softmax"): partial(softmax.softmax, x),
        ("softmax", "softmax_gradient"): partial(softmax.softmax_gradient, g, out),
        ("softmax", "log_softmax"): partial(softmax.log_softmax, x),
        ("softmax", "log_softmax_gradient"): partial(softmax.log_softmax_gradient, g, x),
        ("softmax", "crossentropy_of_labels"): partial(softmax.crossentropy_of_labels, labels, x),
        ("softmax", "crossentropy_of_labels_gradient"): partial(
            softmax.crossentropy_of_labels_gradient, slope, labels, out
        ),
        ("layer_norm", "layer_norm"): partial(layer_norm.layer_norm, x, row, row, 1e-3),
        ("layer_norm", "layer_norm_gradient"): partial(layer_norm.layer_norm_gradient, g, x, row, mean, inverse, both),
    }


def _of_numbers() -> Iterator[Race]:
    x, g = _numbers(1 << 19), _numbers(1 << 19)
    mask, room = x > 0, numpy.empty_like(x)
    for name in ("sigmoid", "silu", "gelu_tanh"):
        yield Race(("activations", name), [partial(getattr(activations, name), x)])
    for name in ("relu_gradient", "sigmoid_gradient", "tanh_gradient", "silu_gradient", "gelu_tanh_gradient"):
        yield Race(("activations", name), [partial(getattr(activations, name), g, x)])
    yield Race(("activations", "masked"), [partial(activations.masked, x, mask, 1.25)])
    yield Race(("gelu", "gelu"), [partial(gelu, x, True)])
    chunk, filled = room[: 1 << 16], x[: 1 << 16]

    def of_scores() -> Any:
        numpy.copyto(chunk, filled)
        return exponential.exponentiate(chunk)

    yield Race(("exponential", "exponentiate"), [of_scores])


def _of_windows() -> Iterator[Race]:
    x, kernel = _numbers(8, 32, 32, 32), _numbers(3, 3, 32, 1)
    plan = window_geometry((32, 32), (3, 3), 1, "same")
    yield Race(("depthwise", "forward"), [partial(depthwise.forward, x, kernel, plan)])
    yield Race(("depthwise", "input_gradient"), [partial(depthwise.input_gradient, x, kernel, plan)])
    yield Race(("depthwise", "kernel_gradient"), [partial(depthwise.kernel_gradient, x, x, kernel.shape, plan)])
    weights = _numbers(3, 3, 32, 32)
    yield Race(("winograd", "convolve"), [partial(images.forward, x, weights, plan)])
    yield Race(("winograd", "transformed_kernel_gradient"), [partial(images.kernel_gradient, x, x, plan)])
    pools = window_geometry((32, 32), (2, 2), 2, "valid")
    g = _numbers(8, 16, 16, 32)
    yield Race(("average", "average"), [partial(average.average, x, pools)])
    yield Race(("average", "average_gradient"), [partial(average.average_gradient, g, pools)])
    _, which = maximum.maximum(x, pools, True)
    yield Race(("maximum", "maximum"), [partial(maximum.maximum, x, pools, True)])
    if which is not None:
        yield Race(("maximum", "maximum_gradient"), [partial(maximum.maximum_gradient, g, which, pools)])


def _of_recurrent() -> Iterator[Race]:
    batch, steps, features, units = 32, 20, 32, 64
    x, state = _numbers(batch, steps, features), _numbers(batch, units)
    weights = _numbers(features, 4 * units), 0.1 * _numbers(units, 4 * units), _numbers(4 * units)
    layers = [lstm.Layer(x, state, state, *weights, None)]
    trace, g = lstm.lstm(layers), [_numbers(batch, steps, units)]
    yield Race(("lstm", "run_steps"), [partial(lstm.lstm, layers)])
    yield Race(("lstm", "block_back"), [partial(lstm_gradient, g, [state], [state], layers, trace)])
    gated = [gru.Layer(x, state, weights[0][:, : 3 * units], weights[1][:, : 3 * units], None, None, None)]
    of_gated = gru.gru(gated)
    yield Race(("gru", "run_steps"), [partial(gru.gru, gated)])
    yield Race(("gru", "block_back"), [partial(gru_gradient, g, [state], gated, of_gated)])
    # By whole layers: threads share a batch only where these are compiled, too.
    both_ways = partial(_trained, layers, g, state)
    yield Race(("recurrent", "inputs_gradient"), [both_ways])
    yield Race(("recurrent", "inputs_share"), [partial(gru.gru, gated)])


def _trained(layers: list[Any], g: list[Any], state: Any) -> None:
    """An LSTM forward and back."""
    lstm_gradient(g, [state], [state], layers, lstm.lstm(layers))


def _of_optimizers() -> Iterator[Race]:
    w, g, first, second = (numpy.abs(_numbers(1 << 16)) for _ in range(4))
    slots, room = [first, second], [numpy.empty_like(w), numpy.empty_like(w)]
    rules = {"_adam": adam._adam, "_adadelta": adagrad._adadelta, "_rmsprop": rmsprop._rmsprop}
    settings: dict[str, tuple[float | bool, ...]] = {
        "_adam": (0.0, 0.1, 0.001, 1e-7),
        "_adadelta": (0.0, 0.95, 0.05, 1e-6),
    }  # weights stay as they are
    settings["_rmsprop"] = (0.0, 0.9, 0.1, 0.0, 1e-7, False)
    for name, rule in rules.items():
        mine, spare = (slots[:1] if name == "_rmsprop" else slots), (room[:1] if name == "_adam" else room)
        yield Race(("optimizers", name), [partial(rule, numpy, w, g, mine, settings[name], spare)])
