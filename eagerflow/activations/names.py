"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from eagerflow import ops
from eagerflow.activations import functions
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import ActivationLike, Configuration
from eagerflow.core.tensor import Tensor

__all__ = ["deserialize", "get", "serialize"]

table = Table("activation", "keras.activations")

_ALIASES = {"silu": ("swish",), "hard_silu": ("hard_swish",)}
_FROM_OPS = """
    celu elu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu log_sigmoid log_softmax relu6 selu silu
    soft_shrink softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus tanh tanh_shrink threshold
""".split()

for _name in functions.__all__:
    table.add(name=_name)(getattr(functions, _name))
for _name in _FROM_OPS:
    table.add(*_ALIASES.get(_name, ()), name=_name)(getattr(ops, _name))


@table.add(name="hard_sigmoid_keras_2")
def _hard_sigmoid_keras_2(x: Any) -> Tensor:
    """What "hard_sigmoid" means in files of Keras 1 and 2: the slope is 0.2, where Keras 3 has 1/6."""
    return ops.clip(ops.convert_to_tensor(x) * 0.2 + 0.5, 0.0, 1.0)


def serialize(activation: Any) -> Configuration:
    """The name of a built-in activation, or the configuration of a registered one.

    Args:
        activation: an activation function.

    >>> ef.activations.serialize(ef.activations.get("relu"))
    'relu'
    >>> name = ef.activations.serialize(ef.activations.tanh)
    >>> ef.activations.get(name)(ef.Variable([0.0])).tolist()
    [0.0]
    """
    return table.serialize(activation)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Callable[..., Tensor]:
    """Makes an activation function from its name or configuration.

    Args:
        config: a name, or the configuration that `serialize` returned.
        custom_objects: a dict of custom functions by name, which are searched first.

    Raises:
        UnknownNameError: for a name that is neither built in nor registered.

    >>> ef.activations.deserialize("relu")(ef.Variable([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: ActivationLike) -> Callable[..., Tensor]:
    """Finds an activation function by its name or configuration; callables are returned as they are.

    Args:
        identifier: a name such as `"relu"`, a configuration, a function or layer, or None for `linear`.

    Raises:
        UnknownNameError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> ef.activations.get(None)(3.0)
    3.0
    >>> ef.activations.get("relu")(ef.Variable([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return table.get("linear" if identifier is None else identifier)
