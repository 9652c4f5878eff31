"""Random tensors, and the seeds that they follow from."""

from eagerflow.base.faces import listed as _listed
from eagerflow.random.distributions import *
from eagerflow.random.noise import *
from eagerflow.random.seed_generator import SeedGenerator as SeedGenerator

_listed(__name__)
