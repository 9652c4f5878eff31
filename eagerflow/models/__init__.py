"""Models, and how they are saved, loaded and copied."""

from collections.abc import Mapping as _Mapping
from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import listed as _listed
from eagerflow.base.typing import FilePath as _FilePath
from eagerflow.models.any_model import AnyModel as _AnyModel
from eagerflow.models.cloning import *
from eagerflow.models.functional import *
from eagerflow.models.model import Model as Model
from eagerflow.models.onnx_files import *
from eagerflow.models.saving import save_model as save_model
from eagerflow.models.sequential import *

if TYPE_CHECKING:  # below `Model`, where files are read, its type isn't known

    def load_model(
        filepath: _FilePath,
        custom_objects: _Mapping[str, _Any] | None = None,
        compile: bool = True,
        safe_mode: bool = True,
    ) -> _AnyModel | _Any:  # so that a variable that holds it may be given another model
        """A model from a file: see `eagerflow.models.saving`."""
else:
    from eagerflow.models.saving import load_model as load_model

_listed(__name__)
