"""Convolutions: each by the algorithm that its shapes make the quickest; halves through float32."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Padding
from eagerflow.core.dtypes import common_dtype
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.convolution import choice as kernels
from eagerflow.kernels.convolution.depthwise import choice as depthwise
from eagerflow.kernels.convolution.epilogue import sums_of_bias
from eagerflow.kernels.convolution.outliers import Looked
from eagerflow.lowerings.dense import before_relu, finished
from eagerflow.lowerings.halves import has_halves, narrow, wide
from eagerflow.ops.neural.convolution import conv, depthwise_conv, placed, planned, planned_depthwise
from eagerflow.ops.neural.data_format import channels_first_to_last
from eagerflow.ops.neural.fused import conv_bias, conv_transpose_bias
from eagerflow.ops.neural.transposed_convolution import conv_transpose, planned as planned_transposed

__all__: list[str] = []


def _in_float32(function: Any, x: Any, kernel: Any, *plan: Any) -> Any:
    """`function(x, kernel, *plan)`; of halves in float32, rounded once."""
    if not has_halves(x, kernel):
        return function(x, kernel, *plan)
    wide_x, wide_kernel = wide(x, kernel)
    return narrow(function(wide_x, wide_kernel, *plan), common_dtype(x.dtype, kernel.dtype))


def _conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = *planned(x, kernel, strides, padding, dilation_rate), Looked()
    return placed(_in_float32(kernels.forward, x, kernel, *plan), data_format), plan


def _conv_gradients(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    if has_halves(x, kernel):
        wide_x, wide_g, wide_kernel = wide(x, g, kernel)
        dx, dk = kernels.gradients(wide_x, wide_g, wide_kernel, needs, *plan)
        dx, dk = narrow(dx, x.dtype), narrow(dk, kernel.dtype)
    else:
        dx, dk = kernels.gradients(x, g, kernel, needs, *plan)
    return placed(dx, data_format), dk


lower(conv, _conv)
lower_rule(conv, _conv_gradients)


def _with_bias(
    function: Any, x: Any, kernel: Any, bias: Any, relu: bool, data_format: Any, kept: Any, *plan: Any
) -> Any:
    """`function(x, kernel, *plan)` with bias and relu, and what the op saves; None for types that none of it takes."""
    if x.dtype == kernel.dtype == bias.dtype and not has_halves(x):
        out = function(x, kernel, *plan, epilogue=(bias, relu))
    else:
        out = finished(_in_float32(function, x, kernel, *plan), bias, relu)
        if out is None:
            return None
    out = placed(out, data_format)
    return out, kept, out if relu else None


def _gradients_before(
    gradients: Any, g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    """Gradients of inputs and kernel, by `gradients`, and of the bias behind them; `positive`: the outputs of relu."""
    g = before_relu(g, positive)
    d_bias = sums_of_bias(channels_first_to_last(g, data_format), bias.shape) if needs[2] else None
    return *gradients(g, needs[:2], inputs, kernel, data_format, plan), d_bias


def _conv_bias(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    relu: bool = False,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = *planned(x, kernel, strides, padding, dilation_rate), Looked()
    return _with_bias(kernels.forward, x, kernel, bias, relu, data_format, plan, *plan)


def _conv_bias_gradients(
    g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    if positive is not None and needs[1] and needs[2] and not needs[0] and not has_halves(inputs, kernel):
        x, given, kept = [channels_first_to_last(a, data_format) for a in (inputs, g, positive)]
        found = kernels.gradients_of_first(x, given, kept, kernel.shape, *plan)
        if found is not None:
            return None, *found
    return _gradients_before(_conv_gradients, g, needs, inputs, kernel, bias, data_format, plan, positive)


lower(conv_bias, _conv_bias)
lower_rule(conv_bias, _conv_bias_gradients)


def _depthwise(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = planned_depthwise(x, kernel, strides, padding, dilation_rate)
    return placed(_in_float32(depthwise.forward, x, kernel, plan), data_format), plan


def _depthwise_gradients(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    dtypes = x.dtype, kernel.dtype
    if has_halves(x, kernel):
        x, g, kernel = wide(x, g, kernel)
    dx = depthwise.input_gradient(g, kernel, plan) if needs[0] else None
    dk = depthwise.kernel_gradient(x, g, kernel.shape, plan) if needs[1] else None
    return placed(narrow(dx, dtypes[0]), data_format), narrow(dk, dtypes[1])


lower(depthwise_conv, _depthwise)
lower_rule(depthwise_conv, _depthwise_gradients)


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
    return placed(_in_float32(kernels.input_gradient, x, kernel, plan), data_format), plan


def _transposed_gradients(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
    x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
    dtypes, of_g = (x.dtype, kernel.dtype), Looked()
    if has_halves(x, kernel):
        x, g, kernel = wide(x, g, kernel)
    dx = kernels.forward(g, kernel, plan, 1, of_g) if needs[0] else None
    dk = kernels.kernel_gradient(g, x, kernel.shape, plan, 1, (of_g, None)) if needs[1] else None
    return placed(narrow(dx, dtypes[0]), data_format), narrow(dk, dtypes[1])


lower(conv_transpose, _transposed)
lower_rule(conv_transpose, _transposed_gradients)


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
    return _with_bias(kernels.input_gradient, x, kernel, bias, relu, data_format, plan, plan)


def _transposed_bias_gradients(
    g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    return _gradients_before(_transposed_gradients, g, needs, inputs, kernel, bias, data_format, plan, positive)


lower(conv_transpose_bias, _transposed_bias)
lower_rule(conv_transpose_bias, _transposed_bias_gradients)
