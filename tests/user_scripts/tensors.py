"""Tensors, ops, and gradients."""

from typing import reveal_type

import eagerflow as keras
from eagerflow import ops

x = ops.ones((2, 3))
reveal_type(x)  # type: Tensor
reveal_type(x + 1)  # type: Tensor
reveal_type(2 * x @ ops.ones((3, 1)))  # type: Tensor
reveal_type(x[0, 1:])  # type: Tensor
reveal_type(x > 0)  # type: Tensor
reveal_type(x.reshape(-1).sum())  # type: Tensor
reveal_type(x.squeeze().std(axis=0))  # type: Tensor
reveal_type(x.T)  # type: Tensor
reveal_type(x.shape)  # type: tuple[int, ...]
reveal_type(ops.relu(x))  # type: Tensor
reveal_type(ops.split(x, 3, axis=1))  # type: list[Tensor]
reveal_type(ops.where(x > 0, x, 0.0))  # type: Tensor
reveal_type(ops.where(x > 0))  # type: tuple[Tensor, ...]
reveal_type(ops.linspace(0.0, 1.0))  # type: Tensor
reveal_type(ops.linspace(0.0, 1.0, retstep=True))  # type: tuple[Tensor, Tensor]
reveal_type(ops.svd(x))  # type: tuple[Tensor, Tensor, Tensor]
reveal_type(ops.svd(x, compute_uv=False))  # type: Tensor
reveal_type(ops.unique(x))  # type: Tensor
reveal_type(ops.cond(True, lambda: ops.relu(x), lambda: ops.exp(x)))  # type: Tensor
reveal_type(ops.switch(1, [ops.relu, ops.exp], x))  # type: Tensor
reveal_type(ops.fori_loop(0, 3, lambda i, y: ops.relu(y), x))  # type: Tensor
reveal_type(ops.cond(True, lambda: x, lambda: 0.0))  # type: Tensor | float
print(ops.cond(x.sum() > 0, lambda: (x, 1), lambda: (x, 2))[0].shape)
x.reshap(-1)  # error: reshap
ops.relue(x)  # error: relue
ops.softmax(x, axiss=0)  # error: axiss
x.backward()  # error: backward
x[0] = 1.0  # error: Unsupported target for indexed assignment
x.reshap(-1)  # error: reshap

weight = keras.Variable([1.0, 2.0, 3.0])
with keras.GradientTape() as tape:
    loss = (x * weight).sum()
reveal_type(weight)  # type: Variable
weight[0] = 1.0  # error: Unsupported target for indexed assignment
weight.assing(1.0)  # error: assing
reveal_type(loss)  # type: Tensor
reveal_type(tape.gradient(loss, weight))  # type: Tensor
reveal_type(tape.gradient(loss, [weight]))  # type: list[Tensor | Any]


def grow(variable: keras.Variable) -> None:
    variable += 1.0  # error: Incompatible types in assignment
    variable.assing(1.0)  # error: assing


@keras.custom_gradient
def square(a: keras.Tensor) -> tuple[keras.Tensor, object]:
    return a * a, lambda upstream: 2 * a * upstream


square()  # error: argument
