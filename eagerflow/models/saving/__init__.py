"""Files of models: Keras 3's `.keras` and `.weights.h5`, Keras 2's `.h5`, and `.safetensors`."""

from typing import TYPE_CHECKING

from eagerflow.base.faces import listed as _listed

if TYPE_CHECKING:
    from eagerflow.base.machine.budget import LoadLimitError as LoadLimitError
    from eagerflow.models.saving.api import (
        load_model as load_model,
        load_weights as load_weights,
        read_weights as read_weights,
        save_model as save_model,
        save_weights as save_weights,
    )
    from eagerflow.models.saving.backup import read_backup as read_backup, write_backup as write_backup
    from eagerflow.models.saving.errors import FileFormatError as FileFormatError

_listed(
    __name__,
    homes={
        ".api": "load_model load_weights read_weights save_model save_weights",
        ".backup": "read_backup write_backup",
        ".errors": "FileFormatError",
        "eagerflow.base.machine.budget": "LoadLimitError",
    },
)
