"""Variables, conversion, shape inference and control flow, as Keras asks them of a backend."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy
from keras.src import tree
from keras.src.backend.common import KerasVariable, is_float_dtype, standardize_dtype
from keras.src.backend.common.dtypes import result_type
from keras.src.backend.common.keras_tensor import KerasTensor
from keras.src.backend.common.stateless_scope import StatelessScope, in_stateless_scope
from keras.src.backend.common.symbolic_scope import SymbolicScope

import eagerflow as ef
from eagerflow import ops
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.observe import unobserved
from eagerflow.keras_backend.backend.adapting import adapt, adapted, name_of, tensor_of

_CONTROL_FLOW = """
    associative_scan fori_loop map scan scatter scatter_update slice slice_update stop_gradient switch unstack
    vectorized_map while_loop
""".split()
__all__ = [
    "IS_THREAD_SAFE",
    "SUPPORTS_COMPLEX_DTYPES",
    "SUPPORTS_RAGGED_TENSORS",
    "SUPPORTS_SPARSE_TENSORS",
    "Variable",
]
__all__ += ["cast", "compute_output_spec", "cond", "convert_to_numpy", "convert_to_tensor", "custom_gradient"]
__all__ += ["device_scope", "is_tensor", "random_seed_dtype", "remat", "shape", *_CONTROL_FLOW]

SUPPORTS_SPARSE_TENSORS = False
SUPPORTS_RAGGED_TENSORS = False
SUPPORTS_COMPLEX_DTYPES = True
IS_THREAD_SAFE = False  # a step ends before callbacks are called, so a thread of their own gains nothing

globals().update(adapted(ops, _CONTROL_FLOW))

# Tensors of these types come from casts alone, without gradient: quantized layers round to them and cast back.
_FLOAT8 = ("float8_e4m3fn", "float8_e5m2")


class Variable(KerasVariable):
    """Keras' variable, whose value is a variable of eagerflow that tapes know."""

    _value: Any

    def _initialize(self, value: Any) -> None:
        self._value = ef.Variable(
            convert_to_tensor(value, self._dtype), trainable=self._trainable, name=self._name, autocast=False
        )
        self._value.path = self._path

    def _direct_assign(self, value: Any) -> None:
        self._value.assign(value)

    def _convert_to_tensor(self, value: Any, dtype: Any = None) -> Any:
        return convert_to_tensor(value, dtype)

    def assign_add(self, value: Any) -> Any:
        """Adds to the value, in place."""
        return self._changed_by("assign_add", value, super().assign_add)

    def assign_sub(self, value: Any) -> Any:
        """Subtracts from the value, in place."""
        return self._changed_by("assign_sub", value, super().assign_sub)

    def _changed_by(self, method: str, value: Any, stateless: Callable[[Any], Any]) -> Any:
        if in_stateless_scope() or self._value is None:
            return stateless(value)
        getattr(self._value, method)(convert_to_tensor(value, self._dtype))
        return self._value

    @property
    def data(self) -> Any:
        """The array of the value, as tensors of eagerflow have it."""
        return self.value.data

    @property
    def identity(self) -> int:
        """The number by which observers know the variable."""
        return int(self._value.identity)

    @property
    def trainable(self) -> bool:
        """Whether tapes record what is computed of the variable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        if self._value is not None:
            self._value.trainable = self._trainable

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray:
        return numpy.array(self.value, dtype=dtype)

    def __eagerflow_tensor__(self) -> Any:
        return self.value


def _mask(tensor: Any) -> Any:
    return getattr(tensor, "mask", None)


def _set_mask(tensor: Any, mask: Any) -> None:
    tensor.mask = mask


# Where Keras keeps a tensor's mask. (It would ask a table by `id` otherwise, as tensors have no other attributes.)
ef.Tensor._keras_mask = property(_mask, _set_mask)  # type: ignore[attr-defined]


def _freeze(tensor: Any, trainable: bool) -> None:
    """Keras freezes the weights of quantized layers, which are tensors; those don't train anyway."""


ef.Tensor.trainable = property(None, _freeze)  # type: ignore[attr-defined]


def _left_to_symbols(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator of tensors or variables that leaves the answer to Keras' symbolic tensors."""

    @wraps(operator)
    def call(self: Any, other: Any) -> Any:
        return NotImplemented if isinstance(other, KerasTensor) else operator(self, other)

    return call


_OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor lt le gt ge eq ne".split()
for _kind in (ef.Tensor, Variable):
    for _name in _OPERATORS:
        setattr(_kind, f"__{_name}__", _left_to_symbols(getattr(_kind, f"__{_name}__")))


def _logits(tensor: Any) -> Any:
    return tensor.logits[1]


def _set_logits(tensor: Any, logits: Any) -> None:
    if isinstance(logits, ef.Tensor):
        tensor.logits = ("", logits, -1)  # which losses don't read: Keras hands them probabilities


# Where Keras' softmax and sigmoid keep what they were given.
ef.Tensor._keras_logits = property(_logits, _set_logits)  # type: ignore[attr-defined]


def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """A tensor of anything, with Keras' rules for types.

    Raises:
        ValueError: for `sparse=True` and `ragged=True`, which this backend doesn't have.
    """
    if sparse or ragged:
        raise ValueError("The eagerflow backend has no sparse or ragged tensors. Use sparse=False and ragged=False.")
    if isinstance(x, KerasVariable):
        x = x.value
    if isinstance(x, ef.Tensor) and (dtype is None or dtype == name_of(x.dtype)):
        return x
    kind = None if dtype is None else standardize_dtype(dtype)
    if kind in _FLOAT8:
        as_dtype("bfloat16")  # which loads ml_dtypes, by which NumPy knows these types
        return ef.Tensor(numpy.asarray(tensor_of(x)).astype(kind), None, None)
    if isinstance(x, ef.Tensor):
        return x if kind is None or name_of(x.dtype) == kind else x.astype(kind)
    x = tensor_of(x)
    if kind is None and not hasattr(x, "dtype"):
        parts = tree.flatten(x)
        kind = result_type(*[getattr(part, "dtype", type(part)) for part in parts]) if parts else None
    return ef.convert_to_tensor(x, kind)


def convert_to_numpy(x: Any) -> numpy.ndarray:
    """A NumPy array of a tensor, variable, or list of these."""
    return numpy.array(tensor_of(x))


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor of this backend."""
    return isinstance(x, ef.Tensor)


def shape(x: Any) -> tuple[int, ...]:
    """The lengths of the axes."""
    return tuple(x.shape)


def cast(x: Any, dtype: Any) -> Any:
    """The tensor in another type."""
    return convert_to_tensor(x, dtype)


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """The result of one of two functions."""
    return true_fn() if tensor_of(pred) else false_fn()


# Lengths that stand for unknown ones, to see which lengths of the results depend on them. Batches are small, for speed.
_LENGTHS = ((3, 83), (5, 89))


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The shapes and types that a function gives for symbolic arguments, by running it on zeros."""
    known = all(None not in x.shape for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor))
    with StatelessScope(), SymbolicScope(), ef.no_grad(), unobserved():
        runs = [_called_with(fn, args, kwargs, *lengths) for lengths in (_LENGTHS[:1] if known else _LENGTHS)]
    if known:
        return tree.map_structure(lambda x: _spec(x, x), runs[0])
    return tree.map_structure(_spec, *runs)


def _called_with(fn: Callable[..., Any], args: Any, kwargs: Any, rows: int, length: int) -> Any:
    def numbers(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        lengths = [(rows if axis == 0 else length) if n is None else n for axis, n in enumerate(x.shape)]
        return (ops.ones if is_float_dtype(x.dtype) else ops.zeros)(lengths, x.dtype)  # zeros might be divided by

    args, kwargs = tree.map_structure(numbers, (args, kwargs))
    return fn(*args, **kwargs)


def _spec(first: Any, second: Any) -> Any:
    if not is_tensor(first):
        return first
    lengths = [n if n == other else None for n, other in zip(first.shape, second.shape, strict=True)]
    return KerasTensor(lengths, standardize_dtype(first.dtype))


def random_seed_dtype() -> str:
    """The type of the state of seed generators."""
    return "uint32"


custom_gradient = adapt(ef.custom_gradient)
remat = ef.remat


@contextlib.contextmanager
def device_scope(device_name: str) -> Iterator[Any]:
    """A block whose tensors are made on a device, `"cpu"` or `"gpu:0"`.

    Raises:
        ValueError: for another name.
    """
    if not isinstance(device_name, str):
        raise ValueError(f"device_name: expected a string such as 'cpu' or 'gpu:0'; received {device_name!r}.")
    name = device_name.lower().replace("cuda", "gpu")
    with ef.device("cpu" if name.startswith("cpu") else name) as device:
        yield device
