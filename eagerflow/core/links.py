"""What the tape's floor needs from floors above it: each attribute is set once, by the file that is named here."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["Links", "above"]


class Links:
    """The doors of this floor that open upwards; imports go down only.

    Attributes:
        ops: the namespace that rules compute in while they are recorded themselves (`eagerflow/ops/__init__.py`).
        move: `(tensor, device) -> tensor`, the op that moves tensors (`ops/arrays/devices.py`).
        differentiate: `(function, inputs, gradient of the output, needs) -> gradients of the inputs`, by which
            kernels with a `reference` have their second order (`core/derivatives.py`).
        sum_on_gpu: `(array, axis, keepdims) -> its sum`, or None where CuPy's is as good (`lowerings/gpu.py`).
        symbolic_call: `(call, args, kwargs) -> (whether any of them is symbolic, what the call gives then)`; None
            until the first symbolic tensor is made (`layer/symbolic/tensors.py`).
        initializer_named: the initializer of a name (`eagerflow/__init__.py`).
        load_gpu_kernels: `(module)`, lets kernels for a GPU take the arrays of CuPy, once that is there
            (`lowerings/__init__.py`); None until that file is read.
        exporters: by the format of `Model.export`, what loads the function that writes it, which is called with the
            model, the path and options by name (`eagerflow/__init__.py`).
        layer_modules: by a module of layers which Keras has outside of `keras.layers`, its module and the names there
            that files may write as `keras.layers` (`eagerflow/__init__.py`).
        model_loaders: by a module of an add-on, the names of functions that `models` shows (`eagerflow/__init__.py`).
        quantization: loads the module of what only quantized layers need (`eagerflow/__init__.py`).
        step_runner: makes what captures a model's steps (`eagerflow/__init__.py`; see `training/step_runner.py`).
        load_kernels: reads the files of kernels that aren't read yet (`core/lowering.py`).
    """

    __slots__ = tuple(
        """
        differentiate exporters initializer_named layer_modules load_gpu_kernels load_kernels model_loaders move ops
        quantization step_runner sum_on_gpu symbolic_call
        """.split()
    )

    ops: ModuleType
    move: Callable[[Any, Any], Any]
    differentiate: Callable[..., tuple[Any, ...]]
    sum_on_gpu: Callable[[Any, Any, bool], Any] | None
    symbolic_call: Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], tuple[bool, Any]] | None
    initializer_named: Callable[[str], Any]
    load_gpu_kernels: Callable[[ModuleType], None] | None
    load_kernels: Callable[[], None]
    exporters: dict[str, Callable[[], Callable[..., Any]]]
    layer_modules: dict[str, tuple[str, str]]
    model_loaders: dict[str, str]
    quantization: Callable[[], Any]
    step_runner: Callable[[], Any]

    def __init__(self) -> None:
        self.exporters, self.layer_modules, self.model_loaders = {}, {}, {}
        self.load_gpu_kernels = self.sum_on_gpu = self.symbolic_call = None


above = Links()
