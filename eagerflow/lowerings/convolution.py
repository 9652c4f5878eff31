"""Convolutions: each by the algorithm that its shapes make the quickest; halves through float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

__all__ = ["Plan", "forward_of", "forward_with_bias"]

Plan = Callable[..., Any]  # makes of channels-last inputs, kernel and settings what the op saves of them


def _arguments(plan: Any) -> tuple[Any, ...]:
    """A plan as arguments of a kernel."""
    return plan if type(plan) is tuple else (plan,)


def forward_of(plan: Plan, compute: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel of an op, by `compute(x, kernel, *plan)` on channels-last arrays; None from it is the answer, too."""

    def forward(inputs: Any, kernel: Any, *settings: Any) -> Any:
        *windows, data_format, dilation = settings
        x = channels_first_to_last(inputs, data_format)
        made = plan(x, kernel, *windows, dilation)
        out = compute(x, kernel, *_arguments(made))
        return None if out is None else (placed(out, data_format), made)

    return forward


def forward_with_bias(plan: Plan, compute: Callable[..., Any]) -> Callable[..., Any]:
    """The same of an op with bias and relu, by `compute(x, kernel, bias, relu, *plan)`."""

    def forward(inputs: Any, kernel: Any, bias: Any, *settings: Any) -> Any:
        *windows, data_format, dilation, relu = settings
        x = channels_first_to_last(inputs, data_format)
        made = plan(x, kernel, *windows, dilation)
        out = compute(x, kernel, bias, relu, *_arguments(made))
        if out is None:
            return None
        out = placed(out, data_format)
        return out, made, out if relu else None

    return forward


def _in_float32(function: Any) -> Callable[..., Any]:
    """`function(x, kernel, *plan)`; of halves in float32, rounded once."""

    def compute(x: Any, kernel: Any, *plan: Any) -> Any:
        if not has_halves(x, kernel):
            return function(x, kernel, *plan)
        return narrow(function(*wide(x, kernel), *plan), common_dtype(x.dtype, kernel.dtype))

    return compute


def _with_bias(function: Any) -> Callable[..., Any]:
    """The same with bias and relu behind it; None for types that none of it takes."""

    def compute(x: Any, kernel: Any, bias: Any, relu: bool, *plan: Any) -> Any:
        if x.dtype == kernel.dtype == bias.dtype and not has_halves(x):
            return function(x, kernel, *plan, epilogue=(bias, relu))
        return finished(_in_float32(function)(x, kernel, *plan), bias, relu)

    return compute


def _planned(*arguments: Any) -> Any:
    return *planned(*arguments), Looked()


def _rule(gradients: Callable[..., Any]) -> Callable[..., Any]:
    """A rule, by `gradients(x, g, kernel, needs, plan)` on channels-last arrays of float32 and wider."""

    def rule(g: Any, needs: Any, inputs: Any, kernel: Any, data_format: Any, plan: Any) -> Any:
        x, g = channels_first_to_last(inputs, data_format), channels_first_to_last(g, data_format)
        dtypes = x.dtype, kernel.dtype
        if has_halves(x, kernel):
            x, g, kernel = wide(x, g, kernel)
        dx, dk = gradients(x, g, kernel, needs, plan)
        return placed(narrow(dx, dtypes[0]), data_format), narrow(dk, dtypes[1])

    return rule


def _gradients_before(
    gradients: Any, g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    """Gradients of inputs and kernel, by `gradients`, and of the bias behind them; `positive`: the outputs of relu."""
    g = before_relu(g, positive)
    d_bias = sums_of_bias(channels_first_to_last(g, data_format), bias.shape) if needs[2] else None
    return *gradients(g, needs[:2], inputs, kernel, data_format, plan), d_bias


_conv_rule = _rule(lambda x, g, kernel, needs, plan: kernels.gradients(x, g, kernel, needs, *plan))


def _conv_bias_rule(
    g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    if positive is not None and needs[1] and needs[2] and not needs[0] and not has_halves(inputs, kernel):
        x, arriving, kept = [channels_first_to_last(a, data_format) for a in (inputs, g, positive)]
        found = kernels.gradients_of_first(x, arriving, kept, kernel.shape, *plan)
        if found is not None:
            return None, *found
    return _gradients_before(_conv_rule, g, needs, inputs, kernel, bias, data_format, plan, positive)


lower(conv, forward_of(_planned, _in_float32(kernels.forward)))
lower_rule(conv, _conv_rule)
lower(conv_bias, forward_with_bias(_planned, _with_bias(kernels.forward)))
lower_rule(conv_bias, _conv_bias_rule)


def _depthwise_gradients(x: Any, g: Any, kernel: Any, needs: Any, plan: Any) -> Any:
    dx = depthwise.input_gradient(g, kernel, plan) if needs[0] else None
    return dx, depthwise.kernel_gradient(x, g, kernel.shape, plan) if needs[1] else None


def _transposed_gradients(x: Any, g: Any, kernel: Any, needs: Any, plan: Any) -> Any:
    of_g = Looked()
    dx = kernels.forward(g, kernel, plan, 1, of_g) if needs[0] else None
    return dx, kernels.kernel_gradient(g, x, kernel.shape, plan, 1, (of_g, None)) if needs[1] else None


_transposed_rule = _rule(_transposed_gradients)


def _transposed_bias_rule(
    g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    return _gradients_before(_transposed_rule, g, needs, inputs, kernel, bias, data_format, plan, positive)


lower(depthwise_conv, forward_of(planned_depthwise, _in_float32(depthwise.forward)))
lower_rule(depthwise_conv, _rule(_depthwise_gradients))
lower(conv_transpose, forward_of(planned_transposed, _in_float32(kernels.input_gradient)))
lower_rule(conv_transpose, _transposed_rule)
lower(conv_transpose_bias, forward_with_bias(planned_transposed, _with_bias(kernels.input_gradient)))
lower_rule(conv_transpose_bias, _transposed_bias_rule)
