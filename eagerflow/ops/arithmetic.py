"""The basic operations of arithmetic. The tape sums a gradient over broadcast axes, so rules need not."""

from __future__ import annotations

from typing import Any

from eagerflow.core.op import op

__all__ = ["add", "divide", "multiply", "negative", "power", "subtract"]


@op(lambda g: g, lambda g: g, weak=True, promotes=True)
def add(xp: Any, x1: Any, x2: Any) -> Any:
    """Elementwise `x1 + x2`, broadcast."""
    return x1 + x2


@op(lambda g: g, lambda g: -g, weak=True, promotes=True)
def subtract(xp: Any, x1: Any, x2: Any) -> Any:
    """Elementwise `x1 - x2`, broadcast."""
    return x1 - x2


@op(lambda g, x2: g * x2, lambda g, x1: g * x1, weak=True, promotes=True)
def multiply(xp: Any, x1: Any, x2: Any) -> Any:
    """Elementwise `x1 * x2`, broadcast."""
    return x1 * x2


@op(lambda g, x2: g / x2, lambda g, out, x2: -g * out / x2, weak=True, promotes=True)
def divide(xp: Any, x1: Any, x2: Any) -> Any:
    """Elementwise `x1 / x2`, broadcast; integers give floats."""
    return x1 / x2


@op(lambda g: -g)
def negative(xp: Any, x: Any) -> Any:
    """Elementwise `-x`."""
    return -x


def _power_base_rule(xp: Any, g: Any, x1: Any, x2: Any) -> Any:
    # 0 ** -1 would be infinite where the factor x2 is 0: there the derivative is 0.
    return (
        g * x2 * x1 ** xp.where(xp.equal(x2, 0), 1, x2 - 1)
        if hasattr(x2, "dtype")
        else g * x2 * x1 ** (x2 - 1)
    )


def _power_exponent_rule(xp: Any, g: Any, x1: Any, out: Any) -> Any:
    # log(0) appears only beside 0 ** x2 == 0: the derivative there is 0.
    return g * out * xp.log(xp.where(xp.equal(x1, 0), 1, x1))


@op(_power_base_rule, _power_exponent_rule, weak=True, promotes=True)
def power(xp: Any, x1: Any, x2: Any) -> Any:
    """Elementwise `x1 ** x2`, broadcast."""
    return x1**x2
