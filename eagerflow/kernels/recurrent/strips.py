"""Strips of a batch: each thread takes some sequences through all steps of a recurrent layer.

The steps follow each other, but the sequences don't know of each other. Compiled steps run without the interpreter's
lock, so a thread with sequences of its own waits for no other before the last step. Plain steps are many short calls of
NumPy, which two threads would make more slowly than one.

On one thread strips would take a tenth longer, so there are none, against the rule that the number of threads cuts no
work. For that it is looked whether BLAS gives the same bits with a strip's columns as with all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy
from numpy import ndarray

from eagerflow.base.twins import has_twin
from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, shares
from eagerflow.kernels.recurrent.step_product import Stepwise, columns

__all__ = ["masked", "on_threads", "some_sequences", "strips"]

Layer = TypeVar("Layer", bound=Any)
_OF_SEQUENCES = ("x", "h", "c", "mask")  # what layers are given of each sequence; the others are weights


def strips(steps: Callable[..., Any], layer: Any, products: tuple[tuple[int, int], ...]) -> list[slice]:
    """Of which sequences each strip consists; one strip has all of them where more aren't faster.

    Args:
        steps: the kernel that goes through them.
        layer: one of those that run side by side.
        products: rows and columns of the weights that all steps are multiplied by, the way back included.
    """
    batch, time, _ = layer.x.shape
    little = layer.kernel.size + layer.recurrent.size <= Recurrent.OF_STRIPS
    worth = shares(_microseconds(time * batch * layer.recurrent.shape[1]))
    count = 1
    if little and worth and layer.x.dtype == numpy.float32 and has_twin(steps):
        counts = range(Recurrent.STRIPS, 1, -1)
        count = next((n for n in counts if batch % (n * Recurrent.STRIP) == 0), 1)
    if count > 1 and not _same_bits(products, batch, batch // count):
        count = 1
    return columns(count, batch // count)


def some_sequences(layers: Sequence[Layer], some: slice) -> list[Layer]:
    """The layers with some of their sequences."""
    return [
        layer._replace(**{name: getattr(layer, name)[some] for name in _OF_SEQUENCES if _has(layer, name)})
        for layer in layers
    ]


def _has(layer: Any, name: str) -> bool:
    return getattr(layer, name, None) is not None


def masked(layer: Any, some: slice) -> Any:
    """A layer's mask of some sequences, or None."""
    return None if layer.mask is None else layer.mask[some]


def on_threads(function: Callable[[int], object], count: int, gates: int) -> None:
    """`function(0)` ... `function(count - 1)`, which threads share.

    Args:
        function: goes through steps of a strip.
        count: of strips.
        gates: how many numbers the gates of these strips and steps are.
    """
    if count == 1:
        function(0)
    else:
        each(function, count, _microseconds(gates))


def _microseconds(gates: int) -> float:
    return gates * Recurrent.MULTIPLY_ADDS / speeds().products


@functools.cache
def _same_bits(products: tuple[tuple[int, int], ...], batch: int, width: int) -> bool:
    """Whether products with some columns have the same bits as those with all: BLAS may add up in another order."""
    draw = numpy.random.default_rng(0)
    for rows, inner in products:
        weights, given = (draw.standard_normal(shape, "float32") for shape in ((rows, inner), (inner, batch)))
        for product in (_as_steps, _as_inputs):
            whole = product(weights, given)
            for cut in columns(batch // width, width):
                if not numpy.array_equal(whole[:, cut], product(weights, numpy.ascontiguousarray(given[:, cut]))):
                    return False
    return True


def _as_steps(weights: ndarray, given: ndarray) -> ndarray:
    """A product as a step makes it."""
    stepwise, out = Stepwise([weights], given.shape[1]), numpy.empty((len(weights), given.shape[1]), "float32")
    stepwise.times(stepwise.weights, stepwise.given(given), stepwise.made(out))
    return out


def _as_inputs(weights: ndarray, given: ndarray) -> Any:
    """A product as the gradient of inputs is made (`backward_loop.py`): turned."""
    return numpy.matmul(given.T, numpy.ascontiguousarray(weights.T)).T
