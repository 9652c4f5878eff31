"""Keras' `backend.linalg`: the functions of `eagerflow.ops.linalg`."""

from eagerflow.keras_backend.backend.adapting import public_functions
from eagerflow.ops import linalg as ours

globals().update(public_functions(ours))
