"""Exponentials, logarithms, roots."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import op

__all__ = ["exp", "log", "tanh"]


@op(lambda g, out: g * out, floating=True)
def exp(xp: Any, x: Any) -> Any:
    """Elementwise e to the power of x."""
    return xp.exp(x)


@op(lambda g, x: g / x, floating=True)
def log(xp: Any, x: Any) -> Any:
    """Elementwise natural logarithm."""
    return xp.log(x)


@op(lambda g, out: g * (1 - out * out), floating=True)
def tanh(xp: Any, x: Any) -> Any:
    """Elementwise hyperbolic tangent."""
    return xp.tanh(x)
