"""Knowledge distillation: a small model learns from a large one."""

from eagerflow.base.faces import listed as _listed
from eagerflow.distillation.distiller import *
from eagerflow.distillation.losses import *

_listed(__name__)
