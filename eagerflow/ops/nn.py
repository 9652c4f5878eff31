"""The ops of neural networks, as `keras.ops.nn` lists them."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.ops.neural.activations import *
from eagerflow.ops.neural.adaptive_pooling import *
from eagerflow.ops.neural.attention import *
from eagerflow.ops.neural.composed_activations import *
from eagerflow.ops.neural.composed_normalization import *
from eagerflow.ops.neural.convolution import *
from eagerflow.ops.neural.crossentropy import *
from eagerflow.ops.neural.measures import *
from eagerflow.ops.neural.normalization import *
from eagerflow.ops.neural.one_hot import *
from eagerflow.ops.neural.pooling import *
from eagerflow.ops.neural.softmax import *
from eagerflow.ops.neural.transposed_convolution import *
from eagerflow.ops.neural.unfold import *
from eagerflow.ops.sequences.ctc import *

_listed(__name__)
