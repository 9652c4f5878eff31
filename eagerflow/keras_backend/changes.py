"""What is replaced or wrapped in modules of Keras where no backend is asked; the hook calls a function a module."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy

from eagerflow import Tensor, ops
from eagerflow.core import random as ef_random
from eagerflow.core.observe import scope, state
from eagerflow.ops.neural.normalization import normalize_batch

__all__ = ["announced_losses", "announced_metrics", "fused_batch_normalization", "fused_layer_normalization"]
__all__ += ["names_of_types", "no_distribution", "no_openvino", "one_seed", "our_onnx"]


def _ours(name: str) -> Any:
    return import_module(f"eagerflow.keras_backend.backend.{name}")


def names_of_types(module: ModuleType) -> None:
    """`standardize_dtype` of arrays' types: Keras asks it many times in each call of a layer."""
    standardize: Callable[[Any], str] = module.standardize_dtype
    known: dict[numpy.dtype, str] = {}

    @wraps(standardize)
    def cached(dtype: Any) -> str:
        if dtype.__class__ is str or not isinstance(dtype, numpy.dtype):
            return standardize(dtype)
        found = known.get(dtype)
        if found is None:
            found = known[dtype] = standardize(dtype)
        return found

    module.standardize_dtype = cached  # type: ignore[attr-defined]


def no_distribution(module: ModuleType) -> None:
    """`keras.src.backend`: what `keras.distribution` asks."""
    module.distribution_lib = _ours("distribution_lib")  # type: ignore[attr-defined]


def one_seed(module: ModuleType) -> None:
    """`keras.utils.set_random_seed`: sets the seed of eagerflow's own draws, too."""
    seed_theirs = module.set_random_seed

    @wraps(seed_theirs)
    def set_random_seed(seed: int) -> None:
        seed_theirs(seed)
        ef_random.set_random_seed(int(seed))

    module.set_random_seed = set_random_seed  # type: ignore[attr-defined]


def our_onnx(module: ModuleType) -> None:
    """`keras.src.export.onnx`: our writer, under the name of JAX'."""
    module._export_onnx_jax = _ours("export").export_onnx  # type: ignore[attr-defined]


def no_openvino(module: ModuleType) -> None:
    """`keras.src.export.openvino`: refused in a sentence."""
    module.export_openvino = _ours("export").export_openvino  # type: ignore[attr-defined]


def announced_losses(module: ModuleType) -> None:
    """`keras.src.losses.loss`: observers hear when a loss is computed, and may ask it for the loss of each row."""
    call, make = module.Loss.__call__, module.Loss.__init__

    @wraps(call)
    def announced(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with scope("loss", self.name, self, (y_true, y_pred)) as heard:
            found = heard.value = call(self, y_true, y_pred, sample_weight)
        return found

    @wraps(make)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.__dict__["created_at"] = _ours("observed").creation_site()

    module.Loss.__init__, module.Loss.__call__, module.Loss._compute = made, announced, call
    module.Loss.settings = property(
        lambda self: getattr(self, "_fn_kwargs", {})
    )  # `from_logits`, as losses of ours say


def announced_metrics(module: ModuleType) -> None:
    """`keras.src.metrics.metric`: observers hear when a metric takes in a batch."""

    def announce(cls: Any, **kwargs: Any) -> None:
        super(module.Metric, cls).__init_subclass__(**kwargs)
        if "update_state" in cls.__dict__ and cls.__module__ != "keras.src.trainers.compile_utils":  # lists of metrics
            cls.update_state = _announced(cls.update_state)

    module.Metric.__init_subclass__ = classmethod(announce)


def _announced(update_state: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(update_state)
    def announced(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not state.on or type(self).update_state is not announced:  # it is called by that of a subclass
            return update_state(self, *args, **kwargs)
        with scope("metric", self.name, self, args):
            return update_state(self, *args, **kwargs)

    return announced


def fused_batch_normalization(module: ModuleType) -> None:
    """`BatchNormalization` while it trains: one op for moments and normalization."""
    call = module.BatchNormalization.call
    tensor_of = _ours("adapting").tensor_of

    @wraps(call)
    def fused(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        plain = (
            training
            and self.trainable
            and mask is None
            and not getattr(self, "renorm", False)
            and not self.synchronized
        )
        if not plain or inputs.__class__ is not Tensor or inputs.dtype.name not in ("float32", "float64"):
            return call(self, inputs, training, mask)
        kind = inputs.dtype
        gamma = tensor_of(self.gamma).astype(kind) if self.scale else None
        beta = tensor_of(self.beta).astype(kind) if self.center else None
        axes = tuple(sorted([axis % inputs.ndim for axis in self._reduction_axes]))
        outputs, mean, variance = normalize_batch(inputs, gamma, beta, axes, self.epsilon)
        for average, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + now * (1.0 - self.momentum))
        return outputs.astype(self.compute_dtype)

    module.BatchNormalization.call = fused


def fused_layer_normalization(module: Any) -> None:
    """`layer_normalization` over the last axis: one op."""
    tensor_of, compose = _ours("adapting").tensor_of, module._layer_normalization

    @wraps(compose)
    def fused(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None, **options: Any) -> Any:
        last = axis in (-1, [-1], (-1,), [len(x.shape) - 1], (len(x.shape) - 1,))
        gamma, beta = tensor_of([gamma, beta])
        kinds = {each.dtype.name for each in (x, gamma, beta) if each is not None} if isinstance(x, Tensor) else set()
        if not last or options.get("rms_scaling") or kinds not in ({"float32"}, {"float64"}):
            return compose(x, gamma, beta, axis, epsilon, **options)
        return ops.layer_normalization(x, gamma, beta, -1, module.backend.epsilon() if epsilon is None else epsilon)

    module._layer_normalization = fused
