"""What the objects of a program are: the questions of the recorder about eagerflow's classes that no hook asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from eagerflow import Tensor, Variable
from eagerflow.layer.layer import Layer
from eagerflow.layer.unique_names import snake_case
from eagerflow.optimizers import Optimizer

__all__ = ["array_of", "default_name", "is_layer", "is_optimizer", "is_plain_tensor", "is_tensor", "is_variable"]
__all__ += ["key_of", "layers_in", "role_of", "variables_in"]


def is_tensor(x: Any) -> bool:
    """Is it a tensor or a variable?"""
    return isinstance(x, Tensor)


def is_plain_tensor(x: Any) -> bool:
    """Is it a tensor that holds an array: no variable, and none that stands for an input?"""
    return x.__class__ is Tensor


def is_variable(x: Any) -> bool:
    """Is it a variable?"""
    return isinstance(x, Variable)


def is_layer(x: Any) -> bool:
    """Is it a layer or a model?"""
    return isinstance(x, Layer)


def is_optimizer(x: Any) -> bool:
    """Is it an optimizer?"""
    return isinstance(x, Optimizer)


def array_of(x: Any) -> Any:
    """The array of a tensor; anything else itself."""
    return x.data if isinstance(x, Tensor) else x


def key_of(x: Any) -> Any:
    """What tapes know a tensor or variable by."""
    return x.identity if isinstance(x, Variable) else x.key


def role_of(variable: Any) -> str:
    """What a variable is to a training: one of `viz.facts.schema.VARIABLES`."""
    return "parameter" if variable.trainable else "frozen" if variable.frozen else "state"


def variables_in(values: Iterable[Any]) -> list[Any]:
    """The variables among some values."""
    return [x for x in values if isinstance(x, Variable)]


def layers_in(owner: Any) -> Iterator[Any]:
    """The layers directly in a layer or model; none in anything else."""
    return iter(owner._flatten_layers(include_self=False, recursive=False) if isinstance(owner, Layer) else ())


def default_name(cls: str) -> str:
    """What a layer of this class is called where nobody chose a name: `dense` of `Dense`."""
    return snake_case(cls)
