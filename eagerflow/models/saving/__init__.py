"""Files of models: Keras 3's `.keras` and `.weights.h5`, Keras 2's `.h5`, and `.safetensors`."""

from __future__ import annotations

from eagerflow.base.machine.budget import LoadLimitError
from eagerflow.models.saving.api import load_model, load_weights, save_model, save_weights
from eagerflow.models.saving.contents import read_weights
from eagerflow.models.saving.editor import KerasFileEditor
from eagerflow.models.saving.errors import FileFormatError

__all__ = ["FileFormatError", "KerasFileEditor", "LoadLimitError", "load_model", "load_weights", "read_weights"]
__all__ += ["save_model", "save_weights"]
