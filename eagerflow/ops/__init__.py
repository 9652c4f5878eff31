"""Operations on tensors, with the names and signatures of `keras.ops`."""

import sys

from eagerflow.base.faces import listed as _listed
from eagerflow.base.moved import stand_behind as _stand_behind
from eagerflow.core.links import above as _above
from eagerflow.ops import image as image, linalg as linalg, nn as nn, numpy as numpy, operators
from eagerflow.ops.arrays import devices  # noqa: F401 - tensors move by it
from eagerflow.ops.arrays.complex_views import *
from eagerflow.ops.arrays.creation import *
from eagerflow.ops.arrays.diagonals import *
from eagerflow.ops.arrays.indexing import (
    get_item as get_item,
    slice as slice,
    take as take,
    take_along_axis as take_along_axis,
)
from eagerflow.ops.arrays.join import *
from eagerflow.ops.arrays.rearrange import *
from eagerflow.ops.arrays.scatter import *
from eagerflow.ops.arrays.shape import *
from eagerflow.ops.arrays.sorting import *
from eagerflow.ops.control_flow import *
from eagerflow.ops.elementwise.arithmetic import *
from eagerflow.ops.elementwise.bessel import i0 as i0
from eagerflow.ops.elementwise.bitwise import *
from eagerflow.ops.elementwise.casting import *
from eagerflow.ops.elementwise.comparison import *
from eagerflow.ops.elementwise.complex_numbers import *
from eagerflow.ops.elementwise.exponential import *
from eagerflow.ops.elementwise.logic import *
from eagerflow.ops.elementwise.rounding import *
from eagerflow.ops.elementwise.selection import (
    clip as clip,
    divide_no_nan as divide_no_nan,
    fmax as fmax,
    fmin as fmin,
    heaviside as heaviside,
    maximum as maximum,
    minimum as minimum,
    nan_to_num as nan_to_num,
    nonzero as nonzero,
    select as select,
    where as where,
)
from eagerflow.ops.elementwise.special import *
from eagerflow.ops.elementwise.trigonometry import *
from eagerflow.ops.matrices.correlation import *
from eagerflow.ops.matrices.einsum import *
from eagerflow.ops.matrices.factorizations import (
    cholesky as cholesky,
    eig as eig,
    eigh as eigh,
    lu_factor as lu_factor,
    pinv as pinv,
    qr as qr,
    slogdet as slogdet,
    solve as solve,
    svd as svd,
)
from eagerflow.ops.matrices.inverses import *
from eagerflow.ops.matrices.norms import *
from eagerflow.ops.matrices.products import *
from eagerflow.ops.nn import *
from eagerflow.ops.reduce.cumulative import *
from eagerflow.ops.reduce.log_sum_exp import *
from eagerflow.ops.reduce.nan_reductions import *
from eagerflow.ops.reduce.quantiles import *
from eagerflow.ops.reduce.reductions import *
from eagerflow.ops.reduce.segments import *
from eagerflow.ops.reduce.statistics import *
from eagerflow.ops.reduce.truth import *
from eagerflow.ops.signals.fourier import *
from eagerflow.ops.signals.window_functions import *

_above.ops = sys.modules[__name__]
_names = _listed(__name__, "image", "linalg", "nn", "numpy")
operators.answer_numpy(_names, sys.modules[__name__])
_stand_behind(__name__, rearrange="arrays.rearrange", scatter="arrays.scatter", shape="arrays.shape")
