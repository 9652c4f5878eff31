"""Operations on tensors, with the names and signatures of `keras.ops`."""

import sys

from eagerflow.core.op import recorded_namespace
from eagerflow.core.tensor import register_methods
from eagerflow.ops.arithmetic import add, divide, multiply, negative, power, subtract
from eagerflow.ops.casting import cast, real
from eagerflow.ops.exponential import exp, log, tanh
from eagerflow.ops.index import scatter_index, take_index
from eagerflow.ops.linalg import matmul
from eagerflow.ops.reduce import mean, sum
from eagerflow.ops.shape import broadcast_to, moveaxis, reshape, stack, swapaxes, transpose

recorded_namespace[:] = [sys.modules[__name__]]
register_methods(
    __add__=add, __radd__=add, __mul__=multiply, __rmul__=multiply, __sub__=subtract,
    __rsub__=lambda x, y: subtract(y, x), __truediv__=divide, __rtruediv__=lambda x, y: divide(y, x),
    __neg__=negative, __pow__=power, __rpow__=lambda x, y: power(y, x), __matmul__=matmul,
    __rmatmul__=lambda x, y: matmul(y, x), __getitem__=take_index, reshape=reshape, swapaxes=swapaxes, sum=sum,
    mean=mean, transpose=transpose, astype=cast,
)  # fmt: skip
__all__ = [
    "add", "broadcast_to", "cast", "divide", "exp", "log", "matmul", "mean", "moveaxis", "multiply", "negative", "power",
    "real", "reshape", "scatter_index", "stack", "subtract", "sum", "swapaxes", "take_index", "tanh", "transpose",
]  # fmt: skip
