"""How each op is expressed in ONNX: a table from its name to a function of a `Call`, which adds nodes."""

from eagerflow.onnx.converters import elementwise, neural, random, recurrent, reductions, shapes

__all__ = ["CONVERTERS"]

CONVERTERS = (
    elementwise.CONVERTERS
    | neural.CONVERTERS
    | random.CONVERTERS
    | recurrent.CONVERTERS
    | reductions.CONVERTERS
    | shapes.CONVERTERS
)
