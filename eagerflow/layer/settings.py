"""Settings that layers have in common: checking them, finding what they name, and describing them again.

The suffix of a setting says what it names: `kernel_initializer`, `bias_regularizer`, `gamma_constraint`,
`recurrent_activation`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy

from eagerflow import activations, constraints, initializers, regularizers
from eagerflow.base.config import image_data_format
from eagerflow.base.config_from_init import setting_names
from eagerflow.base.errors import a_kind, expect_one_of
from eagerflow.base.serialization import serialize_keras_object
from eagerflow.base.typing import DataFormat, Shape

__all__ = ["activated_shape", "at_least_zero", "described", "integer", "layout", "one_of", "passed_on", "settle"]
__all__ += ["settled_weight", "share", "sizes"]

_FINDERS: dict[str, ModuleType] = {
    "activation": activations,
    "constraint": constraints,
    "initializer": initializers,
    "regularizer": regularizers,
}


def settle(layer: Any, arguments: Mapping[str, Any], others: str = "") -> None:
    """Keep arguments of a layer's `__init__` as its attributes.

    Args:
        layer: the layer.
        arguments: the `locals()` of its `__init__`. Those that name an activation, initializer, regularizer or
            constraint are kept as the object meant (but for `activity_regularizer`, which all layers have).
        others: further ones, separated by spaces, which are kept as they are.
    """
    for name in others.split():
        setattr(layer, name, arguments[name])
    for name, value in arguments.items():
        finder = _FINDERS.get(name.rpartition("_")[2])
        if finder is not None and name != "activity_regularizer":
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                raise _number_for(layer, name, value, arguments)
            setattr(layer, name, finder.get(value))


def _number_for(layer: Any, name: str, value: float, arguments: Mapping[str, Any]) -> TypeError:
    """The error for a number where a layer takes an activation, a constraint, ...: mostly one argument too many."""
    cls = type(layer).__name__
    first = next((each for each in arguments if each != "self"), "")
    hint = _FOR_A_NUMBER.get(name.rpartition("_")[2], "").format(value)
    if name == "activation" and first in ("units", "filters"):
        hint = f" {cls}({first}, ...) takes the size of its output alone: that of its input is found at the first call."
    return TypeError(f"{cls}({name}={value!r}): expected a name, an object or a config; got {a_kind(value)}.{hint}")


_FOR_A_NUMBER = {
    "constraint": " Use constraints.MaxNorm({}), or another one.",
    "initializer": " Use initializers.Constant({}).",
    "regularizer": " Use regularizers.L2({}), or L1.",
}


def settled_weight(layer: Any, name: str, shape: Shape, kind: str = "", **others: Any) -> Any:
    """A new weight, with the layer's settings `<kind>_initializer`, `<kind>_regularizer` and `<kind>_constraint`.

    Args:
        layer: the layer.
        name: the name of the weight.
        shape: of the weight.
        kind: default: the name.
        **others: arguments of `add_weight`; an `initializer` among them goes before the layer's.
    """
    of = {what: getattr(layer, f"{kind or name}_{what}") for what in ("initializer", "regularizer", "constraint")}
    return layer.add_weight(name=name, shape=shape, **{**of, **others})


def passed_on(arguments: Mapping[str, Any], to: type) -> dict[str, Any]:
    """Those of `arguments`, the `locals()` of an `__init__`, which are settings of another class, too."""
    return {name: arguments[name] for name in setting_names(to) if name in arguments}


def described(name: str, value: Any) -> Any:
    """A setting as its layer's config has it."""
    kind = name.rpartition("_")[2]
    if kind in ("cell", "cells", "layer", "layers", "config"):
        return serialize_keras_object(value)
    finder = _FINDERS.get(kind)
    return value if finder is None else finder.serialize(value)


def _is_integer(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool) and not getattr(value, "shape", ())


def _written_as_integer(value: float | str) -> int:
    """The positive integer that a float or a text stands for; 0 for none."""
    text = str(value).removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() else 0


def activated_shape(layer: Any, shape: Shape) -> Shape:
    """The shape after the layer's activation: `glu` halves the last axis, the others keep all."""
    if layer.activation is not activations.glu or shape[-1] is None:
        return shape
    return (*shape[:-1], shape[-1] // 2)


def integer(layer: Any, name: str, value: Any, least: int = 1, wrong_type: type[Exception] = ValueError) -> int:
    """`value` as an int of at least `least`.

    Raises:
        ValueError: naming the layer and the argument; for what is no integer at all, `wrong_type`.
    """
    if not _is_integer(value) or value < least:
        kind = "a positive integer" if least == 1 else f"an integer of at least {least}"
        whole = isinstance(value, (float, str)) and _written_as_integer(value)
        hint = f" Use {name}={whole}." if whole else ""
        raise (ValueError if _is_integer(value) else wrong_type)(
            f"{type(layer).__name__}({name}={value!r:.60}): expected {kind}.{hint}"
        )
    return int(value)


def sizes(layer: Any, name: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """An integer, or one per spatial axis, as a tuple of `rank` ints of at least `least`.

    Raises:
        ValueError: naming the layer and the argument.
    """
    found = (value,) * rank if _is_integer(value) else value
    fits = isinstance(found, (tuple, list)) and len(found) == rank
    if not fits or not all(_is_integer(n) and n >= least for n in found):
        several = f", or {rank} of them" if rank > 1 else ""
        raise ValueError(f"{type(layer).__name__}({name}={value!r}): expected an integer of at least {least}{several}.")
    return tuple([int(n) for n in found])


def one_of(layer: Any, name: str, value: Any, allowed: Sequence[str]) -> Any:
    """`value` in lower case, if it is one of `allowed`.

    Raises:
        ValueError: with the nearest allowed word.
    """
    word = value.lower() if isinstance(value, str) else value
    expect_one_of(type(layer).__name__, name, word, allowed)
    return str(word)


def layout(layer: Any, data_format: Any) -> DataFormat:
    """The data format; the configured one for None.

    Raises:
        ValueError: for an unknown one.
    """
    if data_format is None:
        return image_data_format()
    found: DataFormat = one_of(layer, "data_format", data_format, ("channels_last", "channels_first"))
    return found


def share(layer: Any, name: str, value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        ValueError: naming the layer and the argument.
    """
    number = isinstance(value, (int, float, numpy.integer, numpy.floating)) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:
        hint = f" For {value:g} percent, give {value / 100:g}." if number and 2 <= value <= 100 else ""
        raise ValueError(f"{type(layer).__name__}({name}={value!r}): expected a number from 0 to 1.{hint}")
    return value if isinstance(value, (int, float)) else float(value)


def at_least_zero(layer: Any, name: str, value: Any) -> float:
    """A finite number of at least 0.

    Raises:
        ValueError: naming the layer and the argument.
    """
    usable = isinstance(value, (int, float, numpy.number)) and not isinstance(value, bool)
    if not usable or not 0 <= value < math.inf:
        raise ValueError(f"{type(layer).__name__}({name}={value!r:.60}): expected a number of at least 0.")
    return float(value)
