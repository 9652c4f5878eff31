"""The packages that users see: each takes its names from the files that have them, and lists what it has.

A name of ours stands in one place, the `__all__` of its file: a face says `from that.file import *`. No face has an
`__all__` of its own, for type checkers and editors follow stars (and `import A as A`), but not a list that is computed.
"""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from opcode import opmap
from types import FrameType, ModuleType
from typing import Any, NoReturn

from eagerflow.base.errors import did_you_mean, no_attribute
from eagerflow.base.notebook import shown_short
from eagerflow.base.wording.own_names import in_own_names

__all__ = ["hint_of_modules", "listed", "loaded", "missing", "other_way", "refused"]

# Names of PyTorch and of TensorFlow (and where names of Keras stand in eagerflow itself), with what is written here.
_CSV = (
    '`numpy.genfromtxt("a.csv", delimiter=",", skip_header=1)` or `pandas.read_csv`: fit takes arrays and data frames'
)
_TENSOR = "`ef.Tensor(values)`"
_LAYERS = "`ef.layers`, which has all layers"
_OTHER_WAYS: dict[str, dict[str, str]] = {
    "eagerflow": {
        "Graph": "ops as they are: they compute at once",
        "InteractiveSession": "no session: ops compute at once, and `tensor.numpy()` has the values",
        "Session": "no session: ops compute at once, and `tensor.numpy()` has the values",
        "concat": "`ef.ops.concatenate(tensors, axis)`",
        "constant": "`ef.Tensor(values)`",
        "enable_eager_execution": "ops as they are: they compute at once",
        "get_variable": "`ef.Variable(values)`, or `layer.add_weight(shape=...)`",
        "global_variables_initializer": "variables as they are: they have values from the beginning",
        "gradients": "`with ef.GradientTape() as tape: ...`, `tape.gradient(loss, weights)`",
        "math": "`ef.ops`",
        "placeholder": "the data themselves, or `ef.Input(shape)` for a model's input",
        "range": "`ef.ops.arange(...)`",
        "reduce_max": "`ef.ops.max(x, axis)`",
        "reduce_mean": "`ef.ops.mean(x, axis)`",
        "reduce_min": "`ef.ops.min(x, axis)`",
        "reduce_prod": "`ef.ops.prod(x, axis)`",
        "reduce_sum": "`ef.ops.sum(x, axis)`",
        "train": "`ef.optimizers`, or `model.fit(x, y)`",
        "arange": "`ef.ops.arange(...)`",
        "argmax": "`ef.ops.argmax(x, axis)`",
        "as_tensor": "`ef.ops.convert_to_tensor(values)`",
        "autograd": "`ef.GradientTape`, or `ef.grad(function)`",
        "bool": '`dtype="bool"`',
        "cat": "`ef.ops.concatenate(tensors, axis)`",
        "cuda": '`with ef.device("gpu:0"):`',
        "exp": "`ef.ops.exp(x)`",
        "eye": "`ef.ops.eye(n)`",
        "float16": '`dtype="float16"`',
        "float32": '`dtype="float32"`',
        "float64": '`dtype="float64"`',
        "from_numpy": _TENSOR,
        "int32": '`dtype="int32"`',
        "int64": '`dtype="int64"`',
        "keras": "`import eagerflow as keras`; what Keras has stands in eagerflow itself",
        "linspace": "`ef.ops.linspace(...)`",
        "log": "`ef.ops.log(x)`",
        "manual_seed": "`ef.utils.set_random_seed(seed)`",
        "matmul": "`ef.ops.matmul(a, b)`",
        "mean": "`ef.ops.mean(x, axis)`",
        "nn": "`ef.layers`, `ef.losses`, and for functions `ef.ops.nn`",
        "ones": "`ef.ops.ones(shape)`",
        "optim": "`ef.optimizers`",
        "rand": "`ef.random.uniform(shape)`",
        "randint": "`ef.random.randint(shape, minval, maxval)`",
        "randn": "`ef.random.normal(shape)`",
        "save": '`model.save("name.keras")`',
        "load": "`ef.saving.load_model(path)`",
        "load_model": "`ef.models.load_model(path)`",
        "load_onnx": "`ef.models.load_onnx(path)`",
        "save_model": "`model.save(path)`, or `ef.models.save_model(model, path)`",
        "stack": "`ef.ops.stack(tensors, axis)`",
        "sum": "`ef.ops.sum(x, axis)`",
        "tensor": _TENSOR,
        "zeros": "`ef.ops.zeros(shape)`",
    },
    "eagerflow.data": {
        "DataLoader": "`ef.data.Dataset.from_tensor_slices((x, y)).shuffle(1000).batch(32)`; fit takes PyTorch's, too",
        "TensorDataset": "`ef.data.Dataset.from_tensor_slices((x, y))`",
        **dict.fromkeys(("from_csv", "load_csv", "read_csv", "make_csv_dataset"), _CSV),
    },
    "eagerflow.layers": {
        "AdaptiveAvgPool2d": "`layers.GlobalAveragePooling2D()` for size 1, or `layers.AdaptiveAveragePooling2D(size)`",
        "AvgPool2d": "`layers.AveragePooling2D(size)`",
        "BatchNorm1d": "`layers.BatchNormalization()`",
        "BatchNorm2d": "`layers.BatchNormalization()`",
        "Conv1d": "`layers.Conv1D(filters, size)`",
        "Conv2d": "`layers.Conv2D(filters, size)`",
        "ConvTranspose2d": "`layers.Conv2DTranspose(filters, size)`",
        "LayerNorm": "`layers.LayerNormalization()`",
        "Linear": "`layers.Dense(units)`; the length of its input is found at the first call",
        "MaxPool2d": "`layers.MaxPooling2D(size)`",
        "Dropout2d": "`layers.SpatialDropout2D(rate)`",
        "Module": "`ef.Layer` or `ef.Model`",
        "ModuleList": "a list: a layer or model that has one as an attribute knows the layers in it",
        "MultiheadAttention": "`layers.MultiHeadAttention(heads, key_dim)`",
        "Sigmoid": '`layers.Activation("sigmoid")`',
        "Tanh": '`layers.Activation("tanh")`',
        "advanced_activations": _LAYERS,
        "embeddings": _LAYERS,
        "merge": "`layers.concatenate(tensors)`, `layers.add(tensors)` or another one of that kind",
        "wrappers": _LAYERS,
    },
    "eagerflow.losses": {
        "BCELoss": "`losses.BinaryCrossentropy()`",
        "BCEWithLogitsLoss": "`losses.BinaryCrossentropy(from_logits=True)`",
        "CrossEntropyLoss": "`losses.SparseCategoricalCrossentropy(from_logits=True)`",
        "KLDivLoss": "`losses.KLDivergence()`, which takes probabilities",
        "L1Loss": "`losses.MeanAbsoluteError()`",
        "MSELoss": "`losses.MeanSquaredError()`",
        "NLLLoss": "`losses.SparseCategoricalCrossentropy(from_logits=True)` of the logits themselves",
        "SmoothL1Loss": "`losses.Huber()`",
    },
    "eagerflow.ops": {
        "cat": "`ops.concatenate(tensors, axis)`",
        "clamp": "`ops.clip(x, low, high)`",
        "cross_entropy": "`ops.sparse_categorical_crossentropy(target, output, from_logits=True)`",
        "permute": "`ops.transpose(x, axes)`",
        "concat": "`ops.concatenate(tensors, axis)`",
        "pow": "`ops.power(x, y)`",
        "reduce_max": "`ops.max(x, axis)`",
        "reduce_mean": "`ops.mean(x, axis)`",
        "reduce_min": "`ops.min(x, axis)`",
        "reduce_prod": "`ops.prod(x, axis)`",
        "reduce_sum": "`ops.sum(x, axis)`",
        "rand": "`ef.random.uniform(shape)`",
        "randn": "`ef.random.normal(shape)`",
        "tensor": "`ops.convert_to_tensor(values)`",
        "unsqueeze": "`ops.expand_dims(x, axis)`",
    },
    "eagerflow.optimizers": {
        "AdagradOptimizer": "`optimizers.Adagrad(learning_rate)`",
        "AdamOptimizer": "`optimizers.Adam(learning_rate)`",
        "FtrlOptimizer": "`optimizers.Ftrl(learning_rate)`",
        "GradientDescentOptimizer": "`optimizers.SGD(learning_rate)`",
        "MomentumOptimizer": "`optimizers.SGD(learning_rate, momentum=0.9)`",
        "RMSPropOptimizer": "`optimizers.RMSprop(learning_rate)`",
        "RMSProp": "`optimizers.RMSprop(learning_rate)`",
        "lr_scheduler": "`optimizers.schedules`",
    },
    "eagerflow.random": {
        "rand": "`ef.random.uniform(shape)`",
        "randn": "`ef.random.normal(shape)`",
        "seed": "`ef.utils.set_random_seed(seed)`",
        "set_seed": "`ef.utils.set_random_seed(seed)`",
    },
    "eagerflow.utils": {"np_utils": "`ef.utils` itself, for example `ef.utils.to_categorical(y)`"},
}


# Modules in which people look for what stands in another one.
_LOOKED_FOR = {
    "eagerflow": "eagerflow.ops",
    "eagerflow.backend": "eagerflow.ops",
    "eagerflow.layer": "eagerflow.layers",
    "eagerflow.layers.convolutional": "eagerflow.layers",
    "eagerflow.layers.core": "eagerflow.layers",
}


def other_way(face: str, name: str) -> str:
    """`" Use `layers.Dense(units)`."` for a name that another library has where we have another, else nothing.

    >>> from eagerflow.base.faces import other_way
    >>> other_way("eagerflow.ops", "cat")
    ' Use `ops.concatenate(tensors, axis)`.'
    """
    way = _OTHER_WAYS.get(face, {}).get(name)
    home = None if name.startswith("__") else _LOOKED_FOR.get(face)
    if way is None and home is not None and name in getattr(sys.modules.get(home), "__all__", ()):
        way = f"`ef.{home.removeprefix('eagerflow.')}.{name}`"
    if way is None and face != "eagerflow" and name in getattr(sys.modules.get("eagerflow"), "__all__", ()):
        way = f"`ef.{name}`"
    return f" Use {way}." if way else ""


def missing(face: str, name: str, known: Iterable[str]) -> AttributeError | ImportError:
    """The error for a name that a face doesn't have, with ours where others have that name, or the nearest one.

    For `from face import name` it is an ImportError: of any AttributeError, Python would leave nothing but the name.

    Args:
        face: the name of the module.
        name: what was asked for.
        known: the names that it has.

    >>> from eagerflow.base.faces import missing
    >>> print(missing("eagerflow.ops", "cat", []))
    module 'eagerflow.ops' has no attribute 'cat'. Use `ef.ops.concatenate(tensors, axis)`.
    """
    hint = other_way(face, name) or ("" if name.startswith("_") else did_you_mean(name, known))
    if f"{face}.{name}" not in sys.modules and _is_imported():  # a module that is loading just now is found there
        file = getattr(sys.modules.get(face), "__file__", None)
        said = in_own_names(f"cannot import name {name!r} from {face!r}.{hint}")
        return shown_short(ImportError(said, name=face, path=file))
    return no_attribute(f"module {face!r} has no attribute {name!r}.{hint}", name)


class _UnknownModules:
    """Asked by `import` for what no other finder has found: a module of another library gets the hint of its name."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        face, _, last = name.rpartition(".")
        hint = other_way(face, last) if face.partition(".")[0] == "eagerflow" else ""
        if hint:
            raise ModuleNotFoundError(in_own_names(f"No module named {name!r}.{hint}"), name=name)


def hint_of_modules() -> None:
    """Let `import eagerflow.nn` say what to write instead."""
    sys.meta_path.append(_UnknownModules())


def _is_imported() -> bool:
    """Whether a name is asked for by `from face import name`, rather than by `face.name` or `hasattr`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name in _ANSWERING:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]


_ANSWERING = {"missing", "loaded", "refused", "__getattr__"}  # the functions that answer for a face


def listed(face: str, *besides: str) -> list[str]:
    """The public names of a face, sorted; from now on it answers `dir` and `import *` with them.

    Args:
        face: the name of a module which holds all its names: functions and classes of ours are public unless they
            begin with an underscore.
        besides: public names of other things, such as modules, and of what loads when it is asked for.

    >>> from eagerflow import regularizers
    >>> "L2" in dir(regularizers), "norms" in dir(regularizers)
    (True, False)
    """
    module = sys.modules[face]
    names = sorted({*besides, *[name for name, value in vars(module).items() if _is_public(name, value)]})
    vars(module).update(__all__=names, __dir__=lambda: list(names))
    vars(module).setdefault("__getattr__", partial(refused, face))
    return names


def refused(face: str, name: str) -> NoReturn:
    """Say that a face doesn't have a name: the `__getattr__` of one which loads nothing later."""
    raise missing(face, name, dir(sys.modules[face]))


def loaded(face: str, name: str, homes: Mapping[str, str], modules: Container[str] = ()) -> Any:
    """What a face answers for a name that isn't there yet, for its `__getattr__`.

    Args:
        face: the name of the module.
        name: what is asked for.
        homes: where names are that load when they are asked for: the module, with all its packages.
        modules: those of the face's own modules which load so, too.

    Raises:
        AttributeError: for an unknown name, with the nearest known one.
    """
    module = sys.modules[face]
    if name in modules:
        return import_module(f"{face}.{name}")
    if name not in homes:
        raise missing(face, name, dir(module))
    found = vars(module)[name] = getattr(import_module(homes[name]), name)
    return found


def _is_public(name: str, value: object) -> bool:
    home = getattr(value, "__module__", None)
    return name[0] != "_" and not isinstance(value, ModuleType) and str(home).startswith("eagerflow.")
