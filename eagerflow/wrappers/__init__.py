"""Models as scikit-learn estimators, for its pipelines, searches and cross-validation."""

from eagerflow.base.faces import listed as _listed
from eagerflow.wrappers.scikit_learn import *

_listed(__name__)
