"""Regularizers: penalties on weights and activations that are added to the loss."""

from eagerflow.base.faces import listed as _listed
from eagerflow.regularizers.base import *
from eagerflow.regularizers.norms import *
from eagerflow.regularizers.orthogonal import *

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_listed(__name__)
