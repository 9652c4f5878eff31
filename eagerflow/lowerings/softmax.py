"""Softmax and crossentropies of the rows of large matrices, and of logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.core.host_arrays import errstate
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.core.op import apply
from eagerflow.kernels.elementwise import activations as elementwise
from eagerflow.kernels.machine.blocks import fits
from eagerflow.kernels.machine.costs import Blocks, Softmax
from eagerflow.kernels.machine.numbers import ONE, ZERO
from eagerflow.kernels.reduce import softmax as kernels
from eagerflow.kernels.reduce.softmax import rows_of
from eagerflow.ops.neural.crossentropy import (
    check_labels,
    sigmoid_crossentropy,
    softmax_crossentropy,
    sparse_softmax_crossentropy,
)
from eagerflow.ops.neural.softmax import log_softmax, softmax

__all__: list[str] = []


def _by_rows(kernel: Callable[[Any], Any]) -> Callable[..., Any]:
    """A kernel of rows for arrays that can be seen as such; None for others."""

    def of_array(x: Any, axis: Any = -1) -> Any:
        rows = rows_of(x, axis)
        return None if rows is None else kernel(rows).reshape(x.shape)

    return of_array


def _gradient_by_rows(kernel: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """The same for the kernel of a gradient."""

    def of_array(g: Any, out: Any, axis: Any) -> Any:
        rows = rows_of(out, axis)
        if rows is None or g.dtype != out.dtype:
            return None
        return kernel(g.reshape(rows.shape), rows).reshape(out.shape)

    return of_array


lower(softmax, _by_rows(kernels.softmax), least=Softmax.SMALL)
lower_rule(softmax, _gradient_by_rows(kernels.softmax_gradient))
lower(log_softmax, _by_rows(kernels.log_softmax), least=Softmax.SMALL)
lower_rule(log_softmax, _gradient_by_rows(kernels.log_softmax_gradient))


def _sigmoid_crossentropy(target: Any, output: Any) -> Any:
    if output.size >= Blocks.SMALL and fits(output, target):
        return elementwise.sigmoid_crossentropy(target, output)
    zero = ZERO.get(output.dtype)
    if zero is None:
        return None
    return numpy.maximum(output, zero) + numpy.log1p(numpy.exp(-abs(output))) - target * output


def _sigmoid_crossentropy_gradient(g: Any, target: Any, output: Any) -> Any:
    if fits(output, target, g):
        with errstate(over="ignore"):
            return elementwise.sigmoid_crossentropy_gradient(g, target, output)
    e = numpy.exp(-output)  # rules run without warnings: no need of sigmoid's own care
    one = ONE.get(e.dtype, 1)
    e += one
    return g * (one / e - target)


lower(sigmoid_crossentropy, _sigmoid_crossentropy)
lower_rule(sigmoid_crossentropy, _sigmoid_crossentropy_gradient, which=1)


def _softmax_crossentropy(target: Any, output: Any) -> Any:
    log_probabilities = apply(log_softmax, numpy, output)
    return -numpy.vecdot(target, log_probabilities), log_probabilities


lower(softmax_crossentropy, _softmax_crossentropy, fits, Blocks.SMALL)


def _of_labels(target: Any, output: Any) -> Any:
    classes = output.shape[-1]
    if rows_of(output, -1) is None:
        return None
    check_labels(numpy, target, output)
    loss, probabilities = kernels.crossentropy_of_labels(target.reshape(-1), output.reshape(-1, classes))
    return loss.reshape(target.shape), probabilities


def _of_labels_gradients(g: Any, target: Any, output: Any, probabilities: Any) -> Any:
    rows = rows_of(probabilities, -1)
    if rows is None or g.dtype != rows.dtype:
        return None
    slope = kernels.crossentropy_of_labels_gradient(g.reshape(-1), target.reshape(-1), rows)
    return None, slope.reshape(output.shape)


lower(sparse_softmax_crossentropy, _of_labels)
lower_rule(sparse_softmax_crossentropy, _of_labels_gradients)
