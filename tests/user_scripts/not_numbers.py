"""Text and other things where numbers are asked for; and all that is a number, a tensor or an array."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, reveal_type

import numpy as np

import eagerflow as keras
from eagerflow import Tensor, Variable, layers, ops

x, v, row = ops.ones((2, 3)), Variable(np.zeros(3)), [1, 2, 3]
print(x + "a")  # error: Unsupported operand
print(x - {"a": 1})  # error: Unsupported operand
print(v + "a")  # error: Unsupported operand
x.reshape("a")  # error: reshape
x.reshape(2, "a")  # error: reshape
x.reshape(1.5)  # error: reshape
ops.arange("3")  # error: arange
ops.arange(0, "3")  # error: arange
v.assign("abc")  # error: assign
v.assign_add("abc")  # error: assign_add
layers.Dense(2, kernel_initializer=3)  # error: kernel_initializer
layers.Layer().add_weight(shape=(2,), initializer=3)  # error: initializer
keras.callbacks.LambdaCallback(on_epoch_ended=lambda epoch, logs: None)  # error: on_epoch_ended

print(x + 1, 1 + x, x + 1.5, 2j * x, x + True, x + row, row + x, (1, 2, 3) * x, x + np.ones(3), x + v, v + x)
print(x + np.float32(3), x + np.int64(3), np.float32(3) * x, x + range(3), x + Fraction(1, 2), x + Decimal(3), -(x**2))
print(
    x @ np.ones((3, 2)), [[1.0, 2.0]] @ x, x // 2, x % 2, 2 // x, 2**x, sum([x, x]), divmod(x, 2), x / np.ones(3).mean()
)
reveal_type(1 + x)  # type: Tensor
x.reshape(2, 3).reshape((3, 2)).reshape([-1, np.int64(2)]).reshape(x.shape).reshape(*x.shape).reshape(ops.shape(x))
x.reshape(-1).reshape(np.array([2, 3])).reshape((*x.shape[:1], -1)).reshape((x.shape[0], *x.shape[1:]))
ops.arange(3)
ops.arange(0, x.shape[0], 2)
ops.arange(np.int64(3))
ops.arange(ops.sum(x), step=np.float32(0.5))
v.assign([1, 2, 3]).assign(np.ones(3)).assign(v + 1).assign(x[0]).assign(v).assign_add(1).assign_sub(0.5)
Variable(3.0).assign(np.float64(2)).assign(True)
layers.Dense(2, kernel_initializer=np.ones((3, 2)), bias_initializer=None)
layers.Dense(2, kernel_initializer=keras.initializers.HeNormal, bias_initializer={"class_name": "Zeros", "config": {}})
layers.Dense(
    2, kernel_initializer=lambda shape, dtype=None: ops.ones(shape), bias_initializer=keras.initializers.Zeros()
)
layers.Layer().add_weight(shape=(2,), initializer="zeros")
keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None, on_test_end=print, on_batch_end=None)


def scaled(
    a: Any, factors: Sequence[float], rate: float | Tensor, shape: Sequence[int], plain: keras.KerasTensor
) -> Tensor:
    return a * rate + x * rate + x * a + x * np.asarray(factors) + x.reshape(shape) + plain * x
