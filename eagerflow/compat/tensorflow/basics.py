"""Tensors, variables, tapes and functions, under TensorFlow's names and with its arguments."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
import types
from collections.abc import Callable
from typing import Any

import numpy

import eagerflow.core.variable as variables
from eagerflow import ops
from eagerflow.capture.function import function as captured_function
from eagerflow.compat.arguments import renamed
from eagerflow.compat.shapes import TensorShape
from eagerflow.compat.tensorflow.summaries.name_scopes import name_scope
from eagerflow.compat.tensorflow.text.printing import print
from eagerflow.compat.tensorflow.text.strings import as_string
from eagerflow.compat.tensorflow.text.text_ops import or_text
from eagerflow.core.custom_gradient import custom_gradient
from eagerflow.core.device import Device
from eagerflow.core.random import set_random_seed
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.data.text import TextTensor, text_tensor
from eagerflow.layer.layer import Layer

__all__ = ["GradientTape", "Module", "Tensor", "TensorShape", "TensorSpec", "UnconnectedGradients", "Variable", "cond"]
__all__ += ["constant", "convert_to_tensor", "custom_gradient", "device", "executing_eagerly", "function", "get_logger"]
__all__ += [
    "as_string",
    "identity",
    "init_scope",
    "is_tensor",
    "name_scope",
    "newaxis",
    "no_op",
    "print",
    "recompute_grad",
]
__all__ += ["set_random_seed", "stop_gradient", "timestamp", "while_loop"]

newaxis = None
stop_gradient, cond = ops.stop_gradient, renamed(ops.cond, "pred true_fn false_fn")


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` itself: what it computes is kept for the way back, which takes memory and saves time."""
    return f


class _Value(Tensor):
    """The value of a variable: a method in TensorFlow, a property in Keras 3."""

    __slots__ = ()

    def __call__(self) -> Tensor:
        """The tensor itself."""
        return Tensor(self.data, None, self.key)


class _AnyVariable(type):
    """`isinstance(x, tf.Variable)` is true for the weights of layers too."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, variables.Variable)


class Variable(variables.Variable, metaclass=_AnyVariable):
    """`eagerflow.Variable` with TensorFlow's arguments."""

    __slots__ = ()

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        if initial_value is None:
            raise ValueError("tf.Variable(initial_value) is needed: a number, array, tensor or function.")
        value = initial_value() if callable(initial_value) and not is_tensor(initial_value) else initial_value
        super().__init__(value, shape, dtype, trainable is None or bool(trainable), name=name)
        self.constraint = constraint

    @property
    def value(self) -> Any:
        """`value()`, or `value` as in Keras 3: a tensor with the present values."""
        return _Value(self.data, None, self.key)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Other values at these places."""
        return self.assign(ops.scatter_update(self, indices, updates))

    def __reduce__(self) -> Any:
        """Copies and pickles are eagerflow's own variables."""
        _, arguments = super().__reduce__()[:2]
        return variables._rebuild, (variables.Variable, *arguments[1:])


class Module(Layer):
    """Base of classes that hold variables and write `__call__` themselves."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A module that can hold variables at once."""
        made = super().__new__(cls)
        Layer.__init__(made)
        return made

    def __init__(self, name: str | None = None) -> None:
        if name is not None:
            super().__init__(name=name)

    @property
    def name_scope(self) -> contextlib.AbstractContextManager[str]:
        """`tf.name_scope` of its name."""
        return name_scope(self.name)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """The modules, layers and models within it."""
        return tuple(self._flatten_layers(include_self=False))

    @classmethod
    def with_name_scope(cls, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method itself: variables are named by their layers."""
        return method


def timestamp(name: str | None = None) -> Tensor:
    """Seconds since 1970, as a float64; like any clock, it ends the capture of a step."""
    return Tensor(time.time(), dtype="float64")


class UnconnectedGradients:
    """What `tape.gradient` gives for a source that the target doesn't depend on."""

    NONE = "none"
    ZERO = "zero"


class TensorSpec:
    """The shape and type of a tensor, as `tf.function` signatures and generators tell them."""

    def __init__(self, shape: Any = None, dtype: Any = "float32", name: str | None = None) -> None:
        self.shape, self.dtype, self.name = TensorShape(shape or ()), dtype, name
        self.told = None if shape is None else tuple(shape)  # None: any shape


@or_text(lambda value, dtype=None, shape=None: _words(value, shape))
def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor with this value; one number fills `shape`."""
    made = ops.convert_to_tensor(value, dtype)
    if shape is None:
        return made
    return ops.broadcast_to(made, shape) if made.size == 1 else ops.reshape(made, shape)


@or_text(lambda value, dtype=None, dtype_hint=None: _words(value, None))
def convert_to_tensor(value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None) -> Tensor:
    """`value` as a tensor."""
    return ops.convert_to_tensor(value, dtype)


def is_tensor(x: Any) -> bool:
    """True for tensors and variables."""
    return isinstance(x, (Tensor, TextTensor))


@or_text(lambda x: text_tensor(x).copy())
def identity(input: Any, name: str | None = None) -> Tensor:
    """The same values in another tensor."""
    return ops.copy(input)


def function(func: Callable[..., Any] | None = None, *args: Any, jit_compile: bool | None = None, **kwargs: Any) -> Any:
    """The function itself, which runs eagerly; with `jit_compile=True`, captured as by `eagerflow.function`.

    It gets `get_concrete_function` and `python_function`, which give the function again.
    """
    if jit_compile:
        return captured_function(func)
    if func is None:
        return function
    if isinstance(func, types.MethodType):
        func = functools.wraps(func)(lambda *args, _method=func, **kwargs: _method(*args, **kwargs))
    if isinstance(func, types.FunctionType):
        func.get_concrete_function = lambda *args, **kwargs: func  # type: ignore[attr-defined]
        func.python_function = func  # type: ignore[attr-defined]
    return func


def executing_eagerly() -> bool:
    """True."""
    return True


def _words(value: Any, shape: Any) -> TextTensor:
    made = text_tensor(value)
    if shape is None:
        return made
    return text_tensor(numpy.broadcast_to(made, shape) if made.size == 1 else made.reshape(shape))


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
    **kwargs: Any,
) -> Any:
    """`body` again and again while `cond` is true."""
    return ops.while_loop(cond, body, loop_vars, maximum_iterations)


def device(device_name: Any) -> contextlib.AbstractContextManager[Any]:
    """Accepted; arrays live on `eagerflow.current_device()`."""
    return contextlib.nullcontext(device_name)


def init_scope() -> contextlib.AbstractContextManager[Any]:
    """Accepted; there are no graphs to step out of."""
    return contextlib.nullcontext()


def no_op(name: str | None = None) -> None:
    """Nothing."""


def get_logger() -> logging.Logger:
    """The logger that eagerflow writes to."""
    return logging.getLogger("eagerflow")


# Layers of Keras 1's time note on tensors whether training changes them; nobody reads it any more.
Tensor._uses_learning_phase = property(lambda _: False, lambda _, value: None)  # type: ignore[attr-defined]


def _as_text(device: Device) -> str:
    return f"/job:localhost/replica:0/task:0/device:{device.kind.upper()}:{device.index}"


def _text_method(name: str) -> Any:
    return lambda self, *args: getattr(_as_text(self), name)(*args)


# `tensor.device` is text in TensorFlow.
for _method in ("__contains__", "__getitem__", "endswith", "find", "lower", "split", "startswith"):
    setattr(Device, _method, _text_method(_method))
