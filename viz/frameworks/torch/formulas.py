"""Floating-point operations of PyTorch's ops that mean none of eagerflow's: additions to `viz.facts.flops`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from viz.facts.flops import FORMULAS
from viz.facts.schema import Op, TensorInfo

__all__ = ["OF_TORCH", "add_formulas"]

Tensors = Sequence[TensorInfo]
_Formula = Callable[[Op, Tensors, Tensors], int]


def _size(tensor: TensorInfo) -> int:
    return math.prod(tensor.shape)


def _kernel(op: Op, read: Tensors, made: Tensors) -> int:
    """Each output is a sum over inputs and window: torch keeps kernels as (out, in, *window)."""
    return 2 * _size(made[0]) * math.prod(read[1].shape[1:])


def _transposed_kernel(op: Op, read: Tensors, made: Tensors) -> int:
    """Each input is multiplied into all outputs and the window: kernels are (in, out, *window)."""
    return 2 * _size(read[0]) * math.prod(read[1].shape[1:])


def _product_added(op: Op, read: Tensors, made: Tensors) -> int:
    return 2 * _size(made[0]) * read[1].shape[-1]


def _attention(op: Op, read: Tensors, made: Tensors) -> int:
    """Two products and a softmax (5 per score); (*batch, heads, length, size), all scores, masked ones too."""
    *heads, queries, size = read[0].shape
    return math.prod(heads) * queries * read[1].shape[-2] * (2 * size + 5 + 2 * read[2].shape[-1])


def _per_input(times: int) -> _Formula:
    return lambda op, read, made: times * _size(read[0])


def _per_output(times: int) -> _Formula:
    return lambda op, read, made: times * _size(made[0])


def _none(op: Op, read: Tensors, made: Tensors) -> int:
    return 0


_BY_NAMES: list[tuple[_Formula, str]] = [
    (_kernel, "conv1d conv2d conv3d"),
    (_transposed_kernel, "conv_transpose1d conv_transpose2d conv_transpose3d"),
    (_product_added, "addmm baddbmm"),
    (_attention, "scaled_dot_product_attention"),
    (_per_input(8), "instance_norm"),
    (_per_input(6), "cross_entropy"),
    (_per_input(4), "mse_loss l1_loss binary_cross_entropy binary_cross_entropy_with_logits nll_loss var std norm"),
    (_per_output(1), "hardtanh logical_not masked_fill rsqrt"),
    (_per_input(1), "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"),
    (_none, "narrow select zero repeat triu tril"),
]


OF_TORCH = {name: formula for formula, names in _BY_NAMES for name in names.split()}


def add_formulas() -> None:
    """Let recordings of PyTorch have FLOPs."""
    FORMULAS.update({name: formula for name, formula in OF_TORCH.items() if name not in FORMULAS})
