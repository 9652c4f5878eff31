"""Normalization and the crossentropy of classes on a GPU, in a few launches each."""

from __future__ import annotations

from typing import Any

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.gpu import crossentropy, normalization as kernels
from eagerflow.ops.neural.crossentropy import sparse_softmax_crossentropy
from eagerflow.ops.neural.normalization import layer_norm, normalize_batch

__all__: list[str] = []


def _normalize_batch(
    x: Any, scale: Any = None, offset: Any = None, axes: tuple[int, ...] = (0,), epsilon: Any = 1e-3
) -> Any:
    return kernels.normalize_batch(x, scale, offset, axes, epsilon) if epsilon.__class__ is float else None


def _layer_norm(x: Any, gamma: Any = None, beta: Any = None, axes: tuple[int, ...] = (-1,), epsilon: Any = 1e-3) -> Any:
    return kernels.layer_norm(x, gamma, beta, axes, epsilon) if epsilon.__class__ is float else None


lower(normalize_batch, _normalize_batch, device="gpu")
lower_rule(normalize_batch, kernels.batch_gradient, device="gpu")
lower(layer_norm, _layer_norm, device="gpu")
lower_rule(layer_norm, kernels.layer_gradient, device="gpu")


def _crossentropy_rule(g: Any, needs: Any, target: Any, output: Any, probabilities: Any) -> Any:
    found = crossentropy.gradient(g, target, output.shape, probabilities)
    return None if found is None else (None, found)


lower(sparse_softmax_crossentropy, crossentropy.crossentropy, device="gpu")
lower_rule(sparse_softmax_crossentropy, _crossentropy_rule, device="gpu")
