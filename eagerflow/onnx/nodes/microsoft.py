"""Nodes of onnxruntime's own domain, `com.microsoft`, which its optimizer makes of several others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow import ops
from eagerflow.onnx.nodes.elementwise import NODES as ELEMENTWISE
from eagerflow.onnx.nodes.normalizing import layer_norm, rms_norm
from eagerflow.onnx.nodes.quantized import NODES as QUANTIZED
from eagerflow.onnx.nodes.reducing import NODES as REDUCING
from eagerflow.onnx.nodes.values import as_type
from eagerflow.onnx.nodes.windows import convolved

__all__ = ["NODES"]


def _biased(activation: Callable[..., Any]) -> Callable[..., Any]:
    def run(x: Any, bias: Any = None) -> Any:
        return as_type(activation(x if bias is None else ops.add(x, bias)), x.dtype)

    return run


def _fused_matmul(
    x: Any, y: Any, *, alpha: float = 1.0, transA: int = 0, transB: int = 0, transBatchA: int = 0, transBatchB: int = 0
) -> Any:
    if transBatchA or transBatchB:
        raise ValueError("transBatchA and transBatchB aren't known here.")
    x = ops.swapaxes(x, -1, -2) if transA else x
    y = ops.swapaxes(y, -1, -2) if transB else y
    made = REDUCING["MatMul"](x, y)
    return made if alpha == 1.0 else as_type(ops.multiply(made, alpha), x.dtype)


def _fused_conv(
    x: Any,
    kernel: Any,
    bias: Any = None,
    other: Any = None,
    *,
    activation: str = "",
    activation_params: Any = None,
    **how: Any,
) -> Any:
    made = convolved(x, kernel, bias, **how)
    made = made if other is None else ops.add(made, other)
    return _activated(made, activation, activation_params)


def _activated(x: Any, name: str, given: Any) -> Any:
    if not name:
        return x
    words = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "Clip": ("min", "max")}.get(name, ())
    if name not in ("Relu", "Tanh", "Sigmoid", "LeakyRelu", "HardSigmoid", "Clip"):
        raise ValueError(f"activation={name!r:.40}.")
    return ELEMENTWISE[name](x, **dict(zip(words, given or ())))


def _fused_gemm(
    x: Any,
    y: Any,
    bias: Any = None,
    *,
    activation: str = "",
    activation_alpha: Any = None,
    activation_beta: Any = None,
    **how: Any,
) -> Any:
    given = [number for number in (activation_alpha, activation_beta) if number is not None]
    return _activated(REDUCING["Gemm"](x, y, bias, **how), activation, given)


def _skip_layer_norm(
    x: Any, skip: Any, scale: Any, beta: Any = None, bias: Any = None, *, epsilon: float = 1e-12, outputs: int = 1
) -> Any:
    total = ops.add(x, skip) if bias is None else ops.add(ops.add(x, skip), bias)
    return [layer_norm(total, scale, beta, epsilon=epsilon), None, None, total][:outputs]


def _skip_rms_norm(x: Any, skip: Any, scale: Any, bias: Any = None, *, epsilon: float = 1e-12, outputs: int = 1) -> Any:
    total = ops.add(x, skip) if bias is None else ops.add(ops.add(x, skip), bias)
    return [rms_norm(total, scale, epsilon=epsilon), None, None, total][:outputs]


NODES: dict[str, Callable[..., Any]] = {
    "com.microsoft.Gelu": ELEMENTWISE["Gelu"],
    "com.microsoft.BiasGelu": _biased(lambda x: ops.gelu(x, approximate=False)),
    "com.microsoft.FastGelu": _biased(lambda x: ops.gelu(x, approximate=True)),
    "com.microsoft.QuickGelu": lambda x, *, alpha=1.702: ELEMENTWISE["Swish"](x, alpha=alpha),
    "com.microsoft.FusedMatMul": _fused_matmul,
    "com.microsoft.FusedConv": _fused_conv,
    "com.microsoft.FusedGemm": _fused_gemm,
    "com.microsoft.SkipLayerNormalization": _skip_layer_norm,
    "com.microsoft.SkipSimplifiedLayerNormalization": _skip_rms_norm,
    "com.microsoft.DequantizeLinear": QUANTIZED["DequantizeLinear"],
    "com.microsoft.QuantizeLinear": QUANTIZED["QuantizeLinear"],
    "SimplifiedLayerNormalization": rms_norm,
}
