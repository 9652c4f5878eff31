"""How each op is expressed in ONNX: a table from its name to a function of a `Call`, which adds nodes."""

from eagerflow.onnx.converters import attention, elementwise, indexing, neural, recurrent, reductions, shapes
from eagerflow.onnx.converters.refused import REFUSED

__all__ = ["CONVERTERS", "REFUSED"]

CONVERTERS = (
    attention.CONVERTERS
    | elementwise.CONVERTERS
    | indexing.CONVERTERS
    | neural.CONVERTERS
    | recurrent.CONVERTERS
    | reductions.CONVERTERS
    | shapes.CONVERTERS
)
