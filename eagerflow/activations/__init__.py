"""Activation functions, with the names and settings of `keras.activations`.

Most are the ops of the same name, so that they have gradients of any order.
"""

from __future__ import annotations

from eagerflow.activations.functions import *
from eagerflow.activations.names import *
from eagerflow.base.faces import listed as _listed
from eagerflow.ops import celu as celu
from eagerflow.ops import elu as elu
from eagerflow.ops import glu as glu
from eagerflow.ops import hard_shrink as hard_shrink
from eagerflow.ops import hard_sigmoid as hard_sigmoid
from eagerflow.ops import hard_silu as hard_silu
from eagerflow.ops import hard_tanh as hard_tanh
from eagerflow.ops import leaky_relu as leaky_relu
from eagerflow.ops import log_sigmoid as log_sigmoid
from eagerflow.ops import log_softmax as log_softmax
from eagerflow.ops import relu6 as relu6
from eagerflow.ops import selu as selu
from eagerflow.ops import silu as silu
from eagerflow.ops import soft_shrink as soft_shrink
from eagerflow.ops import softplus as softplus
from eagerflow.ops import softsign as softsign
from eagerflow.ops import sparse_plus as sparse_plus
from eagerflow.ops import sparse_sigmoid as sparse_sigmoid
from eagerflow.ops import sparsemax as sparsemax
from eagerflow.ops import squareplus as squareplus
from eagerflow.ops import tanh as tanh
from eagerflow.ops import tanh_shrink as tanh_shrink
from eagerflow.ops import threshold as threshold

hard_swish, swish = hard_silu, silu

_listed(__name__)
