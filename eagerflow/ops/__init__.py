"""Operations on tensors, from `add` to `while_loop`, all with gradients where mathematics has them."""

import sys as _sys
from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed
from eagerflow.core.links import above as _above
from eagerflow.ops import linalg as linalg, nn as nn, numpy as numpy, operators as _operators
from eagerflow.ops.arrays import devices as _devices  # noqa: F401 - tensors move by it
from eagerflow.ops.arrays.complex_views import *
from eagerflow.ops.arrays.creation import *
from eagerflow.ops.arrays.diagonals import *
from eagerflow.ops.arrays.indexing import *
from eagerflow.ops.arrays.join import *
from eagerflow.ops.arrays.rearrange import *
from eagerflow.ops.arrays.scatter import *
from eagerflow.ops.arrays.shape import *
from eagerflow.ops.arrays.sorting import *
from eagerflow.ops.control_flow import *
from eagerflow.ops.elementwise.arithmetic import *
from eagerflow.ops.elementwise.bessel import *
from eagerflow.ops.elementwise.bitwise import *
from eagerflow.ops.elementwise.casting import *
from eagerflow.ops.elementwise.comparison import *
from eagerflow.ops.elementwise.complex_numbers import *
from eagerflow.ops.elementwise.exponential import *
from eagerflow.ops.elementwise.logic import *
from eagerflow.ops.elementwise.rounding import *
from eagerflow.ops.elementwise.selection import *
from eagerflow.ops.elementwise.special import *
from eagerflow.ops.elementwise.trigonometry import *
from eagerflow.ops.matrices.correlation import *
from eagerflow.ops.matrices.einsum import *
from eagerflow.ops.matrices.factorizations import *
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

if TYPE_CHECKING:
    from eagerflow.ops import image as image

_above.ops = _sys.modules[__name__]
_names = _listed(__name__, "image", "linalg", "nn", "numpy")
_operators.answer_numpy(_names, _sys.modules[__name__])
