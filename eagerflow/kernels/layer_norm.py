"""Layer and root-mean-square normalization of the rows of a matrix, block by block.

Means over a row are products with a constant vector, sums of squares are `vecdot`: both read the block once.
"""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.kernels.blocks import repeated
from eagerflow.kernels.moments import far_from_zero, in_runs, rows_at_once, sums_of_columns
from eagerflow.kernels.threads import scratch

__all__ = ["layer_norm", "layer_norm_gradient", "rms_norm", "rms_norm_gradient"]


def _repeated(name: str, vector: Any, x: Any) -> Any:
    """`vector` for the rows of a block of x; None stays None."""
    return None if vector is None else repeated(name, vector, min(len(x), rows_at_once(x.shape[1])), x.dtype)


def layer_norm(x: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """The result, and for each row of x (rows, width) the mean and 1 / √(variance + epsilon)."""
    rows, width = x.shape
    out, mean, inverse = numpy.empty(x.shape, x.dtype), *numpy.empty((2, rows, 1), x.dtype)
    share = numpy.full(width, 1 / width, x.dtype)
    gammas, betas = _repeated("layer_gamma", gamma, x), _repeated("layer_beta", beta, x)

    def fill(_: int, block: slice) -> None:
        a, o, m, r = x[block], out[block], mean[block], inverse[block]
        numpy.matmul(a, share, out=m[:, 0])
        numpy.subtract(a, m, out=o)
        _one_over_root(numpy.vecdot(o, o), width, epsilon, r)
        numpy.multiply(o, r, out=o)
        if gammas is not None:
            numpy.multiply(o, gammas[: len(o)], out=o)
        if betas is not None:
            numpy.add(o, betas[: len(o)], out=o)

    in_runs(fill, rows, width, 1.2)
    return out, mean, inverse


def _one_over_root(squares: Any, width: int, epsilon: float, out: Any) -> None:
    """1 / √(squares / width + epsilon) into the column `out`."""
    squares *= 1 / width
    squares += epsilon
    numpy.sqrt(squares, out=squares)
    numpy.divide(1, squares, out=out[:, 0])


def layer_norm_gradient(
    g: Any, x: Any, gamma: Any, mean: Any, inverse: Any, needs: tuple[bool, bool]
) -> tuple[Any, Any, Any]:
    """The gradients of x (if needed), gamma and beta.

    With z the normalized x and h = g gamma, that of x is inverse (h - mean(h) - z mean(h z)).
    """
    width = x.shape[1]
    d_x = numpy.empty(x.shape, x.dtype) if needs[0] else None
    gammas = _repeated("layer_gamma", gamma, x)
    share = numpy.full(width, 1 / width, x.dtype) if gamma is None else gamma * x.dtype.type(1 / width)
    far = far_from_zero(mean * inverse, 1.0)

    def work(block: slice, into: Any) -> None:
        d, a, m, r = g[block], x[block], mean[block, 0], inverse[block, 0]
        if far:  # else x itself serves, with one operation less per number
            a = numpy.subtract(a, m[:, None], out=scratch("layer_z", a.shape, x.dtype))
            m = numpy.zeros_like(m)
        t = numpy.multiply(a, d, out=scratch("layer_t", a.shape, x.dtype))
        into[0] += r @ t - (r * m) @ d
        into[1] += numpy.ones(len(a), x.dtype) @ d
        if d_x is not None:
            _mixed(d, a, m, r, d @ share, t @ share, gammas, t, d_x[block])

    d_gamma, d_beta = sums_of_columns(x, 2, work, 1.8).astype(x.dtype)
    return d_x, d_gamma, d_beta


def _mixed(d: Any, a: Any, m: Any, r: Any, of_h: Any, of_hx: Any, gammas: Any, t: Any, out: Any) -> None:
    """The gradient of a block a with means m, from those of its rows of h and of h times a; `t` is room."""
    on_x = r * r * r * (of_hx - m * of_h)
    numpy.multiply(a, on_x[:, None], out=out)
    numpy.subtract(out, (on_x * m - r * of_h)[:, None], out=out)
    h = d if gammas is None else numpy.multiply(d, gammas[: len(d)], out=t)
    numpy.multiply(h, r[:, None], out=t)
    numpy.subtract(t, out, out=out)


def rms_norm(x: Any, scale: Any, epsilon: float) -> tuple[Any, Any]:
    """The result, and for each row 1 / √(mean square + epsilon)."""
    rows, width = x.shape
    out, inverse = numpy.empty(x.shape, x.dtype), numpy.empty((rows, 1), x.dtype)
    scales = _repeated("layer_gamma", scale, x)

    def fill(_: int, block: slice) -> None:
        a, o, r = x[block], out[block], inverse[block]
        _one_over_root(numpy.vecdot(a, a), width, epsilon, r)
        numpy.multiply(a, r, out=o)
        if scales is not None:
            numpy.multiply(o, scales[: len(o)], out=o)

    in_runs(fill, rows, width, 0.7)
    return out, inverse


def rms_norm_gradient(g: Any, x: Any, scale: Any, inverse: Any, needs: tuple[bool, bool]) -> tuple[Any, Any]:
    """The gradients of x and scale: with z the normalized x and h = g scale, d_x = inverse (h - z mean(h z))."""
    width = x.shape[1]
    d_x = numpy.empty(x.shape, x.dtype) if needs[0] else None
    scales = _repeated("layer_gamma", scale, x)
    share = numpy.full(width, 1 / width, x.dtype) if scale is None else scale * x.dtype.type(1 / width)

    def work(block: slice, into: Any) -> None:
        d, a, r = g[block], x[block], inverse[block]
        t = numpy.multiply(a, d, out=scratch("layer_t", a.shape, x.dtype))
        into[0] += r[:, 0] @ t
        if d_x is not None:
            o = d_x[block]
            slope = (t @ share)[:, None] * r * r
            h = d if scales is None else numpy.multiply(d, scales[: len(d)], out=t)
            numpy.multiply(a, slope, out=o)
            numpy.subtract(h, o, out=o)
            numpy.multiply(o, r, out=o)

    return d_x, sums_of_columns(x, 1, work, 1.5)[0].astype(x.dtype)
