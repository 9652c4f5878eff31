"""Pipelines that read, transform, shuffle and batch data."""

from eagerflow.base.faces import listed as _listed
from eagerflow.data.dataset import *
from eagerflow.data.encoding import *
from eagerflow.data.packing import *
from eagerflow.data.py_dataset import *

_listed(__name__)
