"""What the objects of a program are: the questions that observers ask, whichever framework announces them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

import eagerflow
from eagerflow.layer.layer import Layer
from eagerflow.layer.unique_names import snake_case
from eagerflow.optimizers import Optimizer
from viz.frameworks.contract import Array, Tensor, Variable

__all__ = [
    "PLAIN_TENSORS",
    "TENSORS",
    "VARIABLES",
    "array_of",
    "default_name",
    "held_in_place_of",
    "is_layer",
    "is_model",
]
__all__ += ["is_optimizer", "is_tensor", "is_variable", "key_of", "layers_in", "role_of", "variables_in"]

PLAIN_TENSORS: tuple[Any, ...] = (eagerflow.Tensor, Tensor)
"""The classes of tensors that hold an array: no variables, and none that stand for an input."""
TENSORS = (eagerflow.Tensor, Tensor)
"""The classes of all tensors and variables."""
VARIABLES = (eagerflow.Variable, Variable)
"""The classes of variables."""


def is_tensor(x: Any) -> TypeGuard[Tensor]:
    """Is it a tensor or a variable?"""
    return isinstance(x, TENSORS)


def is_variable(x: Any) -> TypeGuard[Variable]:
    """Is it a variable?"""
    return isinstance(x, VARIABLES)


def is_layer(x: Any) -> bool:
    """Is it a layer or a model?"""
    return isinstance(x, Layer)


def is_model(x: Any) -> bool:
    """Is it a model of eagerflow's?"""
    return isinstance(x, eagerflow.Model)


def is_optimizer(x: Any) -> bool:
    """Is it an optimizer whose variables are recorded with it?"""
    return isinstance(x, Optimizer)


def array_of(x: Any) -> Any:
    """The array of a tensor; anything else itself."""
    return x.data if isinstance(x, TENSORS) else x


def held_in_place_of(x: Any) -> Any:
    """What the program holds where observers are told of `x`: a tensor of another framework, or `x` itself."""
    data = getattr(x, "data", None)
    return data.source if isinstance(data, Array) else x.source if isinstance(x, Array) else x


def key_of(x: Any) -> Any:
    """What backward passes know a tensor or variable by."""
    return x.identity if isinstance(x, VARIABLES) else x.key


def role_of(variable: Any) -> str:
    """What a variable is to a training: one of `viz.facts.schema.VARIABLES`."""
    return "parameter" if variable.trainable else "frozen" if variable.frozen else "state"


def variables_in(values: Iterable[Any]) -> list[Variable]:
    """The variables among some values."""
    return [x for x in values if is_variable(x)]


def layers_in(owner: Any) -> Iterator[Any]:
    """The layers directly in a layer or model; none in anything else."""
    return iter(owner._flatten_layers(include_self=False, recursive=False) if isinstance(owner, Layer) else ())


def default_name(cls: str) -> str:
    """What a layer of this class is called where nobody chose a name: `dense` of `Dense`."""
    return snake_case(cls)
