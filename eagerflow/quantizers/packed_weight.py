"""A weight of a layer as small integers with scales: its variables, and numbers of them again."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from eagerflow import ops
from eagerflow.base.typing import Shape
from eagerflow.core.tensor import Tensor
from eagerflow.quantizers import AbsMaxQuantizer, abs_max_quantize_grouped_with_zero_point, pack_int4, unpack_int4
from eagerflow.quantizers.int4 import dequantized

__all__ = ["PackedWeight"]


class PackedWeight(NamedTuple):
    """How a weight is kept.

    Attributes:
        name: the name of the weight; those of scales and zeros begin with it.
        mode: `"int8"` or `"int4"`.
        shape: of the integers; a matrix for `"int4"`.
        axes: which share a scale.
        whole: the shape of the weight, of which `shape` is another arrangement; None where it is `shape`.
        packed: the axis along which two integers are a byte.
        block: how many indices of the axis share a scale and a zero; None for all, with no zero.
        order: of the axes that scales have, as they are kept.
        scale_shape: as they are kept; None where that follows from the rest.
        groups: the name of the variable with the group of each index, made by the first weight of the layer.
        hidden: whether the attribute of the integers begins with an underscore.
    """

    name: str
    mode: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    whole: tuple[int, ...] | None = None
    packed: int = -1
    block: int | None = None
    order: tuple[int, ...] | None = None
    scale_shape: tuple[int, ...] | None = None
    groups: str = "g_idx"
    hidden: bool = True

    @property
    def attribute(self) -> str:
        """The attribute of the integers."""
        return f"_{self.name}" if self.hidden else self.name

    @property
    def value_range(self) -> tuple[int, int]:
        """The smallest and the largest integer."""
        return (-127, 127) if self.mode == "int8" else (-8, 7)

    @property
    def _kept(self) -> list[int]:
        return [n for i, n in enumerate(self.shape) if i not in self.axes]

    def names(self) -> list[str]:
        """The attributes of its variables other than the integers, in Keras' order."""
        return [f"{self.name}_scale", *([f"{self.name}_zero", self.groups] if self.block else [])]

    def make(self, layer: Any) -> None:
        """Make the variables."""
        shape = list(self.shape)
        if self.mode == "int4":
            shape[self.packed] = (shape[self.packed] + 1) // 2
        others = {"initializer": "zeros", "trainable": False}
        setattr(layer, self.attribute, layer.add_weight(name=self.name, shape=shape, dtype="int8", **others))
        scales: Shape = tuple(self.scale_shape or self._kept)
        if self.block:
            (axis,) = self.axes
            count = math.ceil(self.shape[axis] / self.block)
            scales = tuple([count if i == axis else n for i, n in enumerate(self.shape)])
        scale = layer.add_weight(name=f"{self.name}_scale", shape=scales, initializer="ones", trainable=False)
        setattr(layer, f"{self.name}_scale", scale)
        if self.block:
            dtype = "int8" if self.hidden else None  # as in Keras' files
            zero = layer.add_weight(name=f"{self.name}_zero", shape=scales, dtype=dtype, **others)
            setattr(layer, f"{self.name}_zero", zero)
        if self.block and self.groups not in layer.__dict__:
            length = self.shape[self.axes[0]]
            groups = layer.add_weight(name=self.groups, shape=(length,), dtype="float32", **others)
            groups.assign(numpy.arange(length, dtype="float32") // self.block)
            setattr(layer, self.groups, groups)

    def encode(self, values: Any, quantizer: Any = None) -> dict[str, Any]:
        """What the variables hold for a weight with these values, by the names of attributes."""
        x = ops.reshape(values, self.shape)
        if self.block:
            turned = self.axes != (0,)
            found = abs_max_quantize_grouped_with_zero_point(ops.transpose(x) if turned else x, self.block)
            integers, scale, zero = map(ops.transpose, found) if turned else found
            arrays = {f"{self.name}_scale": scale, f"{self.name}_zero": zero}
        else:
            quantizer = quantizer or AbsMaxQuantizer(self.axes, self.value_range)
            integers, scale = quantizer(x, axis=self.axes if quantizer.axis is None else None)
            arrays = {f"{self.name}_scale": self._as_kept(scale)}
        if self.mode == "int4":
            integers = pack_int4(integers, axis=self.packed)[0]
        return {self.attribute: integers, **arrays}

    def _as_kept(self, scale: Tensor) -> Tensor:
        scale = ops.reshape(scale, self._kept)
        scale = scale if self.order is None else ops.transpose(scale, self.order)
        return scale if self.scale_shape is None else ops.reshape(scale, self.scale_shape)

    def spread(self, scale: Tensor) -> Tensor:
        """A scale, as it is kept, in a shape to be broadcast with the integers."""
        if self.order is not None:
            scale = ops.reshape(scale, [self._kept[i] for i in self.order])
            scale = ops.transpose(scale, [self.order.index(i) for i in range(len(self.order))])
        return ops.reshape(scale, [1 if i in self.axes else n for i, n in enumerate(self.shape)])

    def integers(self, layer: Any) -> Tensor:
        """The integers, each in a byte."""
        kept = getattr(layer, self.attribute)
        return kept if self.mode == "int8" else unpack_int4(kept, self.shape[self.packed], axis=self.packed)

    def numbers(self, layer: Any) -> Tensor:
        """The numbers that they stand for, in the shape of the weight."""
        integers, scale = self.integers(layer), getattr(layer, f"{self.name}_scale")
        if self.block:
            zero, groups = getattr(layer, f"{self.name}_zero"), getattr(layer, self.groups)
            found = dequantized(integers, scale, zero, groups, self.axes[0], layer.compute_dtype)
        else:
            found = ops.cast(integers, layer.compute_dtype) / self.spread(scale)
        return found if self.whole is None else ops.reshape(found, self.whole)

    def numbers_at(self, layer: Any, indices: Tensor) -> Tensor:
        """Those of some rows of a matrix whose rows have scales of their own."""
        rows = ops.take(getattr(layer, self.attribute), indices, axis=0)
        scale = ops.take(getattr(layer, f"{self.name}_scale"), indices, axis=0)
        if self.mode == "int4":
            rows = unpack_int4(rows, self.shape[1], axis=-1)
        if not self.block:
            return ops.cast(rows, layer.compute_dtype) / ops.expand_dims(scale, -1)
        zero = ops.take(getattr(layer, f"{self.name}_zero"), indices, axis=0)
        return dequantized(rows, scale, zero, getattr(layer, self.groups), -1, layer.compute_dtype)
