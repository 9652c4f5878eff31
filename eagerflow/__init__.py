"""eagerflow: an eager, define-by-run deep-learning framework with Keras' API and a tape you can read.

>>> import eagerflow as keras
>>> x = keras.Variable(3.0)
>>> with keras.GradientTape() as tape:
...     y = x * x
>>> float(tape.gradient(y, x))
6.0

`import eagerflow` loads the core and the ops; layers, models, data sets and the rest load on first use.
"""

from __future__ import annotations as _annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any as _Any

from eagerflow import (
    lowerings as _lowerings,  # noqa: F401 - kernels register themselves on ops
    ops,
)
from eagerflow._version import __version__
from eagerflow._viz import note_own_file as _note_own_file, web_page as _web_page
from eagerflow.base.errors import DeviceError, TapeError, UnknownNameError
from eagerflow.base.faces import hint_of_modules as _hint_of_modules, missing as _missing
from eagerflow.base.legacy import legacy as _legacy
from eagerflow.base.machine.memory import keep_freed_memory as _keep_freed_memory
from eagerflow.core.custom_gradient import custom_gradient, no_grad, stop_gradient
from eagerflow.core.derivatives import check_grads, grad, hessian, jacobian, jvp, value_and_grad, vjp
from eagerflow.core.device import (
    Device,
    current_device,
    default_device,
    device,
    list_devices,
    memory_info,
    set_default_device,
)
from eagerflow.core.dlpack import from_dlpack
from eagerflow.core.links import above as _above
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor, convert_to_tensor, is_tensor
from eagerflow.core.variable import Variable
from eagerflow.kernels.machine.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from eagerflow import (
        activations as activations,
        applications as applications,
        backend as backend,
        callbacks as callbacks,
        config as config,
        constraints as constraints,
        data as data,
        datasets as datasets,
        distribution as distribution,
        dtype_policies as dtype_policies,
        initializers as initializers,
        layers as layers,
        losses as losses,
        metrics as metrics,
        mixed_precision as mixed_precision,
        models as models,
        onnx as onnx,
        optimizers as optimizers,
        preprocessing as preprocessing,
        quantizers as quantizers,
        random as random,
        regularizers as regularizers,
        saving as saving,
        tree as tree,
        utils as utils,
        visualization as visualization,
        wrappers as wrappers,
    )
    from eagerflow.base.name_scope import name_scope as name_scope
    from eagerflow.capture.function import function as function
    from eagerflow.core.stateless_scope import StatelessScope as StatelessScope
    from eagerflow.dtype_policies import DTypePolicy as DTypePolicy, FloatDTypePolicy as FloatDTypePolicy
    from eagerflow.initializers import Initializer as Initializer
    from eagerflow.layer.operation import Operation as Operation
    from eagerflow.layer.remat import RematScope as RematScope, remat as remat
    from eagerflow.layer.symbolic.scope import SymbolicScope as SymbolicScope
    from eagerflow.layers import Input as Input, InputSpec as InputSpec, KerasTensor as KerasTensor, Layer as Layer
    from eagerflow.losses import Loss as Loss
    from eagerflow.metrics import Metric as Metric
    from eagerflow.models import Model as Model, Sequential as Sequential
    from eagerflow.models.function import Function as Function
    from eagerflow.optimizers import Optimizer as Optimizer
    from eagerflow.quantizers import Quantizer as Quantizer
    from eagerflow.regularizers import Regularizer as Regularizer

# Subpackages, and names that live in one: loaded when first asked for.
_SUBPACKAGES = frozenset(
    "activations applications backend callbacks config constraints data datasets distribution "
    "dtype_policies initializers layers losses metrics mixed_precision models onnx optimizers preprocessing "
    "quantizers random regularizers saving tree utils visualization wrappers".split()
)
_LAZY = {
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies",
    "Initializer": "initializers",
    "Input": "layers",
    "InputSpec": "layers",
    "KerasTensor": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Operation": "layer.operation",
    "Quantizer": "quantizers",
    "Regularizer": "regularizers",
    "RematScope": "layer.remat",
    "remat": "layer.remat",
    "Sequential": "models",
    "Function": "models.function",
    "function": "capture.function",
    "StatelessScope": "core.stateless_scope",
    "SymbolicScope": "layer.symbolic.scope",
    "name_scope": "base.name_scope",
}

__all__ = ["DTypePolicy", "Device", "DeviceError", "FloatDTypePolicy", "Function", "GradientTape", "Initializer"]
__all__ += ["Input", "InputSpec", "KerasTensor", "Layer", "Loss", "Metric", "Model", "Operation", "Optimizer"]
__all__ += ["Quantizer", "Regularizer", "RematScope", "Sequential", "StatelessScope", "SymbolicScope", "TapeError"]
__all__ += ["Tensor", "UnknownNameError", "Variable", "__version__", "activations", "applications", "backend"]
__all__ += ["callbacks", "check_grads", "config", "constraints", "convert_to_tensor", "current_device"]
__all__ += ["custom_gradient", "data", "datasets", "default_device", "device", "distribution"]
__all__ += ["dtype_policies", "from_dlpack", "function", "get_num_threads", "grad", "hessian"]
__all__ += ["initializers", "is_tensor", "jacobian", "jvp"]
__all__ += ["layers", "list_devices", "losses", "memory_info", "metrics", "mixed_precision", "models", "name_scope"]
__all__ += ["no_grad", "onnx", "ops", "optimizers", "preprocessing", "quantizers", "random", "regularizers"]
__all__ += ["remat", "saving", "set_default_device", "set_num_threads", "stop_gradient", "tree", "utils"]
__all__ += ["value_and_grad", "version", "visualization", "vjp", "wrappers"]

_keep_freed_memory()
_hint_of_modules()
_note_own_file()
_above.quantization = lambda: _import_module("eagerflow.quantizers.large_weights")
_above.step_runner = lambda: _import_module("eagerflow.capture.steps").CapturedSteps()
_above.exporters["onnx"] = lambda: _import_module("eagerflow.onnx").export
_above.exporters["web"] = lambda: _web_page
_above.model_loaders["eagerflow.onnx.model"] = "load_onnx"
_above.layer_modules |= {
    "eagerflow.applications.convnext": ("keras.src.applications.convnext", "LayerScale StochasticDepth"),
    "eagerflow.applications.inception_resnet_v2": ("keras.src.applications.inception_resnet_v2", "CustomScaleLayer"),
}
_legacy.hint = lambda *given: _import_module("eagerflow.compat.tables").hint(*given)
_legacy.config = lambda *given: _import_module("eagerflow.compat.tables").present_config(*given)
_above.initializer_named = lambda name: _import_module("eagerflow.initializers").get(name)


def version() -> str:
    """The version of eagerflow.

    >>> ef.version() == ef.__version__
    True
    """
    return __version__


if not TYPE_CHECKING:  # for which a name that isn't here is an error

    def __getattr__(name: str) -> _Any:
        if name in _SUBPACKAGES:
            return _import_module(f"{__name__}.{name}")
        if name in _LAZY:
            found = getattr(_import_module(f"{__name__}.{_LAZY[name]}"), name)
            globals()[name] = found
            return found
        raise _missing("eagerflow", name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
