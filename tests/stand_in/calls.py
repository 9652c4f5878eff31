"""Holds calls to CuPy's signatures."""

from __future__ import annotations

import functools
import inspect

from tests.stand_in.graphs import refuse_copy, refuse_library, refuse_waiting

# What calls a library, and what has to know values on the host or sorts (see `graphs.py`).
BLAS = set("corrcoef cov dot einsum inner kron matmul tensordot vdot".split())
SOLVER = set("cholesky det eig eigh inv lstsq matrix_power matrix_rank pinv qr slogdet solve svd".split())
READS = set("argwhere extract flatnonzero nonzero unique".split())
SORTS = set(
    "argpartition argsort lexsort median nanmedian nanpercentile nanquantile partition percentile quantile sort".split()
)


def unsupported(value):
    """The error that CuPy raises for an operand that is neither a device array nor a number."""
    return TypeError(f"Unsupported type {type(value)}")


def binder(name, signature):
    """A check of arguments against the text of a signature: `(args, kwargs)` to `(out, args, kwargs)`.

    What can be positional becomes so, for NumPy names some parameters differently.
    """
    parameters = inspect.signature(eval(f"lambda {signature}: None"))  # the text is our own, in signatures.py

    def bind(args, kwargs):
        try:
            bound = parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"CuPy's {name}({signature}): {error}") from None
        return bound.arguments.get("out"), bound.args, bound.kwargs

    return bind


def refusing(name, function):
    """A function that refuses to be captured, where CuPy's of this name does."""

    @functools.wraps(function)
    def call(*args, **kwargs):
        if name in SOLVER:
            refuse_library("cuSOLVER")
        elif name in READS or (name == "where" and len(args) + len(kwargs) == 1):
            refuse_copy("D2H")
        elif name in SORTS:
            refuse_waiting()
        found = function(*args, **kwargs)
        if name in BLAS and found.dtype.kind in "fc":
            refuse_library("cuBLAS")
        return found

    return call
