"""Constraints: bounds that weights are kept in after every update."""

from eagerflow.base.faces import listed as _listed
from eagerflow.constraints.base import *
from eagerflow.constraints.norms import *

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

_listed(__name__)
