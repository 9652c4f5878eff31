"""Which kernels compute which ops on a GPU; elsewhere, CuPy computes the op's mathematics."""

from __future__ import annotations

from typing import Any

from eagerflow.core.device import is_for_gpu_kernels
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.links import above
from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.gpu.epilogue import before_relu, finish
from eagerflow.kernels.gpu.products import product
from eagerflow.kernels.gpu.sums import leading_sum
from eagerflow.lowerings.matrices import gradients_by
from eagerflow.ops.matrices.products import matmul
from eagerflow.ops.neural.fused import dense

__all__: list[str] = []


def _sum(a: Any, axis: Any, keepdims: bool) -> Any:
    return leading_sum(a, axis, keepdims) if is_for_gpu_kernels(a) else None


above.sum_on_gpu = _sum


_of_left, _of_right = gradients_by(product)

lower(matmul, product, device="gpu")
lower_rule(matmul, _of_left, which=0, device="gpu")
lower_rule(matmul, _of_right, which=1, device="gpu")


def _dense(x: Any, kernel: Any, bias: Any, relu: bool = False) -> Any:
    if kernel.ndim != 2 or bias.ndim != 1 or bias.dtype != x.dtype:
        return None
    out = product(x, kernel)
    if out is None:
        return None
    finish(out, bias, relu)
    return out, out if relu else None


def _dense_rule(g: Any, needs: Any, x: Any, kernel: Any, positive: Any) -> Any:
    g = before_relu(g, positive)
    d_x = _of_left(g, x.shape, kernel) if needs[0] else None
    d_kernel = _of_right(g, x, kernel.shape) if needs[1] else None
    if (needs[0] and d_x is None) or (needs[1] and d_kernel is None):
        return None
    return d_x, d_kernel, wide_sum(g, tuple(range(g.ndim - 1))) if needs[2] else None


lower(dense, _dense, device="gpu")
lower_rule(dense, _dense_rule, device="gpu")
