"""Keras' `backend.nn`: the functions of `eagerflow.ops.nn`."""

from typing import Any

from eagerflow.keras_backend.backend.adapting import adapt, public_functions, tensor_of
from eagerflow.ops import cast as _cast, nn as ours, tanh as _tanh

globals().update(public_functions(ours))
tanh = adapt(_tanh)


def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """The loss of connectionist temporal classification; of half floats, as float32."""
    target, output, target_length, output_length = tensor_of([target, output, target_length, output_length])
    found = ours.ctc_loss(target, output, target_length, output_length, mask_index)
    return _cast(found, "float32") if found.dtype.itemsize == 2 else found
