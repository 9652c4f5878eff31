"""Convolutions."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.convolution import choice as convolution
from eagerflow.kernels.convolution.epilogue import sums_of_bias
from eagerflow.lowerings.dense import before_relu, finished
from eagerflow.ops.neural.convolution import conv, convolved, planned
from eagerflow.ops.neural.data_format import channels_first_to_last, is_channels_first, to_first
from eagerflow.ops.neural.fused import conv_bias
from eagerflow.ops.neural.halves import has_halves

__all__: list[str] = []

_of_conv = conv.op.rules[0]  # type: ignore[attr-defined]


def _conv_bias(
    inputs: Any,
    kernel: Any,
    bias: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
    relu: bool = False,
) -> Any:
    x = channels_first_to_last(inputs, data_format)
    plan = planned(x, kernel, strides, padding, dilation_rate)
    if x.dtype == kernel.dtype == bias.dtype and not has_halves(numpy, x):
        out = convolution.forward(numpy, x, kernel, *plan, epilogue=(bias, relu))
    else:
        out = finished(convolved(numpy, x, kernel, plan), bias, relu)
        if out is None:
            return None
    if is_channels_first(data_format):
        out = to_first(out)
    return out, plan, out if relu else None


def _conv_bias_gradients(
    g: Any, needs: Any, inputs: Any, kernel: Any, bias: Any, data_format: Any, plan: Any, positive: Any
) -> Any:
    g = before_relu(g, positive)
    d_bias = sums_of_bias(channels_first_to_last(g, data_format), bias.shape) if needs[2] else None
    return *_of_conv(numpy, g, needs[:2], inputs, kernel, data_format, plan), d_bias


lower(conv_bias, _conv_bias)
lower_rule(conv_bias, _conv_bias_gradients)
