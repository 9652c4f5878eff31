"""The ops that have a name of NumPy: the names of `keras.ops.numpy`."""

from eagerflow.ops.arrays.complex_views import angle, isreal, sign
from eagerflow.ops.arrays.creation import (
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
from eagerflow.ops.arrays.diagonals import diag, diagflat, diagonal, tril, triu
from eagerflow.ops.arrays.indexing import get_item, take, take_along_axis
from eagerflow.ops.arrays.join import (
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
    vsplit,
    vstack,
)
from eagerflow.ops.arrays.shape import (
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
from eagerflow.ops.arrays.sorting import argpartition, argsort, digitize, searchsorted, sort
from eagerflow.ops.control_flow import vectorize
from eagerflow.ops.elementwise.arithmetic import (
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
from eagerflow.ops.elementwise.bitwise import (
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
from eagerflow.ops.elementwise.casting import copy, ndim, size, view
from eagerflow.ops.elementwise.comparison import (
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
from eagerflow.ops.elementwise.complex_numbers import conj, conjugate, imag, real
from eagerflow.ops.elementwise.exponential import (
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
    sqrt,
)
from eagerflow.ops.elementwise.logic import logical_and, logical_not, logical_or, logical_xor
from eagerflow.ops.elementwise.rounding import ceil, floor, round, trunc
from eagerflow.ops.elementwise.selection import (
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
from eagerflow.ops.elementwise.trigonometry import (
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
from eagerflow.ops.matrices.correlation import corrcoef, correlate
from eagerflow.ops.matrices.einsum import einsum
from eagerflow.ops.matrices.factorizations import slogdet
from eagerflow.ops.matrices.norms import trace
from eagerflow.ops.matrices.products import cross, dot, inner, kron, matmul, outer, tensordot, vdot
from eagerflow.ops.reduce.bessel import i0
from eagerflow.ops.reduce.cumulative import cumprod, cumsum, diff, trapezoid
from eagerflow.ops.reduce.nan_reductions import (
    nanargmax,
    nanargmin,
    nancumprod,
    nancumsum,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
)
from eagerflow.ops.reduce.quantiles import median, nanmedian, nanpercentile, nanquantile, percentile, quantile
from eagerflow.ops.reduce.reductions import (
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
from eagerflow.ops.reduce.statistics import (
    allclose,
    bincount,
    histogram,
    isclose,
    isin,
    unique,
    unravel_index,
)
from eagerflow.ops.reduce.truth import all, any
from eagerflow.ops.signals.window_functions import bartlett, blackman, hamming, hanning, kaiser

__all__ = [
    "abs", "absolute", "add", "all", "allclose", "amax", "amin", "angle", "any", "append", "arange",
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argpartition", "argsort", "array", "array_split", "average", "bartlett", "bincount", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "blackman", "broadcast_to", "cbrt", "ceil", "clip", "concatenate", "conj", "conjugate",
    "copy", "corrcoef", "correlate", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum",
    "deg2rad", "diag", "diagflat", "diagonal", "diff", "digitize", "divide", "divide_no_nan", "dot",
    "dsplit", "dstack", "einsum", "empty", "empty_like", "equal", "exp", "exp2", "expand_dims", "expm1",
    "eye", "fabs", "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "full",
    "full_like", "gcd", "geomspace", "get_item", "greater", "greater_equal", "hamming", "hanning",
    "heaviside", "histogram", "hsplit", "hstack", "hypot", "i0", "identity", "imag", "inner", "isclose",
    "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "kaiser", "kron", "lcm",
    "ldexp", "left_shift", "less", "less_equal", "linspace", "log", "log10", "log1p", "log2", "logaddexp",
    "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "matmul", "max",
    "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moveaxis", "multiply",
    "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian",
    "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "ndim", "negative",
    "nextafter", "nonzero", "not_equal", "ones", "ones_like", "outer", "pad", "percentile", "power",
    "prod", "ptp", "quantile", "rad2deg", "ravel", "real", "reciprocal", "repeat", "reshape",
    "right_shift", "roll", "rot90", "round", "searchsorted", "select", "sign", "signbit", "sin", "sinc",
    "sinh", "size", "slogdet", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract",
    "sum", "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensordot", "tile", "trace",
    "transpose", "trapezoid", "tri", "tril", "triu", "true_divide", "trunc", "unique", "unravel_index",
    "vander", "var", "vdot", "vectorize", "view", "vsplit", "vstack", "where", "zeros", "zeros_like",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
