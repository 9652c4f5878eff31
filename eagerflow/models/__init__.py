"""Models, with the names of `keras.models`."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.models.cloning import *
from eagerflow.models.functional import *
from eagerflow.models.model import Model as Model
from eagerflow.models.onnx_files import *
from eagerflow.models.saving import load_model as load_model, save_model as save_model
from eagerflow.models.sequential import *

_listed(__name__)
