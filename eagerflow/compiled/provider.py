"""Gives the compiled twins of plain kernels, where compiled kernels are used at all."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["FILES", "find", "kernels"]

# The files of `twins/`.
FILES = (
    "activations",
    "average",
    "batch_norm",
    "convolution",
    "depthwise",
    "exponential",
    "extremes",
    "gelu",
    "gru",
    "layer_norm",
    "lstm",
    "maximum",
    "optimizers",
    "recurrent",
    "softmax",
    "winograd",
)


def find(file: str, name: str) -> Callable[..., Any] | None:
    """The compiled twin of a plain kernel; None where plain kernels are used or faster, and where there is none."""
    if file not in FILES or not import_module("eagerflow.compiled.choice").is_on():
        return None
    if (file, name) in import_module("eagerflow.compiled.beaten").beaten():
        return None
    return getattr(import_module(f"eagerflow.compiled.twins.{file}"), name, None)


def kernels() -> str:
    """Which kernels are in use: `"plain"` (NumPy and BLAS), or `"compiled"` (compiled ones where they are faster).

    `python -m eagerflow compile` switches compiled kernels on for all programs of a user (it needs the extra `fast`),
    the environment variable `EAGERFLOW_KERNELS` for one program. Their results may differ in the last bits.

    Raises:
        ValueError: when `EAGERFLOW_KERNELS` is neither `compiled` nor `plain`.
        ImportError: when it is `compiled` and the extra isn't installed.

    >>> ef.config.kernels()
    'plain'
    """
    return "compiled" if import_module("eagerflow.compiled.choice").is_on() else "plain"
