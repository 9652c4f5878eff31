"""Operations on tensors, with the names and signatures of `keras.ops`."""

import sys

from eagerflow.core.op import recorded_namespace
from eagerflow.ops import linalg, nn, operators, transfer  # noqa: F401 - tensors move by it
from eagerflow.ops.arithmetic import (
    abs,
    absolute,
    add,
    divide,
    fabs,
    floor_divide,
    fmod,
    mod,
    multiply,
    negative,
    power,
    reciprocal,
    square,
    subtract,
    true_divide,
)
from eagerflow.ops.bitwise import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    gcd,
    lcm,
    left_shift,
    nextafter,
    right_shift,
    signbit,
)
from eagerflow.ops.casting import (
    cast,
    convert_to_numpy,
    convert_to_tensor,
    copy,
    dtype,
    is_tensor,
    ndim,
    saturate_cast,
    shape,
    size,
)
from eagerflow.ops.choose import (
    clip,
    divide_no_nan,
    fmax,
    fmin,
    heaviside,
    maximum,
    minimum,
    nan_to_num,
    nonzero,
    select,
    where,
)
from eagerflow.ops.compare import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    less,
    less_equal,
    not_equal,
)
from eagerflow.ops.complexes import conj, conjugate, imag, real
from eagerflow.ops.contraction import einsum
from eagerflow.ops.create import (
    arange,
    array,
    empty,
    empty_like,
    eye,
    full,
    full_like,
    geomspace,
    identity,
    linspace,
    logspace,
    meshgrid,
    ones,
    ones_like,
    tri,
    vander,
    zeros,
    zeros_like,
)
from eagerflow.ops.cumulative import cumprod, cumsum, diff, trapezoid
from eagerflow.ops.diagonals import diag, diagflat, diagonal, trace, tril, triu
from eagerflow.ops.exponential import (
    cbrt,
    exp,
    exp2,
    expm1,
    hypot,
    ldexp,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    logsumexp,
    rsqrt,
    sqrt,
)
from eagerflow.ops.index import get_item, slice, take, take_along_axis
from eagerflow.ops.join import (
    append,
    array_split,
    concatenate,
    dsplit,
    dstack,
    hsplit,
    hstack,
    pad,
    split,
    stack,
    unstack,
    vsplit,
    vstack,
)
from eagerflow.ops.logic import all, any, logical_and, logical_not, logical_or, logical_xor
from eagerflow.ops.order import argpartition, argsort, digitize, in_top_k, searchsorted, sort, top_k
from eagerflow.ops.products import cross, dot, inner, kron, matmul, outer, tensordot, vdot
from eagerflow.ops.reduce import (
    amax,
    amin,
    argmax,
    argmin,
    average,
    count_nonzero,
    max,
    mean,
    min,
    prod,
    ptp,
    std,
    sum,
    var,
)
from eagerflow.ops.rounding import ceil, floor, round, sign, trunc
from eagerflow.ops.scatter import scatter, scatter_update, slice_update
from eagerflow.ops.segment import segment_max, segment_min, segment_prod, segment_sum
from eagerflow.ops.shape import (
    broadcast_to,
    expand_dims,
    flip,
    fliplr,
    flipud,
    moveaxis,
    ravel,
    repeat,
    reshape,
    roll,
    rot90,
    squeeze,
    swapaxes,
    tile,
    transpose,
)
from eagerflow.ops.trigonometry import (
    angle,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cos,
    cosh,
    deg2rad,
    rad2deg,
    sin,
    sinc,
    sinh,
    tan,
    tanh,
)

recorded_namespace[:] = [sys.modules[__name__]]

__all__ = [
    "abs", "absolute", "add", "all", "amax", "amin", "angle", "any", "append", "arange", "arccos",
    "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin", "argpartition",
    "argsort", "array", "array_split", "average", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "broadcast_to", "cast", "cbrt",
    "ceil", "clip", "concatenate", "conj", "conjugate", "convert_to_numpy", "convert_to_tensor", "copy",
    "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum", "deg2rad", "diag", "diagflat",
    "diagonal", "diff", "digitize", "divide", "divide_no_nan", "dot", "dsplit", "dstack", "dtype",
    "einsum", "empty", "empty_like", "equal", "exp", "exp2", "expand_dims", "expm1", "eye", "fabs",
    "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "full", "full_like",
    "gcd", "geomspace", "get_item", "greater", "greater_equal", "heaviside", "hsplit", "hstack", "hypot",
    "identity", "imag", "in_top_k", "inner", "is_tensor", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf", "kron", "lcm", "ldexp", "left_shift", "less", "less_equal", "linalg", "linspace", "log",
    "log10", "log1p", "log2", "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or",
    "logical_xor", "logspace", "logsumexp", "matmul", "max", "maximum", "mean", "meshgrid", "min",
    "minimum", "mod", "moveaxis", "multiply", "nan_to_num", "ndim", "negative", "nextafter", "nn",
    "nonzero", "not_equal", "ones", "ones_like", "outer", "pad", "power", "prod", "ptp", "rad2deg",
    "ravel", "real", "reciprocal", "repeat", "reshape", "right_shift", "roll", "rot90", "round", "rsqrt",
    "saturate_cast", "scatter", "scatter_update", "searchsorted", "segment_max", "segment_min",
    "segment_prod", "segment_sum", "select", "shape", "sign", "signbit", "sin", "sinc", "sinh", "size",
    "slice", "slice_update", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract",
    "sum", "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensordot", "tile", "top_k", "trace",
    "transpose", "trapezoid", "tri", "tril", "triu", "true_divide", "trunc", "unstack", "vander", "var",
    "vdot", "vsplit", "vstack", "where", "zeros", "zeros_like",
]  # fmt: skip
operators.answer_numpy(__all__, sys.modules[__name__])
