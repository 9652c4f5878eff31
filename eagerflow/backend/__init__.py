"""Default types, layouts and small helpers, as in `keras.backend` of Keras 3."""

from __future__ import annotations as _annotations

from operator import attrgetter as _attrgetter
from typing import Any as _Any

import numpy as _numpy

from eagerflow.base.config import (
    backend as backend,
    epsilon as epsilon,
    floatx as floatx,
    image_data_format as image_data_format,
    set_epsilon as set_epsilon,
    set_floatx as set_floatx,
    set_image_data_format as set_image_data_format,
)
from eagerflow.base.faces import listed as _listed
from eagerflow.core.dtypes import (
    as_dtype as _as_dtype,
    is_float_dtype as is_float_dtype,
    is_int_dtype as is_int_dtype,
    standardize_dtype as standardize_dtype,
)
from eagerflow.layer.symbolic.session import clear_session as clear_session, is_keras_tensor as is_keras_tensor
from eagerflow.layer.unique_names import get_uid as get_uid

# Python's types, which take the width of what they meet.
_WEAK: dict[_Any, _Any] = {bool: False, int: 0, float: 0.0, complex: 0j}


def result_type(*dtypes: _Any) -> str:
    """The dtype of the result of an operation on operands of these types.

    NumPy's promotion, but float64 only where one of the types is float64 (see `eagerflow.core.dtypes`). Python's
    types never widen another of their kind.

    Args:
        *dtypes: names of types, or Python's `bool`, `int` and `float`.

    >>> ef.backend.result_type("int32", "float32"), ef.backend.result_type(int, float)
    ('float32', 'float32')
    >>> ef.backend.result_type("float16", float), ef.backend.result_type("int8", int)
    ('float16', 'int8')
    """
    kinds = [_as_dtype(d) for d in dtypes if d not in _WEAK]
    weak = [_WEAK[d] for d in dtypes if d in _WEAK]
    if not kinds:
        kinds, weak = [_as_dtype(d) for d in dtypes] or [_as_dtype(None)], []
    halves = [k for k in kinds if k.name == "bfloat16"]
    if halves:  # NumPy's own types don't know it: they give way when they are integers, and it does otherwise
        rest = [k for k in kinds if k.name != "bfloat16" and k.kind not in "iub"]
        kinds = [_as_dtype("float32"), *rest] if rest else halves
        if not rest:
            return "complex64" if any(isinstance(n, complex) for n in weak) else "bfloat16"
    found = _numpy.result_type(*kinds, *weak)
    if found != "float64" or "float64" in [k.name for k in kinds]:
        return standardize_dtype(found)
    floats = [k for k in kinds if k.kind not in "iub"]
    return standardize_dtype(max(floats, key=_attrgetter("itemsize"))) if floats else floatx()


_listed(__name__)
