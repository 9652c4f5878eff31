"""Which kernels run: plain ones, of NumPy and BLAS, or compiled ones in front of them."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

from eagerflow.base.errors import expect_one_of
from eagerflow.base.text.extras import pip_install
from eagerflow.compiled import store

__all__ = ["INSTALL", "asked", "is_on", "mark", "missing"]

# The extra `fast` by its packages, for eagerflow itself may have come from anywhere.
INSTALL = pip_install("llvmlite", "numba")

_VARIABLE = "EAGERFLOW_KERNELS"
_MARK = "used"


@cache
def asked() -> str:
    """What the environment's `EAGERFLOW_KERNELS` asks for: `"compiled"`, `"plain"`, or `""` when it says nothing.

    Raises:
        ValueError: for anything else.
    """
    value = os.environ.get(_VARIABLE, "")
    if value:
        expect_one_of("", _VARIABLE, value, ("compiled", "plain"))
    return value


@cache
def is_on() -> bool:
    """Whether compiled kernels are asked for and possible.

    Raises:
        ImportError: when the environment asks for them and a package is missing.
    """
    if asked() == "plain":
        return False
    if asked() == "compiled":
        if missing():
            needed = " and ".join(missing())
            raise ImportError(f"{_VARIABLE}=compiled needs {needed}; 'eagerflow[fast]' brings both. Fix: {INSTALL}")
        return True
    return is_marked() and not missing()


def missing() -> list[str]:
    """The packages of the `fast` extra that aren't installed."""
    return [name for name in ("llvmlite", "numba") if find_spec(name) is None]


def is_marked() -> bool:
    """Whether `python -m eagerflow compile` was run by this user."""
    try:
        return store.is_ours(store.folder() / _MARK)
    except OSError:
        return False


def mark(used: bool) -> bool:
    """Let this user's programs use compiled kernels, or no longer; False where the folder can't be written to."""
    if used:
        return store.write(_MARK, b"")
    (store.folder() / _MARK).unlink(missing_ok=True)
    return True
