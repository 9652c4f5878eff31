"""Fused ops for common chains: matrix product or convolution, bias, ReLU.

The numbers are those of the single ops, to the last bit; fusion saves passes over memory and calls. Observers see one
op, and `viz` shows the single ones as its parts.
"""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, ConvolutionPadding, DataFormat, Needs, Numpy, Padding, Rule, Sizes
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.op import op
from eagerflow.ops.matrices.products import matmul
from eagerflow.ops.neural.activations import relu as relu_of
from eagerflow.ops.neural.convolution import conv, placed, planned
from eagerflow.ops.neural.data_format import channels_first_to_last, is_channels_first
from eagerflow.ops.neural.transposed_convolution import conv_transpose, planned as planned_transposed
from eagerflow.ops.windows import convolution

__all__ = ["conv_bias", "conv_transpose_bias", "dense"]

_matmul, _conv, _transposed = matmul.op, conv.op, conv_transpose.op  # type: ignore[attr-defined]
_of_left, _of_right = _matmul.rules


def _finished(xp: Numpy, out: Array, bias: Any, relu: bool) -> Any:
    """`out` with bias and activation."""
    out = out + bias
    return xp.maximum(out, 0) if relu else out


def _before_relu(g: Any, positive: Any) -> Any:
    """The gradient in front of the activation; `positive` are relu's outputs, None without it."""
    return g if positive is None else g * (positive > 0)


def _of_bias(g: Any) -> Any:
    return wide_sum(g, tuple(range(g.ndim - 1)))


def _dense_rule(g: Array, needs: Needs, x: Array, kernel: Array, positive: Any) -> Any:
    g = _before_relu(g, positive)
    d_x = _of_left(g, x.shape, kernel) if needs[0] else None
    return d_x, _of_right(g, x, kernel.shape) if needs[1] else None, _of_bias(g) if needs[2] else None


def _dense_plainly(x: Any, kernel: Any, bias: Any, relu: bool, **_: Any) -> Any:
    out = x @ kernel + bias
    return relu_of(out) if relu else out


@op(_dense_rule, joint=True, reference=_dense_plainly, saves=("positive",), floating=True, fused=("x",))
def dense(xp: Numpy, x: Array, kernel: Array, bias: Array, relu: bool = False) -> Any:
    """`x @ kernel + bias`, with `relu` its positive part.

    Args:
        x: (..., inputs), of at least two axes.
        kernel: (inputs, units).
        bias: (units,).
        relu: whether negative numbers become 0.

    Returns:
        (..., units).

    Raises:
        ValueError: when the lengths of inputs differ.
    """
    out = _finished(xp, _matmul.forward(xp, x, kernel), bias, relu)
    return out, out if relu else None


def _finished_plainly(out: Any, bias: Any, data_format: DataFormat | None, relu: bool) -> Any:
    if is_channels_first(data_format):
        bias = bias.reshape((-1,) + (1,) * (out.ndim - 2))
    return relu_of(out + bias) if relu else out + bias


def _rule_with_bias(of_convolution: Rule) -> Rule:
    """The rule of a convolution with bias and relu, from that of the convolution alone."""

    def rule(
        xp: Numpy,
        g: Array,
        needs: Needs,
        inputs: Array,
        kernel: Array,
        data_format: DataFormat | None,
        plan: Any,
        positive: Any,
    ) -> Any:
        g = _before_relu(g, positive)
        d_bias = _of_bias(channels_first_to_last(g, data_format)) if needs[2] else None
        return *of_convolution(xp, g, needs[:2], inputs, kernel, data_format, plan), d_bias

    return rule


def _conv_plainly(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Sizes,
    padding: ConvolutionPadding,
    data_format: DataFormat | None,
    dilation_rate: Sizes,
    relu: bool,
    **_: Any,
) -> Any:
    return _finished_plainly(
        conv(inputs, kernel, strides, padding, data_format, dilation_rate), bias, data_format, relu
    )


@op(
    _rule_with_bias(_conv.rules[0]),
    joint=True,
    reference=_conv_plainly,
    saves=("plan", "positive"),
    arrays=("inputs", "kernel", "bias"),
    fused=("inputs",),
)
def conv_bias(
    xp: Numpy,
    inputs: Array,
    kernel: Array,
    bias: Array,
    strides: Sizes = 1,
    padding: ConvolutionPadding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: Sizes = 1,
    relu: bool = False,
) -> Any:
    """`conv` plus a number per filter, with `relu` its positive part.

    Args:
        inputs: as for `conv`.
        kernel: as for `conv`.
        bias: (filters,).
        strides: as for `conv`.
        padding: as for `conv`.
        data_format: as for `conv`.
        dilation_rate: as for `conv`.
        relu: whether negative numbers become 0.

    Returns:
        (batch, *outputs, filters), or (batch, filters, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.
    """
    x = channels_first_to_last(inputs, data_format)
    plan = planned(x, kernel, strides, padding, dilation_rate)
    out = placed(_finished(xp, convolution.forward(xp, x, kernel, *plan), bias, relu), data_format)
    return out, plan, out if relu else None


def _transposed_plainly(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Sizes,
    padding: Padding,
    output_padding: Sizes | None,
    data_format: DataFormat | None,
    dilation_rate: Sizes,
    relu: bool,
    **_: Any,
) -> Any:
    out = conv_transpose(inputs, kernel, strides, padding, output_padding, data_format, dilation_rate)
    return _finished_plainly(out, bias, data_format, relu)


@op(
    _rule_with_bias(_transposed.rules[0]),
    joint=True,
    reference=_transposed_plainly,
    saves=("plan", "positive"),
    arrays=("inputs", "kernel", "bias"),
    fused=("inputs",),
)
def conv_transpose_bias(
    xp: Numpy,
    inputs: Array,
    kernel: Array,
    bias: Array,
    strides: Sizes = 1,
    padding: Padding = "valid",
    output_padding: Sizes | None = None,
    data_format: DataFormat | None = None,
    dilation_rate: Sizes = 1,
    relu: bool = False,
) -> Any:
    """`conv_transpose` plus a number per filter, with `relu` its positive part.

    Args:
        inputs: as for `conv_transpose`.
        kernel: as for `conv_transpose`.
        bias: (filters,).
        strides: as for `conv_transpose`.
        padding: as for `conv_transpose`.
        output_padding: as for `conv_transpose`.
        data_format: as for `conv_transpose`.
        dilation_rate: as for `conv_transpose`.
        relu: whether negative numbers become 0.

    Returns:
        (batch, *outputs, filters), or (batch, filters, *outputs).

    Raises:
        ValueError: when shapes and settings don't fit together.
    """
    x = channels_first_to_last(inputs, data_format)
    plan = planned_transposed(x, kernel, strides, padding, output_padding, dilation_rate)
    out = placed(_finished(xp, convolution.input_gradient(xp, x, kernel, plan), bias, relu), data_format)
    return out, plan, out if relu else None
