"""Which arrays of a file are weights that training may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.onnx.nodes.windows import ARRANGED
from eagerflow.onnx.reading.program import Step

__all__ = ["Weight", "weights_of"]

# The inputs of nodes that are weights.
_LEARNED: dict[str, tuple[int, ...]] = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gemm": (0, 1, 2),
    "MatMul": (0, 1),
    "Einsum": tuple(range(8)),
    "BatchNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "GroupNormalization": (1, 2),
    "RMSNormalization": (1,),
    "PRelu": (1,),
    "Gather": (0,),
    "LSTM": (1, 2, 3, 7),
    "GRU": (1, 2, 3),
    "RNN": (1, 2, 3),
}
_ELEMENTWISE = ("Add", "Sub", "Mul", "Div")  # biases and scales, where there is more than one number
_THROUGH = {"Identity", "Transpose", "Reshape", "Cast", "Unsqueeze", "Squeeze", "Flatten", "Split", "Slice", "Expand"}
_THROUGH_ALL = ("Concat",)
_SMALL = 64  # integers of up to this number of elements are shapes, axes and the like
_HUGE = 1e4  # numbers that stand for minus infinity in masks


class Weight(NamedTuple):
    """An array of a file that becomes a variable.

    Attributes:
        array: a view of the file's bytes.
        trainable: whether training may change it.
        kernel: whether it is a kernel that is to be held in our order, (*window, channels of a group, filters).
    """

    array: Any
    trainable: bool
    kernel: bool

    def held(self) -> Any:
        """The array as it is held."""
        if not self.kernel:
            return self.array
        return numpy.ascontiguousarray(self.array.transpose(*range(2, self.array.ndim), 1, 0))


_NONE = Weight(None, False, False)


def weights_of(arrays: Mapping[str, Any], steps: Sequence[Step]) -> tuple[dict[str, Any], dict[str, Weight]]:
    """Constants, which are known before anything runs, and variables with whether they are trained.

    Floating-point arrays that nodes take as their weights are trained: those of convolutions, products,
    normalizations, embeddings and recurrent nodes, and what is added or multiplied element by element, if it is more
    than one number. Moving means and variances, masks and quantized weights are variables that aren't trained; shapes
    and other small integers, and single numbers, stay constants.
    """
    learned, kernels = _learned(steps), _kernels(steps)
    constants, weights = {}, {}
    for name, array in arrays.items():
        floats = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
        if _is_constant(array, floats, learned.get(name) is True):
            constants[name] = array.copy()
        else:
            trainable = floats and name in learned and _is_learned(array, learned[name])
            weights[name] = Weight(array, trainable, name in kernels and array.ndim > 2)
    for step in steps:
        if step.kind in ARRANGED and weights.get(step.inputs[1], _NONE).kernel:
            step.function = ARRANGED[step.kind]
    return constants, weights


def _kernels(steps: Sequence[Step]) -> set[str]:
    """What is used as the kernel of convolutions, and for nothing else."""
    found, others = set[str](), set[str]()
    for step in steps:
        for place, name in enumerate(step.inputs):
            (found if place == 1 and step.kind in ARRANGED else others).add(name)
        for body in step.bodies:
            others |= body.reads
    return found - others


def _is_constant(array: Any, floats: bool, sure: bool) -> bool:
    if floats:
        return bool(array.size <= 1 and not sure)
    small = array.size <= _SMALL or array.dtype.itemsize > 4  # shapes, axes, indices
    return bool(small or array.dtype.kind not in "iub")


def _is_learned(array: Any, sure: bool) -> bool:
    """Whether numbers can be weights: of what is merely added, masks can't."""
    if sure:
        return True
    largest = numpy.abs(array.astype("float32")).max(initial=0.0)
    return array.size > 1 and bool(numpy.isfinite(largest)) and float(largest) < _HUGE


def _learned(steps: Sequence[Step]) -> dict[str, bool]:
    """Values that are used as weights: True where that is sure, False where numbers must tell."""
    found: dict[str, bool] = {}
    for step in reversed(steps):
        for place, name in enumerate(step.inputs):
            if place in _LEARNED.get(step.kind, ()):
                found[name] = True
            elif step.kind in _ELEMENTWISE:
                found.setdefault(name, False)
            elif (step.kind in _THROUGH and place == 0) or step.kind in _THROUGH_ALL:
                for made in step.outputs:
                    if made in found:
                        found[name] = found.get(name, False) or found[made]
    return found
