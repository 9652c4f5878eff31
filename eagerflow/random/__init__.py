"""Random tensors, and the seeds that they follow from."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed
from eagerflow.random.distributions import *
from eagerflow.random.seed_generator import SeedGenerator as SeedGenerator

if TYPE_CHECKING:
    from eagerflow.random.noise import *

_listed(__name__, homes={".noise": "dropout shuffle"})
