"""The ops that have a name of NumPy: the names of `keras.ops.numpy`."""

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.arrays.complex_views import angle as angle, isreal as isreal, sign as sign
from eagerflow.ops.arrays.creation import *
from eagerflow.ops.arrays.diagonals import *
from eagerflow.ops.arrays.indexing import get_item as get_item, take as take, take_along_axis as take_along_axis
from eagerflow.ops.arrays.join import (
    append as append,
    array_split as array_split,
    concatenate as concatenate,
    dsplit as dsplit,
    dstack as dstack,
    hsplit as hsplit,
    hstack as hstack,
    pad as pad,
    split as split,
    stack as stack,
    vsplit as vsplit,
    vstack as vstack,
)
from eagerflow.ops.arrays.shape import *
from eagerflow.ops.arrays.sorting import (
    argpartition as argpartition,
    argsort as argsort,
    digitize as digitize,
    searchsorted as searchsorted,
    sort as sort,
)
from eagerflow.ops.control_flow import vectorize as vectorize
from eagerflow.ops.elementwise.arithmetic import *
from eagerflow.ops.elementwise.bessel import *
from eagerflow.ops.elementwise.bitwise import *
from eagerflow.ops.elementwise.casting import copy as copy, ndim as ndim, size as size, view as view
from eagerflow.ops.elementwise.comparison import *
from eagerflow.ops.elementwise.complex_numbers import *
from eagerflow.ops.elementwise.exponential import (
    cbrt as cbrt,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    hypot as hypot,
    ldexp as ldexp,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    logaddexp as logaddexp,
    logaddexp2 as logaddexp2,
    sqrt as sqrt,
)
from eagerflow.ops.elementwise.logic import *
from eagerflow.ops.elementwise.rounding import *
from eagerflow.ops.elementwise.selection import *
from eagerflow.ops.elementwise.trigonometry import *
from eagerflow.ops.matrices.correlation import *
from eagerflow.ops.matrices.einsum import *
from eagerflow.ops.matrices.factorizations import slogdet as slogdet
from eagerflow.ops.matrices.norms import trace as trace
from eagerflow.ops.matrices.products import *
from eagerflow.ops.reduce.cumulative import *
from eagerflow.ops.reduce.nan_reductions import *
from eagerflow.ops.reduce.quantiles import *
from eagerflow.ops.reduce.reductions import *
from eagerflow.ops.reduce.statistics import (
    allclose as allclose,
    bincount as bincount,
    histogram as histogram,
    isclose as isclose,
    isin as isin,
    unique as unique,
    unravel_index as unravel_index,
)
from eagerflow.ops.reduce.truth import *
from eagerflow.ops.signals.window_functions import *

_listed(__name__)
