"""Strips of a batch: each thread takes some sequences through all steps of a recurrent layer.

The steps follow each other, but the sequences don't know of each other. Compiled steps run without the interpreter's
lock, so a thread with sequences of its own waits for no other before the last step. Plain steps are many short calls of
NumPy, which two threads would make more slowly than one.

On one thread strips would take a tenth longer, so there are none, against the rule that the number of threads cuts no
work. The same bits come out anyhow: compiled kernels add up the numbers of each sequence in one order, whatever
other sequences there are. BLAS doesn't, so all products have to be theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy

from eagerflow.base.variants import has_variant
from eagerflow.kernels.machine.costs import Recurrent
from eagerflow.kernels.machine.speeds import speeds
from eagerflow.kernels.machine.threads import each, shares
from eagerflow.kernels.recurrent.step_product import columns

__all__ = ["masked", "on_threads", "some_sequences", "strips"]

Layer = TypeVar("Layer", bound=Any)
_OF_SEQUENCES = ("x", "h", "c", "mask")  # inputs with a row for each sequence; the others are weights


def strips(kernels: Sequence[tuple[str, str]], layer: Any) -> list[slice]:
    """Of which sequences each strip consists; one strip has all of them where more aren't faster.

    Args:
        kernels: all that make products of a strip, the way back included: file and name of their compiled variants.
        layer: one of those that run side by side.
    """
    batch, time, features = layer.x.shape
    little = layer.kernel.size + layer.recurrent.size <= Recurrent.OF_STRIPS
    worth = shares(_microseconds(time * batch * layer.recurrent.shape[1]))
    count = 1
    fits = layer.x.dtype == numpy.float32 and features % Recurrent.FEATURES == 0
    if little and worth and fits and all([has_variant(kernel) for kernel in kernels]):
        counts = range(Recurrent.STRIPS, 1, -1)
        count = next((n for n in counts if batch % (n * Recurrent.STRIP) == 0), 1)
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
