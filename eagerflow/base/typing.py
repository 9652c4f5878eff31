"""Named types: what signatures say where Python has no type, or a long one, for what is meant.

Those that are `Any` to a type checker are names for readers: arrays are NumPy's or CuPy's, and in a rule that is
recorded tensors, so that no one class fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

__all__ = ["Array", "ArrayFunction", "Axes", "Condition", "DType", "Identifier", "Kernel", "Needs", "Numpy", "Rule"]
__all__ += ["Seed", "Shape", "Sizes", "TensorLike"]

# A raw array of NumPy or CuPy; in a rule that is recorded, a tensor.
Array: TypeAlias = Any

# `xp`: the module `numpy`, or what stands in its place: `cupy`; in a rule that is recorded, `eagerflow.ops`.
Numpy: TypeAlias = Any

# What becomes a tensor: a tensor or variable (a symbolic one, too), an array, a number, lists of numbers.
TensorLike: TypeAlias = Any

# A name such as "float32", a type of NumPy, Python or another library; None where there is a default.
DType: TypeAlias = Any

# One axis, several, or None, mostly for all.
Axes: TypeAlias = int | Sequence[int] | None

# The lengths of a tensor's axes; None for one that only a call knows, such as the batch's.
Shape: TypeAlias = tuple[int | None, ...]

# Something that spatial axes have: one integer for all of them, or one for each.
Sizes: TypeAlias = int | Sequence[int]

# An activation, initializer, optimizer, ...: its name, its config, a function, class or object of the kind, or None.
# The `get` of its package finds what is meant.
Identifier: TypeAlias = Any

# Where random numbers come from: an integer, a `SeedGenerator`, or None for the state that all share.
Seed: TypeAlias = Any

# What an op is made of: `f(xp, *arrays, *settings)`, on raw arrays.
ArrayFunction: TypeAlias = Callable[..., Any]

# A derivative: names what it needs, of `g` (the gradient arriving), `out`, the op's parameters, ...; see `core/op.py`.
Rule: TypeAlias = Callable[..., Any]

# For each array of an op, whether its gradient is wanted.
Needs: TypeAlias = Sequence[bool]

# What computes an op, or a rule of it, in a quicker way, and whether it pays; see `core/lowering.py`.
Kernel: TypeAlias = Callable[..., Any]
Condition: TypeAlias = Callable[..., bool]
