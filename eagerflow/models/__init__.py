"""Models, and how they are saved, loaded and copied."""

from collections.abc import Mapping as _Mapping, Sequence as _Sequence
from os import PathLike as _PathLike
from typing import TYPE_CHECKING, Any as _Any

from eagerflow.base.faces import listed as _listed
from eagerflow.base.machine.budget import Limit as _Limit
from eagerflow.base.typing import FilePath as _FilePath
from eagerflow.core.links import above as _above
from eagerflow.models.any_model import AnyModel as _AnyModel
from eagerflow.models.model import Model as Model
from eagerflow.models.sequential import *

if TYPE_CHECKING:  # below `Model`, where files are read, the type of `load_model` isn't known
    from eagerflow.models.cloning import *
    from eagerflow.models.functional import *
    from eagerflow.models.saving import save_model as save_model

    def load_model(
        filepath: _FilePath,
        custom_objects: _Mapping[str, _Any] | None = None,
        compile: bool = True,
        safe_mode: bool = True,
    ) -> _AnyModel | _Any:  # so that a variable that holds it may be given another model
        """A model from a file: see `eagerflow.models.saving`."""

    def load_onnx(
        filepath: str | _PathLike[str],
        name: str | None = None,
        outputs: _Sequence[str] | None = None,
        limit: _Limit = "auto",
    ) -> _Any:
        """A model from an ONNX file."""


_listed(
    __name__,
    homes={
        ".cloning": "clone_model model_from_json",
        ".functional": "Functional",
        ".saving": "load_model save_model",
        **_above.model_loaders,
    },
)
