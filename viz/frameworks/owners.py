"""What layers, models and metrics do: the questions that judges ask, whichever framework they are of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import eagerflow
from eagerflow import Variable
from eagerflow.core.observe import libraries
from viz.frameworks.contract import Owner
from viz.frameworks.eagerflow import normalizations, roles

__all__ = ["LIBRARIES", "binary_threshold", "has_own", "is_chain", "is_library", "layer_role", "leaves_state_behind"]
__all__ += ["makes_weights", "newest_identity", "unadapted_normalization", "uses_inner_weights"]


LIBRARIES = roles.LIBRARIES
"""How the names of the modules begin that come with the framework."""

_EAGERFLOW = os.path.join(os.path.dirname(os.path.abspath(eagerflow.__file__)), "")


def is_library(owner: Any) -> bool:
    """Is it of a class that comes with the framework, not of one that the user wrote?"""
    return owner.is_library if isinstance(owner, Owner) else type(owner).__module__.startswith(LIBRARIES)


def uses_inner_weights(owner: Any) -> bool:
    """May a layer use the weights of layers inside without a call of these, as layers of the framework do?"""
    return owner.is_library if isinstance(owner, Owner) else type(owner).__module__.startswith("eagerflow.layers.")


def layer_role(layer: Any) -> str:
    """What a layer does, in a word such as `"embedding"` or `"recurrent"`; empty for most."""
    return layer.role if isinstance(layer, Owner) else roles.layer_role(layer)


def makes_weights(layer: Any) -> bool:
    """Does it make weights when it is first called?"""
    return not isinstance(layer, Owner) and roles.makes_weights(layer)


def leaves_state_behind(layer: Any) -> bool:
    """Might a call of this layer leave something behind: states, or added losses?"""
    return isinstance(layer, Owner) or roles.leaves_state_behind(layer)


def is_chain(model: Any) -> bool:
    """Does each layer of a model that `fit` trains get what the one before it made, and nothing else?"""
    return roles.is_chain(model)


def binary_threshold(metric: Any) -> float | None:
    """Above which number a metric takes an answer for a yes; None for one of another kind."""
    return roles.binary_threshold(metric)


def unadapted_normalization(layers: Sequence[Any]) -> Any:
    """The first layer that scales its inputs by means that nobody computed; None for none."""
    return normalizations.unadapted_normalization([each for each in layers if not isinstance(each, Owner)])


def newest_identity() -> int:
    """A number above those of all variables that were made before, and below those of later ones."""
    return Variable(0.0, trainable=False).identity


def has_own(model: Any, *methods: str) -> bool:
    """Did the user write some of these methods, which a model has from its framework otherwise?"""
    codes = [getattr(getattr(type(model), name, None), "__code__", None) for name in methods]
    files = [getattr(code, "co_filename", "") for code in codes]
    return not all(file.startswith((_EAGERFLOW, *libraries)) for file in files)
