"""Which kernels run: plain ones, of NumPy and BLAS, or compiled ones in front of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from eagerflow.base.config import home
from eagerflow.base.errors import expect_one_of
from eagerflow.base.files import make_home
from eagerflow.base.text.extras import pip_install

__all__ = ["FILES", "INSTALL", "find", "is_on", "kernels", "mark", "missing"]

# The extra `fast` by its packages, for eagerflow itself may have come from anywhere.
INSTALL = pip_install("llvmlite", "numba")
_VARIABLE = "EAGERFLOW_KERNELS"
# The files of this folder with compiled variants of kernels.
FILES = "activations batch_norm convolution depthwise gru lstm maximum".split()
FILES += "optimizers recurrent softmax winograd".split()
_BY_PRODUCTS = ("gru", "lstm", "recurrent")  # which multiply by the BLAS of NumPy's wheels


def find(file: str, name: str) -> Callable[..., Any] | None:
    """The compiled variant of a plain kernel; None where plain kernels are used, and where there is none."""
    if file not in FILES or not is_on():
        return None
    if file in _BY_PRODUCTS and not import_module("eagerflow.compiled.jit").gives_products():
        return None
    return getattr(import_module(f"eagerflow.compiled.{file}"), name, None)


@cache
def is_on() -> bool:
    """Whether compiled kernels are asked for and possible.

    Raises:
        ValueError: when the environment's `EAGERFLOW_KERNELS` is neither `compiled` nor `plain`.
        ImportError: when it asks for them and Numba is missing.
    """
    asked = os.environ.get(_VARIABLE, "")
    if asked:
        expect_one_of("", _VARIABLE, asked, ("compiled", "plain"))
    if asked == "compiled" and missing():
        raise ImportError(f"{_VARIABLE}=compiled needs numba; 'eagerflow[fast]' brings it. Fix: {INSTALL}")
    return asked == "compiled" or (asked != "plain" and _mark().exists() and not missing())


def missing() -> bool:
    """Whether Numba isn't installed."""
    return find_spec("numba") is None


def _mark() -> Any:
    """The file that says that `python -m eagerflow compile` was run by this user."""
    return home() / "compiled_kernels"


def mark(used: bool) -> None:
    """Let this user's programs use compiled kernels, or no longer.

    Raises:
        OSError: when the folder can't be written to.
    """
    if used:
        make_home()
        _mark().touch()
    else:
        _mark().unlink(missing_ok=True)


def kernels() -> str:
    """Which kernels are in use: `"plain"` (NumPy and BLAS), or `"compiled"` (compiled ones where there are any).

    `python -m eagerflow compile` switches compiled kernels on for all programs of a user (it needs the extra `fast`),
    the environment variable `EAGERFLOW_KERNELS` for one program. Their results may differ in the last bits.

    Raises:
        ValueError: when `EAGERFLOW_KERNELS` is neither `compiled` nor `plain`.
        ImportError: when it is `compiled` and the extra isn't installed.

    >>> ef.config.kernels()
    'plain'
    """
    return "compiled" if is_on() else "plain"
