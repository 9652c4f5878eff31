"""Models as estimators of scikit-learn."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.wrappers.scikit_learn import *

_listed(__name__)
