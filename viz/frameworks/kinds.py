"""What kind of layer or model an object is, of eagerflow or of Keras: their classes have the same names."""

from __future__ import annotations

import os
from typing import Any

import eagerflow
from eagerflow.core.observe import libraries

__all__ = ["has_own", "is_convolution", "is_kind"]

_EAGERFLOW = os.path.join(os.path.dirname(os.path.abspath(eagerflow.__file__)), "")


def is_kind(layer: Any, *names: str) -> bool:
    """Is it of one of these classes?"""
    return any(each.__name__ in names for each in type(layer).__mro__)


def is_convolution(layer: Any) -> bool:
    """Is it a convolution? The first of these classes is eagerflow's base of all, the others are Keras'."""
    return is_kind(layer, "ConvolutionBase", "BaseConv", "BaseConvTranspose", "BaseDepthwiseConv", "BaseSeparableConv")


def has_own(model: Any, *methods: str) -> bool:
    """Did the user write some of these methods, which a model has from its framework otherwise?"""
    codes = [getattr(getattr(type(model), name, None), "__code__", None) for name in methods]
    files = [getattr(code, "co_filename", "") for code in codes]
    return not all(file.startswith((_EAGERFLOW, *libraries)) for file in files)
