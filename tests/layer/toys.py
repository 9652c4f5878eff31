"""Layers as a user would write them, for tests of what all layers have in common."""

from __future__ import annotations

from eagerflow import ops
from eagerflow.layer.layer import Layer


class Affine(Layer):
    """Weights made in `build`; shapes found by running it."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel) + self.bias


class Declared(Affine):
    """The same, telling its shapes."""

    runs = 0

    def call(self, inputs):
        type(self).runs += 1
        return super().call(inputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


class Scale(Layer):
    """One weight, made in `__init__`."""

    def __init__(self, start=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = self.add_weight(shape=(), initializer=lambda shape, dtype: ops.full(shape, start, dtype))

    def call(self, inputs):
        return inputs * self.factor


class Mode(Layer):
    """Tells whether it trains."""

    def call(self, inputs, training=None):
        self.seen = training
        return inputs


class Masker(Layer):
    """Masks out zeros."""

    def call(self, inputs):
        return inputs

    def compute_mask(self, inputs, previous_mask):
        return ops.any(ops.not_equal(inputs, 0.0), axis=-1)


class MaskReader(Layer):
    """Keeps the mask it was given."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        self.seen = mask
        return inputs * 1.0


class Same(Layer):
    """Its input, untouched."""

    def call(self, inputs):
        return inputs
