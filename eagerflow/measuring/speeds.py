"""How fast this processor is at what kernels are made of, measured: many short calls, about a second in all.

Each speed is the best of several tries, so that what other programs do meanwhile hardly shows. What is measured is
what `machine/costs.py` says of each: products by BLAS, passes and copies by NumPy, and our own transforms.
"""

from __future__ import annotations

import numpy
from numpy import ndarray

from eagerflow.kernels.convolution import columns, direct
from eagerflow.kernels.convolution.columns import Plan
from eagerflow.kernels.convolution.shapes import Shapes
from eagerflow.kernels.convolution.winograd import images
from eagerflow.kernels.convolution.winograd.minimal import tile_for
from eagerflow.kernels.convolution.winograd.packs import Packs
from eagerflow.kernels.machine.blas import one_blas_thread
from eagerflow.kernels.machine.costs import Columns
from eagerflow.kernels.machine.speeds import DIRECT_OF_PRODUCTS, FEW_CHANNELS, Speeds
from eagerflow.kernels.machine.threads import alone
from eagerflow.measuring.clock import microseconds
from eagerflow.ops.windows.geometry import window_geometry

__all__ = ["measured"]

_ROUNDS = 5
# What becomes of a speed in convolutions, whose arrays come from farther away than those of the calls here: fitted to
# the times of 34 convolutions by all their algorithms (`benchmarks.choices`), with vectors of 512 and of 256 bits.
_IN_CONVOLUTIONS = {
    "products": 0.74,
    "few_columns": 0.85,
    "fewer_columns": 1.2,
    "gathered": 1.55,
    "short_run": 0.77,
    "transformed": 1.02,
    "weights": 0.46,
    "call": 1.15,
    "direct": 0.92,
}
_NUMBERS = 1 << 16  # in one pass: several such arrays fit the L2 cache


def measured() -> Speeds:
    """The speeds of one thread of this processor: of several rounds, so that a disturbance hits some of them only."""
    with one_blas_thread, alone():
        rounds = [_once() for _ in range(_ROUNDS)]
    best = {name: max(figures) for name, figures in zip(Speeds._fields, zip(*rounds))}
    best["call"] = min(found.call for found in rounds)
    for name in ("few_columns", "fewer_columns", "short_run"):
        best[name] = float(numpy.median([getattr(found, name) for found in rounds]))
    found = Speeds(**{name: figure * _IN_CONVOLUTIONS.get(name, 1.0) for name, figure in best.items()})
    return found if found.direct else found._replace(direct=DIRECT_OF_PRODUCTS * found.products)


def _once() -> Speeds:
    products, few, fewer = _products()
    gathered, short = _gathered()
    return Speeds(
        products=products,
        few_columns=few,
        fewer_columns=fewer,
        einsum=_einsum(),
        passed=_passed(),
        exponentials=_exponentials(),
        copied=_copied(),
        gathered=gathered,
        short_run=short,
        transformed=_transformed(products, few),
        weights=_weights(),
        call=_call(),
        direct=_direct(),
    )


def _numbers(*shape: int) -> ndarray:
    return numpy.random.default_rng(0).random(shape, "float32") + numpy.float32(0.5)


def _products() -> tuple[float, float, float]:
    """Multiply-adds of BLAS, and the numbers of columns with which they run at half the speed.

    A product with n columns takes (n + few) / n times as long as the multiply-adds alone. Of the numbers of columns
    that are looked at, each says what `few` is.
    """
    rows, inner, wide = 512, 288, 256
    left, right = _numbers(rows, inner), _numbers(inner, wide)

    def speed(columns: int) -> float:
        b, out = numpy.ascontiguousarray(right[:, :columns]), numpy.empty((rows, columns), "float32")
        return rows * inner * columns / microseconds(lambda: numpy.matmul(left, b, out=out))

    full = max(speed(wide), speed(wide // 2))

    def slower(*counts: int) -> float:
        return max(0.5, float(numpy.mean([(full / speed(columns) - 1) * columns for columns in counts])))

    return full, slower(16, 32), slower(4, 8)


def _einsum() -> float:
    """Multiply-adds of the sum over the taps of a depthwise convolution."""
    rows, taps, run = 24, 9, 1024
    x, kernel = _numbers(rows + taps, run), _numbers(taps, run)
    windows = numpy.lib.stride_tricks.sliding_window_view(x, taps, 0)[:rows].transpose(0, 2, 1)
    out = numpy.empty((rows, run), "float32")
    return rows * taps * run / microseconds(lambda: numpy.einsum("rtn,tn->rn", windows, kernel, out=out))


def _passed() -> float:
    """Numbers that one pass works on, of arrays that are larger than the first caches."""
    a, b, out = (_numbers(1 << 18) for _ in range(3))
    return a.size / microseconds(lambda: numpy.add(a, b, out=out))


def _exponentials() -> float:
    """Numbers of which `numpy.exp` is taken."""
    a, out = _numbers(_NUMBERS), numpy.empty(_NUMBERS, "float32")
    return _NUMBERS / microseconds(lambda: numpy.exp(a, out=out))


def _copied() -> float:
    """Numbers copied where they lie apart: columns of one channel of a row of pixels."""
    a, out = _numbers(64, 64, 16), numpy.empty((16, 64, 64), "float32")
    return out.size / microseconds(lambda: numpy.copyto(out, a.transpose(2, 0, 1)))


def _gathered() -> tuple[float, float]:
    """Numbers copied in long runs, and how long runs are that are copied at half that speed."""

    def speed(channels: int) -> float:
        x = _numbers(1, 32, 32, channels)
        plan = Plan.of(x, channels, window_geometry((32, 32), (3, 3), 1, "same"), 1)
        (block,) = plan.blocks
        return x.size * 9 / microseconds(lambda: plan.gather(x, block))

    (long, slow), (short, quick) = (96, speed(32)), (9, speed(3))  # numbers in a run, and copied in a microsecond
    # Where a run takes as long as its numbers and `half` more: quick / slow = (1 + half / long) / (1 + half / short).
    ratio = slow / quick
    half = (ratio - 1) / (1 / short - ratio / long) if ratio * short < long else 4.0 * long
    half = min(4.0 * long, max(1.0, half))
    return slow * (1 + half / long), half


def _transformed(products: float, few: float) -> float:
    """Numbers of tiles transformed by Winograd's algorithm, of inputs and outputs."""
    batch, length, channels = 8, 32, 32
    geometry = window_geometry((length, length), (3, 3), 1, "same")
    x, kernel = _numbers(batch, length, length, channels), _numbers(3, 3, channels, channels)
    all_of_it = microseconds(lambda: images.forward(x, kernel, geometry), least=5000.0)
    tile = tile_for(geometry.outputs)
    numbers = (tile + 2) ** 2 * batch * (length // tile) ** 2
    multiplied = numbers * channels * (channels + few) / products
    return numbers * 2 * (channels + FEW_CHANNELS) / max(all_of_it - multiplied, all_of_it / 4)


def _weights() -> float:
    """Numbers of transformed weights."""
    kernel = _numbers(3, 3, 128, 128)
    packs = Packs.of(kernel.shape, 1)
    return 36 * 128 * 128 / microseconds(lambda: packs.weights(kernel, 4), least=2000.0)


def _call() -> float:
    """Microseconds of some lines of Python and a call of NumPy: a convolution of next to nothing has some of them."""
    x, kernel = _numbers(1, 4, 4, 2), _numbers(3, 3, 2, 2)
    geometry = window_geometry((4, 4), (3, 3), 1, "same")
    return microseconds(lambda: columns.forward(x, kernel, geometry, 1)) / Columns.CALLS


def _direct() -> float:
    """Multiply-adds of a compiled convolution; 0 where none is compiled."""
    x, kernel = _numbers(8, 32, 32, 32), _numbers(3, 3, 32, 32)
    shapes = Shapes.of(x, kernel.shape, window_geometry((32, 32), (3, 3), 1, "same"))
    if not direct.applies(shapes):
        return 0.0
    return shapes.multiply_adds / microseconds(lambda: direct.convolve(x, kernel, shapes.geometry), least=2000.0)
