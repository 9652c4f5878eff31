"""A dense layer in one go: bias and relu while a part of the product is in the cache, both gradients at once."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.convolution.epilogue import add_bias, finish, masked, sums_of_bias
from eagerflow.kernels.machine.costs import Sums
from eagerflow.kernels.matrices.products import large, pair, product, small
from eagerflow.kernels.reduce.vectors import column_sums
from eagerflow.lowerings.matrices import left_gradient, right_gradient
from eagerflow.ops.matrices.products import matmul
from eagerflow.ops.neural.fused import dense

__all__ = ["before_relu", "finished"]

_matmul = matmul.op  # type: ignore[attr-defined]


def finished(out: Any, bias: Any, relu: bool) -> Any:
    """`out`, which is ours to write to, with bias and activation; None where these need another array."""
    if out.dtype != bias.dtype or not out.flags.c_contiguous:
        return None
    add_bias(out, bias, relu)
    return out


def before_relu(g: Any, positive: Any) -> Any:
    """The gradient in front of the activation; `positive` are relu's outputs, None without it."""
    return g if positive is None else masked(g, positive)


def _dense(x: Any, kernel: Any, bias: Any, relu: bool = False) -> Any:
    fit = _fit(x, kernel, bias)
    if fit and x.ndim == 2 and not large(x, kernel):
        out = x.dot(kernel)
        finish(out, bias, relu)
    elif fit and large(x, kernel):
        rows = x.reshape(-1, x.shape[-1])
        out = product(rows, kernel, finish=lambda part: add_bias(part, bias, relu))
        out = out.reshape(*x.shape[:-1], kernel.shape[1])
    else:
        out = finished(_matmul.forward(numpy, x, kernel), bias, relu)
        if out is None:
            return None
    return out, out if relu else None


def _fit(x: Any, kernel: Any, bias: Any) -> bool:
    fit = kernel.ndim == 2 and x.shape[-1] == len(kernel) and x.dtype is kernel.dtype is bias.dtype
    return fit and x.dtype.char in "fd"  # halves are multiplied in float32


def _gradients(g: Any, needs: Any, x: Any, kernel: Any, bias: Any, positive: Any) -> Any:
    g = before_relu(g, positive)
    if _are_small(g, kernel):  # what follows, without its questions
        d_bias = column_sums(g) if needs[2] else None
        return g.dot(kernel.T) if needs[0] else None, x.T.dot(g) if needs[1] else None, d_bias
    d_bias = sums_of_bias(g, bias.shape) if needs[2] else None
    fit = kernel.ndim == 2 and x.dtype == kernel.dtype == g.dtype and g.dtype.char in "fd"
    if needs[0] and needs[1] and fit and large(g, kernel):
        rows = g.reshape(-1, g.shape[-1])
        d_x, d_kernel = pair(rows, kernel.T, x.reshape(-1, x.shape[-1]).T, rows)
        return d_x.reshape(x.shape), d_kernel, d_bias
    if x.ndim < 2 or kernel.ndim < 2:
        return None
    d_x = left_gradient(g, x.shape, kernel) if needs[0] else None
    return d_x, right_gradient(g, x, kernel.shape) if needs[1] else None, d_bias


def _are_small(g: Any, kernel: Any) -> bool:
    """Whether one thread of BLAS does all three products of matrices, and one call the sum."""
    return g.ndim == kernel.ndim == 2 and g.size < Sums.SMALL and g.dtype.char in "fd" and small(len(g), *kernel.shape)


lower(dense, _dense)
lower_rule(dense, _gradients)
