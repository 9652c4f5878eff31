"""Activation functions and their crossentropy on large arrays, in pieces that stay in the processor's cache."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.core.host_arrays import errstate
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.elementwise import activations as kernels
from eagerflow.kernels.elementwise.gelu import gelu, gelu_gradient
from eagerflow.kernels.machine.blocks import fits
from eagerflow.kernels.machine.costs import Blocks
from eagerflow.kernels.machine.numbers import ONE
from eagerflow.ops.neural.activations import elu, gelu_exact, gelu_tanh, leaky_relu, relu, sigmoid, silu, softplus
from eagerflow.ops.neural.dropout import masked_scale

__all__: list[str] = []


def _sigmoid(x: Any) -> Any:
    one = ONE.get(x.dtype)
    if one is None:
        return None
    with errstate(over="ignore"):
        if x.size >= Blocks.SMALL and fits(x):
            return kernels.sigmoid(x)
        e = numpy.exp(-x)
    e += one
    return one / e


def _silu(x: Any) -> Any:
    with errstate(over="ignore"):
        return kernels.silu(x)


def _silu_gradient(g: Any, x: Any) -> Any:
    with errstate(over="ignore"):
        return kernels.silu_gradient(g, x)


def _softplus_gradient(g: Any, x: Any) -> Any:
    with errstate(over="ignore"):
        return kernels.softplus_gradient(g, x)


def _is_gentle(x: Any, negative_slope: Any = 0.2) -> bool:
    """Whether a leaky relu is the larger of two lines."""
    return fits(x) and isinstance(negative_slope, (float, int)) and 0 < negative_slope <= 1


lower(relu, kernels.relu, fits, Blocks.SMALL)
lower_rule(relu, kernels.relu_gradient, fits)
lower(leaky_relu, kernels.leaky_relu, _is_gentle, Blocks.SMALL)
lower_rule(leaky_relu, kernels.leaky_relu_gradient, lambda g, x, negative_slope: fits(x, g))
lower(sigmoid, _sigmoid)
lower_rule(sigmoid, kernels.sigmoid_gradient, fits)
lower(silu, _silu, fits, Blocks.SMALL)
lower_rule(silu, _silu_gradient, fits)
lower(softplus, kernels.softplus, fits, Blocks.SMALL)
lower_rule(softplus, _softplus_gradient, fits)
lower(elu, kernels.elu, lambda x, alpha=1.0: fits(x) and isinstance(alpha, (float, int)), Blocks.SMALL)
lower_rule(elu, kernels.elu_gradient, lambda g, x, out, alpha: fits(x, g, out) and alpha >= 0)
lower(gelu_tanh, kernels.gelu_tanh, fits, Blocks.SMALL)
lower_rule(gelu_tanh, kernels.gelu_tanh_gradient, fits)
lower(gelu_exact, gelu, lambda x, keep: fits(x) and x.dtype == "float32", Blocks.SMALL)
lower_rule(gelu_exact, gelu_gradient, fits)


def _is_plain_mask(x: Any, mask: Any, scale: float = 1.0) -> bool:
    return fits(x) and mask.shape == x.shape


lower(masked_scale, kernels.masked, _is_plain_mask, Blocks.SMALL)
lower_rule(
    masked_scale,
    lambda g, mask, scale: kernels.masked(g, mask, scale),
    lambda g, mask, scale: fits(g) and mask.shape == g.shape,
)
