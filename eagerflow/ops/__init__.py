"""Operations on tensors, with the names and signatures of `keras.ops`."""

import sys

from eagerflow.base.moved import stand_behind as _stand_behind
from eagerflow.core.links import above as _above
from eagerflow.ops import image, linalg, nn, numpy, operators
from eagerflow.ops.arrays import devices  # noqa: F401 - tensors move by it
from eagerflow.ops.arrays.complex_views import angle, isreal, sign, view_as_complex, view_as_real
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
from eagerflow.ops.arrays.indexing import get_item, slice, take, take_along_axis
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
    unstack,
    vsplit,
    vstack,
)
from eagerflow.ops.arrays.rearrange import rearrange
from eagerflow.ops.arrays.scatter import scatter, scatter_update, slice_update
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
from eagerflow.ops.arrays.sorting import argpartition, argsort, digitize, in_top_k, searchsorted, sort, top_k
from eagerflow.ops.control_flow import (
    associative_scan,
    cond,
    custom_gradient,
    fori_loop,
    jvp,
    map,
    scan,
    stop_gradient,
    switch,
    vectorize,
    vectorized_map,
    while_loop,
)
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
from eagerflow.ops.elementwise.casting import (
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
    view,
)
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
    rsqrt,
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
from eagerflow.ops.elementwise.special import erf, erfc, erfinv
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
from eagerflow.ops.matrices.factorizations import (
    cholesky,
    eig,
    eigh,
    lu_factor,
    pinv,
    qr,
    slogdet,
    solve,
    svd,
)
from eagerflow.ops.matrices.inverses import (
    cholesky_inverse,
    det,
    inv,
    logdet,
    lstsq,
    matrix_rank,
    solve_triangular,
)
from eagerflow.ops.matrices.norms import norm, trace
from eagerflow.ops.matrices.products import cross, dot, inner, kron, matmul, outer, tensordot, vdot
from eagerflow.ops.nn import (
    adaptive_average_pool,
    adaptive_max_pool,
    average_pool,
    batch_normalization,
    binary_crossentropy,
    categorical_crossentropy,
    celu,
    conv,
    conv_transpose,
    ctc_decode,
    ctc_loss,
    depth_to_space,
    depthwise_conv,
    dot_product_attention,
    elu,
    fold,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    layer_normalization,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    max_pool,
    moments,
    multi_hot,
    normalize,
    one_hot,
    polar,
    psnr,
    relu,
    relu6,
    rms_normalization,
    selu,
    separable_conv,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    space_to_depth,
    sparse_categorical_crossentropy,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
    unfold,
)
from eagerflow.ops.reduce.bessel import i0
from eagerflow.ops.reduce.cumulative import cumprod, cumsum, diff, trapezoid
from eagerflow.ops.reduce.log_sum_exp import logsumexp
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
from eagerflow.ops.reduce.segments import segment_max, segment_min, segment_prod, segment_sum
from eagerflow.ops.reduce.statistics import (
    allclose,
    bincount,
    cdist,
    histogram,
    isclose,
    isin,
    unique,
    unravel_index,
)
from eagerflow.ops.reduce.truth import all, any
from eagerflow.ops.signals.fourier import extract_sequences, fft, fft2, ifft2, irfft, istft, rfft, stft
from eagerflow.ops.signals.window_functions import bartlett, blackman, hamming, hanning, kaiser

_above.ops = sys.modules[__name__]

__all__ = [
    "abs", "absolute", "adaptive_average_pool", "adaptive_max_pool", "add", "all", "allclose", "amax",
    "amin", "angle", "any", "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
    "arctan2", "arctanh", "argmax", "argmin", "argpartition", "argsort", "array", "array_split",
    "associative_scan", "average", "average_pool", "bartlett", "batch_normalization",
    "binary_crossentropy", "bincount", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman", "broadcast_to", "cast",
    "categorical_crossentropy", "cbrt", "cdist", "ceil", "celu", "cholesky", "cholesky_inverse", "clip",
    "concatenate", "cond", "conj", "conjugate", "conv", "conv_transpose", "convert_to_numpy",
    "convert_to_tensor", "copy", "corrcoef", "correlate", "cos", "cosh", "count_nonzero", "cross",
    "ctc_decode", "ctc_loss", "cumprod", "cumsum", "custom_gradient", "deg2rad", "depth_to_space",
    "depthwise_conv", "det", "diag", "diagflat", "diagonal", "diff", "digitize", "divide",
    "divide_no_nan", "dot", "dot_product_attention", "dsplit", "dstack", "dtype", "eig", "eigh", "einsum",
    "elu", "empty", "empty_like", "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expand_dims", "expm1",
    "extract_sequences", "eye", "fabs", "fft", "fft2", "flip", "fliplr", "flipud", "floor",
    "floor_divide", "fmax", "fmin", "fmod", "fold", "fori_loop", "full", "full_like", "gcd", "gelu",
    "geomspace", "get_item", "glu", "greater", "greater_equal", "hamming", "hanning", "hard_shrink",
    "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "heaviside", "histogram", "hsplit", "hstack",
    "hypot", "i0", "identity", "ifft2", "imag", "image", "in_top_k", "inner", "inv", "irfft", "is_tensor",
    "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "istft", "jvp",
    "kaiser", "kron", "layer_normalization", "lcm", "ldexp", "leaky_relu", "left_shift", "less",
    "less_equal", "linalg", "linspace", "log", "log10", "log1p", "log2", "log_sigmoid", "log_softmax",
    "logaddexp", "logaddexp2", "logdet", "logical_and", "logical_not", "logical_or", "logical_xor",
    "logspace", "logsumexp", "lstsq", "lu_factor", "map", "matmul", "matrix_rank", "max", "max_pool",
    "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moments", "moveaxis", "multi_hot",
    "multiply", "nan_to_num", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean",
    "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
    "ndim", "negative", "nextafter", "nn", "nonzero", "norm", "normalize", "not_equal", "numpy",
    "one_hot", "ones", "ones_like", "outer", "pad", "percentile", "pinv", "polar", "power", "prod",
    "psnr", "ptp", "qr", "quantile", "rad2deg", "ravel", "real", "rearrange", "reciprocal", "relu",
    "relu6", "repeat", "reshape", "rfft", "right_shift", "rms_normalization", "roll", "rot90", "round",
    "rsqrt", "saturate_cast", "scan", "scatter", "scatter_update", "searchsorted", "segment_max",
    "segment_min", "segment_prod", "segment_sum", "select", "selu", "separable_conv", "shape", "sigmoid",
    "sign", "signbit", "silu", "sin", "sinc", "sinh", "size", "slice", "slice_update", "slogdet",
    "soft_shrink", "softmax", "softplus", "softsign", "solve", "solve_triangular", "sort",
    "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid", "sparsemax",
    "split", "sqrt", "square", "squareplus", "squeeze", "stack", "std", "stft", "stop_gradient",
    "subtract", "sum", "svd", "swapaxes", "swish", "switch", "take", "take_along_axis", "tan", "tanh",
    "tanh_shrink", "tensordot", "threshold", "tile", "top_k", "trace", "transpose", "trapezoid", "tri",
    "tril", "triu", "true_divide", "trunc", "unfold", "unique", "unravel_index", "unstack", "vander",
    "var", "vdot", "vectorize", "vectorized_map", "view", "view_as_complex", "view_as_real", "vsplit",
    "vstack", "where", "while_loop", "zeros", "zeros_like",
]  # fmt: skip
operators.answer_numpy(__all__, sys.modules[__name__])
_stand_behind(__name__, rearrange="arrays.rearrange", scatter="arrays.scatter", shape="arrays.shape")


def __dir__() -> list[str]:
    return sorted(__all__)
