"""Quantization: weights and activations as small integers."""

from eagerflow.base.faces import listed as _listed
from eagerflow.quantizers.base import *
from eagerflow.quantizers.configs import *
from eagerflow.quantizers.float8 import *
from eagerflow.quantizers.int4 import *
from eagerflow.quantizers.rounding import *

_listed(__name__)
