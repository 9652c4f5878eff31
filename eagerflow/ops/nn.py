"""The ops of neural networks, as `keras.ops.nn` lists them."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.neural.activations import (
    elu as elu,
    leaky_relu as leaky_relu,
    relu as relu,
    sigmoid as sigmoid,
    silu as silu,
    softplus as softplus,
)
from eagerflow.ops.neural.adaptive_pooling import *
from eagerflow.ops.neural.attention import *
from eagerflow.ops.neural.composed_activations import *
from eagerflow.ops.neural.composed_normalization import *
from eagerflow.ops.neural.convolution import *
from eagerflow.ops.neural.crossentropy import (
    binary_crossentropy as binary_crossentropy,
    categorical_crossentropy as categorical_crossentropy,
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from eagerflow.ops.neural.measures import *
from eagerflow.ops.neural.normalization import batch_normalization as batch_normalization, moments as moments
from eagerflow.ops.neural.one_hot import *
from eagerflow.ops.neural.pooling import *
from eagerflow.ops.neural.softmax import *
from eagerflow.ops.neural.transposed_convolution import *
from eagerflow.ops.neural.unfold import *
from eagerflow.ops.sequences.ctc import *

_listed(__name__)
