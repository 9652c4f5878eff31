"""Initializers: how the first values of weights are drawn."""

from eagerflow.base.faces import listed as _listed
from eagerflow.initializers.base import *
from eagerflow.initializers.constant import *
from eagerflow.initializers.random import *

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
STFTInitializer = stft = STFT
constant, ones, zeros = Constant, Ones, Zeros
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
random_normal, random_uniform = RandomNormal, RandomUniform
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling

_listed(__name__)
