"""What follows a product: bias and relu in one launch, and relu's gradient."""

from __future__ import annotations

from functools import cache
from typing import Any

from eagerflow.core.device import load_cupy

__all__ = ["before_relu", "finish"]


@cache
def _kernels() -> tuple[Any, Any, Any]:
    made = load_cupy().ElementwiseKernel
    # NaN stays NaN, as in maximum(x, 0).
    return (
        made("T out_before, T bias", "T out", "out = out_before + bias", "eagerflow_add_bias"),
        made(
            "T out_before, T bias",
            "T out",
            "const T x = out_before + bias; out = x <= (T)0 ? (T)0 : x",
            "eagerflow_add_bias_relu",
        ),
        made("T g, T positive", "T out", "out = positive > (T)0 ? g : (T)0 * g", "eagerflow_relu_gradient"),
    )


def finish(out: Any, bias: Any, relu: bool) -> None:
    """Add a bias to the last axis of `out`, which is contiguous, and with `relu` take the positive part; in place."""
    _kernels()[1 if relu else 0](out, bias, out)


def before_relu(g: Any, positive: Any) -> Any:
    """The gradient in front of the activation; `positive` are relu's outputs, None without it."""
    return g if positive is None else _kernels()[2](g, positive)
