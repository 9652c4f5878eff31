"""Nested structures, under the names of `keras.tree`."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tree import *

_listed(__name__, "MAP_TO_NONE")
