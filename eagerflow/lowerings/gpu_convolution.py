"""Convolutions on a GPU; grouped ones and halves are computed by the op's mathematics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.core.dtypes import wide_sum
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.gpu import convolution as kernels
from eagerflow.kernels.gpu.epilogue import before_relu, finish
from eagerflow.lowerings.convolution import Plan, forward_of, forward_with_bias
from eagerflow.ops.neural.convolution import conv, placed, planned
from eagerflow.ops.neural.data_format import channels_first_to_last
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias
from eagerflow.ops.neural.transposed_convolution import conv_transpose, planned as planned_transposed

__all__: list[str] = []


def _conv_gradients(x: Any, g: Any, kernel: Any, needs: Any, plan: Any) -> Any:
    dx = kernels.input_gradient(g, kernel, *plan) if needs[0] else None
    return dx, kernels.kernel_gradient(x, g, kernel.shape, *plan) if needs[1] else None


def _transposed_gradients(x: Any, g: Any, kernel: Any, needs: Any, plan: Any) -> Any:
    dx = kernels.forward(g, kernel, plan) if needs[0] else None
    return dx, kernels.kernel_gradient(g, x, kernel.shape, plan) if needs[1] else None


def _rule(gradients: Callable[..., Any]) -> Callable[..., Any]:
    """A rule, by gradients on channels-last arrays; None where one of these is None."""

    def rule(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
        x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
        dx, dk = gradients(x, g, kernel, needs, plan)
        if (needs[0] and dx is None) or (needs[1] and dk is None):
            return None
        return placed(dx, data_format), dk

    return rule


def _rule_with_bias(gradients: Callable[..., Any]) -> Callable[..., Any]:
    without = _rule(gradients)

    def rule(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any, positive: Any) -> Any:
        g = before_relu(g, positive)
        found = without(g, needs[:2], inputs, kernel, data_format, plan)
        if found is None:
            return None
        last = channels_first_to_last(g, data_format)
        return *found, wide_sum(last, tuple(range(last.ndim - 1))) if needs[2] else None

    return rule


def _register(
    plain: Any, with_bias: Any, plan: Plan, compute: Callable[..., Any], gradients: Callable[..., Any]
) -> None:
    """Let the kernels compute an op and the one with bias and relu behind it."""

    def computed(x: Any, kernel: Any, bias: Any, relu: bool, *plan: Any) -> Any:
        out = compute(x, kernel, *plan)
        if out is None or bias.dtype != out.dtype:
            return None
        finish(out, bias, relu)
        return out

    lower(plain, forward_of(plan, compute), device="gpu")
    lower_rule(plain, _rule(gradients), device="gpu")
    lower(with_bias, forward_with_bias(plan, computed), device="gpu")
    lower_rule(with_bias, _rule_with_bias(gradients), device="gpu")


_register(conv, conv_bias, planned, kernels.forward, _conv_gradients)
_register(conv_transpose, conv_transpose_bias, planned_transposed, kernels.input_gradient, _transposed_gradients)
