"""What all checks share: handlers for what is announced, and a way to report."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor.program import Program
from viz.recorder.descriptions import flat
from viz.recorder.finite_check import is_finite
from viz.recorder.tensor_stats import sum_of_squares

__all__ = [
    "Check",
    "finite",
    "first_tensor",
    "host",
    "is_nothing_left",
    "loss_scale",
    "means_of_the_ends",
    "number",
    "rms",
    "tensors",
    "total",
]


class Check:
    """Looks for some kinds of findings.

    A subclass defines the handlers it needs, named and called as those of `eagerflow.core.observe.Observer`
    (ops without their times), and `on_step_end()` after a training step, `on_crash(error)` when an exception ended the
    script, `finish()` in the end. What asks which
    function ran defines `on_single_op(op, inputs, outputs, whole)`: of a fused op it hears of each part, with its
    `name`, its inputs (None for what lies between two parts), its outputs (None unless they are the fused op's), and
    those of the whole.

    Attributes:
        always: handlers that are called in every step; the others only in the steps that are looked at closely.
        of_script: is there one for all trainings of a script, as it compares them, or has each training its own?
        begins, ends: of which kinds of scopes it wants to hear that they begin and end; None: of all.
        watch: the program, which knows where it is, and takes reports.
    """

    of_script = False
    always: tuple[str, ...] = ()
    begins: tuple[str, ...] | None = None
    ends: tuple[str, ...] | None = None

    def __init__(self, watch: Program) -> None:
        self.watch = watch

    def loss_scale(self, results: Any, opened: Any) -> float:
        """See the function of this name; several checks ask for that of a step, which is looked for once."""
        known = self.watch.scale
        if known is None or known[0] is not results or known[1] is not opened:
            known = self.watch.scale = results, opened, loss_scale(results, opened)
        return known[2]


def host(data: Any) -> numpy.ndarray:
    """An array in the computer's own memory; not a copy where it is there already."""
    return numpy.asarray(data.get() if hasattr(data, "get") else data)


def first(given: Any) -> Any:
    """The first of some, where there are several: of an op's outputs, their keys or their gradients."""
    return given[0] if isinstance(given, (list, tuple)) and given else given


def first_gradient(gradients: Any) -> numpy.ndarray:
    """The gradient that arrives at an op's first output, in the computer's own memory."""
    gradient = first(gradients)
    return host(getattr(gradient, "data", gradient))


def tensors(nested: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    return [x for x in flat(nested) if isinstance(x, Tensor)]


def first_tensor(nested: Any) -> Tensor | None:
    """The first tensor in nested tuples, lists and dicts."""
    found = tensors(nested)
    return found[0] if found else None


def total(targets: Any) -> float:
    """The sum of what a gradient was asked of; nearly always that is one number."""
    return sum([float(t.data) if t.data.size == 1 else float(host(t.data).sum()) for t in targets])


def is_nothing_left(targets: Any) -> bool:
    """Is what is to become small 0 already, everywhere, as a margin that all rows keep?"""
    return all(not host(t.data).any() for t in targets)


def finite(data: Any) -> bool:
    """Are all elements numbers? Integers always are."""
    if getattr(data, "dtype", None) is None:
        return not isinstance(data, float) or math.isfinite(data)
    return is_finite(data)


def loss_scale(results: Any, opened: Any) -> float:
    """By what a loss was multiplied before it was differentiated, for the sake of float16; 1 where it wasn't.

    An optimizer that knows its scale says so; else the gradients it is given are smaller than those of the tape.

    Args:
        results: what the tape gave.
        opened: the scope of the optimizer that is given them.

    >>> import eagerflow as ef
    >>> from types import SimpleNamespace
    >>> scope = SimpleNamespace(owner=ef.optimizers.SGD(), scope=SimpleNamespace(inputs=[ef.Tensor([1.0, 2.0])]))
    >>> loss_scale([ef.Tensor([1024.0, 2048.0])], scope)
    1024.0
    """
    factor = float(getattr(opened.owner, "loss_scale_factor", None) or 1.0)
    pairs = list(zip([x for x in results if isinstance(x, Tensor)], tensors(opened.scope.inputs)))
    if not pairs or any(a.shape != b.shape for a, b in pairs):
        return factor
    ours, given = min(pairs, key=lambda pair: pair[0].data.size)
    if ours.data is given.data or not ours.data.size:
        return factor
    sizes = [float(numpy.abs(host(x.data).astype("float64")).max()) for x in (ours, given)]
    if not min(sizes) or not all(map(math.isfinite, sizes)):
        return factor
    exponent = math.log2(sizes[0] / sizes[1])  # scales are powers of two; what clipping takes away is none
    return factor * 2.0 ** round(exponent) if exponent > 1 and abs(exponent - round(exponent)) < 1e-3 else factor


def rms(values: numpy.ndarray) -> float:
    """The root of the mean of the squares of finite values."""
    flat_values = values.reshape(-1)
    if not flat_values.size:
        return 0.0
    largest = float(numpy.abs(flat_values).max())
    if not largest or not math.isfinite(largest):
        return largest
    scaled = flat_values / largest
    return largest * math.sqrt(sum_of_squares(scaled) / flat_values.size)


def means_of_the_ends(values: numpy.ndarray) -> tuple[float, float]:
    """The means of the first and of the last quarter."""
    part = len(values) // 4
    return float(values[:part].mean()), float(values[-part:].mean())


def number(value: float) -> str:
    """A number as people read it: two digits, and up to a million all digits before the point.

    >>> number(0.000012345), number(12345.6), number(255.0), number(1234567.0)
    ('1.2e-05', '12346', '255', '1.2e+06')
    """
    return f"{value:.0f}" if 99.5 <= abs(value) < 1e6 else f"{value:.2g}"
