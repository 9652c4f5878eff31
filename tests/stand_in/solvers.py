"""Where CuPy's linear algebra follows other rules than NumPy's: stacks aren't broadcast, and nothing raises for values.

`cupyx.errstate(linalg="raise")` lets it look whether it worked, for which it waits.
"""

from __future__ import annotations

import contextlib
import threading
from types import ModuleType

import numpy

_config = threading.local()


@contextlib.contextmanager
def errstate(*, divide=None, over=None, under=None, invalid=None, linalg=None):
    before, _config.linalg = getattr(_config, "linalg", None), linalg
    try:
        yield
    finally:
        _config.linalg = before


def _failed(routine):
    if getattr(_config, "linalg", None) == "raise":
        raise numpy.linalg.LinAlgError(f"Error reported by {routine} in cuSOLVER. devInfo = [1].")


def solve(a, b):
    if b.ndim > 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")
    return _solved(numpy.linalg.solve, a, b)


def inv(a):
    return _solved(numpy.linalg.inv, a)


def _solved(function, *matrices):
    """Of what can't be solved, no finite numbers."""
    try:
        return function(*matrices)
    except numpy.linalg.LinAlgError as error:
        if "Singular" not in str(error):
            raise
        _failed("getrf")
        regular = numpy.broadcast_to(numpy.eye(matrices[0].shape[-1], dtype=matrices[0].dtype), matrices[0].shape)
        return numpy.full_like(function(regular, *matrices[1:]), numpy.nan)


def cholesky(a):
    """Of what isn't positive definite, finite numbers that mean nothing."""
    try:
        return numpy.linalg.cholesky(a)
    except numpy.linalg.LinAlgError as error:
        if "positive definite" not in str(error):
            raise
        _failed("potrf")
        return numpy.tril(a)


HOME = ModuleType("numpy.linalg, as CuPy has it")
HOME.__dict__.update(vars(numpy.linalg), solve=solve, inv=inv, cholesky=cholesky)
