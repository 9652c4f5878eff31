"""Functions on nested lists, tuples and dicts."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.base.tree import *

_listed(__name__, "MAP_TO_NONE")
