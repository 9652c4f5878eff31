"""Many machines: the same script trains the same model on 1, 2 or 1,000 ranks. See `docs/distribution.md`."""

from eagerflow.base.faces import listed as _listed
from eagerflow.distribution.collectives import *
from eagerflow.distribution.data_parallel import *
from eagerflow.distribution.devices import *
from eagerflow.distribution.joining import *
from eagerflow.distribution.meshes import *
from eagerflow.distribution.report import *

_listed(__name__)
