"""Data sets, and the conversion of what users hand in into batches."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.data.dataset import *
from eagerflow.data.encoding import *
from eagerflow.data.packing import *
from eagerflow.data.py_dataset import *

_listed(__name__)
