"""What is replaced or wrapped in modules of Keras where no backend is asked; the hook calls a function a module."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

from eagerflow.core.observe import scope, state

__all__ = ["announced_losses", "announced_metrics", "no_distribution", "no_openvino", "our_onnx"]


def _ours(name: str) -> Any:
    return import_module(f"eagerflow.keras_backend.backend.{name}")


def no_distribution(module: ModuleType) -> None:
    """`keras.src.backend`: what `keras.distribution` asks."""
    module.distribution_lib = _ours("distribution_lib")  # type: ignore[attr-defined]


def our_onnx(module: ModuleType) -> None:
    """`keras.src.export.onnx`: our writer, under the name of JAX'."""
    module._export_onnx_jax = _ours("export").export_onnx  # type: ignore[attr-defined]


def no_openvino(module: ModuleType) -> None:
    """`keras.src.export.openvino`: refused in a sentence."""
    module.export_openvino = _ours("export").export_openvino  # type: ignore[attr-defined]


def announced_losses(module: ModuleType) -> None:
    """`keras.src.losses.loss`: observers hear when a loss is computed."""
    call = module.Loss.__call__

    @wraps(call)
    def announced(self: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        with scope("loss", self.name, self, (y_true, y_pred)) as heard:
            found = heard.value = call(self, y_true, y_pred, sample_weight)
        return found

    module.Loss.__call__ = announced
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
