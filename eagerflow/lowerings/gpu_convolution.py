"""Convolutions on a GPU; grouped ones and halves are computed by the op's mathematics."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import ConvolutionPadding, Padding
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.gpu import convolution as kernels
from eagerflow.kernels.gpu.epilogue import before_relu, finish
from eagerflow.ops.neural.convolution import conv, placed, planned
from eagerflow.ops.neural.data_format import channels_first_to_last
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias
from eagerflow.ops.neural.transposed_convolution import conv_transpose, planned as planned_transposed

__all__: list[str] = []


def _gradients(of_x: Any, of_kernel: Any, needs: Any) -> Any:
    """Both gradients, each by a function; None where one of them gives None."""
    dx = of_x() if needs[0] else None
    if needs[0] and dx is None:
        return None
    dk = of_kernel() if needs[1] else None
    return None if needs[1] and dk is None else (dx, dk)


def _conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: ConvolutionPadding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = planned(x, kernel, strides, padding, dilation_rate)
    out = kernels.forward(x, kernel, *plan)
    return None if out is None else (placed(out, data_format), plan)


def _conv_gradients(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    found = _gradients(
        lambda: kernels.input_gradient(g, kernel, *plan),
        lambda: kernels.kernel_gradient(x, g, kernel.shape, *plan),
        needs,
    )
    return None if found is None else (placed(found[0], data_format), found[1])


lower(conv, _conv, device="gpu")
lower_rule(conv, _conv_gradients, device="gpu")


def _transposed(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = planned_transposed(x, kernel, strides, padding, output_padding, dilation_rate)
    out = kernels.input_gradient(x, kernel, plan)
    return None if out is None else (placed(out, data_format), plan)


def _transposed_gradients(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    found = _gradients(
        lambda: kernels.forward(g, kernel, plan), lambda: kernels.kernel_gradient(g, x, kernel.shape, plan), needs
    )
    return None if found is None else (placed(found[0], data_format), found[1])


lower(conv_transpose, _transposed, device="gpu")
lower_rule(conv_transpose, _transposed_gradients, device="gpu")


def _with_bias(out: Any, bias: Any, relu: bool, data_format: Any, plan: Any) -> Any:
    """A convolution's result, channels last, with bias and relu, and what the op saves."""
    if out is None or bias.dtype != out.dtype:
        return None
    finish(out, bias, relu)
    out = placed(out, data_format)
    return out, plan, out if relu else None


def _conv_bias(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Any = 1,
    padding: ConvolutionPadding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    relu: bool = False,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = planned(x, kernel, strides, padding, dilation_rate)
    return _with_bias(kernels.forward(x, kernel, *plan), bias, relu, data_format, plan)


def _transposed_bias(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
    relu: bool = False,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = planned_transposed(x, kernel, strides, padding, output_padding, dilation_rate)
    return _with_bias(kernels.input_gradient(x, kernel, plan), bias, relu, data_format, plan)


def _rule_with_bias(gradients: Any) -> Any:
    def rule(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any, positive: Any) -> Any:
        g = before_relu(g, positive)
        found = gradients(g, needs[:2], inputs, kernel, data_format, plan)
        if found is None:
            return None
        last = channels_first_to_last(g, data_format)
        return *found, wide_sum(last, tuple(range(last.ndim - 1))) if needs[2] else None

    return rule


lower(conv_bias, _conv_bias, device="gpu")
lower_rule(conv_bias, _rule_with_bias(_conv_gradients), device="gpu")
lower(conv_transpose_bias, _transposed_bias, device="gpu")
lower_rule(conv_transpose_bias, _rule_with_bias(_transposed_gradients), device="gpu")
