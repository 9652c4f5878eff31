"""A small model learns from a large one, with the names and settings of `keras.distillation`."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.distillation.distiller import *
from eagerflow.distillation.losses import *

_listed(__name__)
